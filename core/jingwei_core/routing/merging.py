"""Merging (合并): an event that says the same as another one ends in it.

It ends by the action called ``merge`` of its own workflow, or by one that leads to a final state
called ``merged``; its reporter hears when the other one is closed.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jingwei_core.events.step_evidence import NO_EVIDENCE
from jingwei_core.events.stepping import load_definition, take_by_platform
from jingwei_core.events.tables import Event
from jingwei_core.events.timeline import Entry, append_entry
from jingwei_core.events.workflow import MERGE, WorkflowDefinition
from jingwei_core.routing.reports_up import tell_of
from jingwei_core.routing.tables import EventMerge
from jingwei_core.routing.working_on import require_open
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, Invalid

PERMISSION = "event.merge"
ENTRY = "event.merge"
MERGED_STATE = "merged"
CLOSED = "EVENT_CLOSED"

_REPOINT = "UPDATE core.event_merge SET into_event = $2 WHERE into_event = $1 AND told_at IS NULL"
_UNTOLD = """
SELECT m.id, m.event FROM core.event_merge m
  JOIN core.event e ON e.tenant_id = m.tenant_id AND e.id = m.into_event
 WHERE m.told_at IS NULL AND e.is_final AND m.id > $1
 ORDER BY m.id LIMIT $2
"""
PAGE = 100
_FIRST = uuid.UUID(int=0)


async def merge(ctx: Context, event: Event, into: uuid.UUID, reason: str) -> Event:
    """End a locked event in another open one of the same subtree of places; the ended event.

    Raises ``NotFound`` for one out of sight, ``Denied`` without the permission at its place,
    ``Invalid`` (``EVENT_MERGE_SELF``), ``Conflict``: ``EVENT_IS_CLOSED``, ``EVENT_MERGE_PLACE``,
    ``EVENT_MERGE_NO_WAY`` (the workflow has no such end from here).
    """
    assert isinstance(ctx, CoreContext)
    if into == event.id:
        raise Invalid("EVENT_MERGE_SELF", field="into")
    require_open(event)
    await ctx.records.get(ctx, "Event", into)
    other = await ctx.data.lock(Event, into)
    ctx.require(PERMISSION, other.place_path)
    require_open(other, "into")
    paths = (event.place_path, other.place_path)
    if not (paths[0].startswith(paths[1]) or paths[1].startswith(paths[0])):
        raise Conflict("EVENT_MERGE_PLACE", field="into")
    code = _way_out(await load_definition(ctx, event), event.state)
    numbers = (event.number, other.number)
    ended = await take_by_platform(ctx, event, code, reason or f"→ {numbers[1]}")
    ended = await ctx.data.update(ended, merged_into=other.id)
    await ctx.unit.execute(_REPOINT, event.id, other.id)
    await ctx.data.insert(
        EventMerge(
            event=event.id,
            into_event=other.id,
            merged_by=ctx.actor.account_id,
            reason=reason,
            at=ctx.now(),
        )
    )
    for one, note in ((ended, f"→ {numbers[1]}"), (other, f"← {numbers[0]}")):
        entry = Entry(ENTRY, one.state, note=note, reason=reason)
        await append_entry(ctx, one, entry, NO_EVIDENCE)
    await ctx.signals.changed("Event", other.id, other.place_path)
    return ended


def _way_out(definition: WorkflowDefinition, state: str) -> str:
    actions = definition.actions_from(state)
    for action in actions:
        if action.code == MERGE and definition.is_final(action.to):
            return action.code
    for action in actions:
        if action.to == MERGED_STATE and definition.is_final(action.to):
            return action.code
    raise Conflict("EVENT_MERGE_NO_WAY", field="id", state=state)


async def tell_ends(ctx: Context, payload: Mapping[str, Any]) -> None:
    """The job that tells reporters of merged events that the other one was closed: each once."""
    assert isinstance(ctx, CoreContext)
    last = _FIRST
    while rows := await ctx.data.fetch(_UNTOLD, last, PAGE):
        for row in rows:
            merged = await ctx.data.lock(EventMerge, row["id"])
            told_at: datetime | None = merged.told_at
            if told_at is not None:
                continue
            event = await ctx.data.get(Event, row["event"])
            if event.reporter is not None:
                await tell_of(ctx, event, (event.reporter,), CLOSED)
            await ctx.data.update(merged, told_at=ctx.now())
        last = rows[-1]["id"]
