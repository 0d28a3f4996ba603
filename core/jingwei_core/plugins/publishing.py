"""Event messages of plugins (事件消息): stored with what caused them, told to each consumer once.

A message is a row of the outbox, under row security, so what it says is not in the queue. Its
delivery queues a job for each consumer; a consumer's job claims the message in its own transaction,
so what it does in the database happens once however often the message comes.
"""

import json
import uuid
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from jingwei_core.audit.writing import append_audit
from jingwei_core.commands.data import UnitData
from jingwei_core.commands.plugin_context import given_to
from jingwei_core.database import current_unit
from jingwei_core.jobs.core_jobs import EVENT_CONSUMER
from jingwei_core.outbox.event_messages import EVENTS
from jingwei_core.plugins.hearing import not_heard
from jingwei_core.session import CoreContext
from jingwei_sdk.errors import NotFound
from jingwei_sdk.events import Consumer

if TYPE_CHECKING:
    from jingwei_core.registry import Registry

CONSUMER_WITHIN_S = 300.0

_MESSAGE = "SELECT payload FROM core.outbox_message WHERE id = $1 AND channel = $2"
_CLAIM = """
INSERT INTO core.consumed (consumer, event_id) VALUES ($1, $2)
ON CONFLICT DO NOTHING RETURNING true
"""


async def tell_consumers(ctx: CoreContext, message_id: uuid.UUID, event_type: str) -> int:
    """Queue a job for each consumer of the type among the tenant's enabled plugins; how many."""
    consumers = [
        f"{plugin.id}:{consumer.name}"
        for plugin in ctx.registry.plugins
        for consumer in plugin.consumers
        if consumer.event_type == event_type
    ]
    for name in consumers:
        await ctx.signals.enqueue(EVENT_CONSUMER, {"event": str(message_id), "consumer": name})
    return len(consumers)


async def run_consumer(ctx: CoreContext, payload: Mapping[str, Any]) -> None:
    """The job of one consumer and one message; a message that it has had already changes nothing.

    What it writes is one row of the audit log. While its breaker is open the job is put off.
    Raises whatever the consumer raises; ``Refused``: ``PLUGIN_OFF`` when its plugin is no longer
    enabled, ``PLUGIN_HEARS_NO_MORE`` when it is and has no such consumer; ``NotFound``
    (``EVENT_MESSAGE_GONE``).
    """
    assert isinstance(ctx.data, UnitData)
    name, message_id = payload["consumer"], uuid.UUID(payload["event"])
    plugin, consumer = _consumer(ctx.registry, name)
    hooks, point = ctx.platform.hooks, (ctx.tenant.id, plugin, f"consumer:{consumer.name}")
    if hooks.outcomes.breakers.is_open(point):
        delay_s = hooks.outcomes.breakers.rules.open_s
        await ctx.signals.enqueue(EVENT_CONSUMER, dict(payload), delay_s=delay_s)
        return
    stored = await ctx.data.fetchval(_MESSAGE, message_id, EVENTS)
    if stored is None:
        raise NotFound("EVENT_MESSAGE_GONE", message=str(message_id))
    if not await current_unit().fetchval(_CLAIM, name, message_id):
        return
    content = json.loads(stored) if isinstance(stored, str) else stored
    given = msgspec.convert(content["data"], consumer.payload)
    work = partial(consumer.run, given_to(plugin, ctx), given)
    await hooks.guarded(point, work, CONSUMER_WITHIN_S)
    if ctx.data.changes:
        await append_audit(ctx, f"{plugin}:{consumer.name}", message_id)


def _consumer(registry: "Registry", name: str) -> tuple[str, Consumer[Any]]:
    plugin_id, _, consumer_name = name.partition(":")
    for plugin in registry.plugins:
        if plugin.id == plugin_id:
            for consumer in plugin.consumers:
                if consumer.name == consumer_name:
                    return plugin_id, consumer
    raise not_heard(registry, plugin_id, consumer_name)
