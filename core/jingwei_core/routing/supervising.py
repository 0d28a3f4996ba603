"""Supervision (督办): somebody above asks what becomes of an event, and who works on it answers."""

import uuid
from datetime import datetime

import msgspec

from jingwei_core.events.step_evidence import NO_EVIDENCE
from jingwei_core.events.tables import Event
from jingwei_core.events.timeline import Entry, append_entry
from jingwei_core.events.whom import Who, Whom
from jingwei_core.routing.reports_up import tell_of
from jingwei_core.routing.tables import Supervision
from jingwei_core.routing.working_on import require_open, works_on
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, Denied, Invalid

SUPERVISED = "EVENT_SUPERVISED"
ENTRY, ANSWERED = "event.supervise", "event.answer"
"""Codes of entries of the timeline."""


class NewSupervision(msgspec.Struct, frozen=True):
    """Who wants to know, why, and by when; ``due_at`` is aware, ``None`` for no date."""

    supervisor: uuid.UUID | None
    reason: str
    due_at: datetime | None


async def supervise(ctx: Context, event: Event, new: NewSupervision) -> Supervision:
    """Supervise a locked open event, and tell who works on it.

    Raises ``Conflict`` (``EVENT_IS_CLOSED``), ``Invalid`` (``EVENT_TEXT_REQUIRED``,
    ``TIME_WITHOUT_ZONE``, ``EVENT_SUPERVISION_DUE`` for a time that is past).
    """
    assert isinstance(ctx, CoreContext)
    require_open(event)
    if not new.reason:
        raise Invalid("EVENT_TEXT_REQUIRED", field="reason")
    if new.due_at is not None:
        if new.due_at.utcoffset() is None:
            raise Invalid("TIME_WITHOUT_ZONE", field="dueAt", value=new.due_at.isoformat())
        if new.due_at <= ctx.now():
            raise Invalid("EVENT_SUPERVISION_DUE", field="dueAt")
    row = Supervision(
        event=event.id,
        supervisor=new.supervisor,
        reason=new.reason,
        asked_at=ctx.now(),
        due_at=new.due_at,
    )
    stored = await ctx.data.insert(row)
    await append_entry(ctx, event, Entry(ENTRY, event.state, reason=new.reason), NO_EVIDENCE)
    await ctx.signals.changed("Event", event.id, event.place_path)
    resolve = ctx.platform.event_ports.recipients.resolve
    for who in (Who.ASSIGNED, Who.FIRST_RECEIVER):
        await tell_of(ctx, event, await resolve(ctx, Whom(who), event), SUPERVISED)
    return stored


async def answer(ctx: Context, supervision: Supervision, text: str) -> Supervision:
    """Answer a locked supervision once, as who works on the event.

    Raises ``Conflict`` (``EVENT_SUPERVISION_ANSWERED``), ``Denied`` (``EVENT_NOT_YOURS``).
    """
    answered_at: datetime | None = supervision.answered_at
    if answered_at is not None:
        raise Conflict("EVENT_SUPERVISION_ANSWERED", field="id")
    event = await ctx.data.lock(Event, supervision.event)
    if not await works_on(ctx, event):
        raise Denied("EVENT_NOT_YOURS", field="id", number=event.number)
    who, now = ctx.actor.account_id, ctx.now()
    stored = await ctx.data.update(supervision, answer=text, answered_by=who, answered_at=now)
    await append_entry(ctx, event, Entry(ANSWERED, event.state, note=text), NO_EVIDENCE)
    await ctx.signals.changed("Event", event.id, event.place_path)
    return stored
