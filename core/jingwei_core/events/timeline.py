"""The timeline (流程记录): one entry for each step, appended under the event's lock."""

import uuid

import msgspec

from jingwei_core.commands.data import UnitData
from jingwei_core.commands.shapes import shape_of
from jingwei_core.commands.steps import Adding
from jingwei_core.events.step_evidence import Claimed, attach
from jingwei_core.events.tables import Event, EventStep
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context

_NEXT = "(SELECT coalesce(max(sequence), 0) + 1 FROM core.event_step WHERE event = {event})"


class Entry(msgspec.Struct, frozen=True):
    """What an entry says beyond who and when; ``department`` and ``assignee`` are those that the
    step named, ``acted_for`` is the account on leave that the actor stood in for."""

    action: str
    from_state: str | None
    note: str = ""
    reason: str = ""
    department: uuid.UUID | None = None
    assignee: uuid.UUID | None = None
    was_late: bool = False
    acted_for: uuid.UUID | None = None


async def append_entry(ctx: Context, event: Event, entry: Entry, claimed: Claimed) -> EventStep:
    """Append an entry about ``event``: locked, and as the step leaves it."""
    assert isinstance(ctx.data, UnitData)
    (step,) = await ctx.data.together(next_entry(entry_of(ctx, event, entry)))
    await attach(ctx, step, claimed)
    found: EventStep = step
    return found


def next_entry(row: EventStep) -> Adding:
    """The writing step for an entry behind the last one of its event, which is locked."""
    return Adding(row, {"sequence": _NEXT})


def entry_of(ctx: Context, event: Event, entry: Entry) -> EventStep:
    """The row of an entry, without its place in the timeline."""
    row: EventStep = shape_of(EventStep).new(
        event=event.id,
        sequence=0,
        action=entry.action,
        from_state=entry.from_state,
        to_state=event.state,
        actor=ctx.actor.account_id,
        actor_name=ctx.actor.name,
        acted_for=entry.acted_for,
        department=entry.department,
        assignee=entry.assignee,
        note=entry.note,
        reason=entry.reason,
        at=ctx.now(),
        happened_at=ctx.happened_at if isinstance(ctx, CoreContext) else None,
        due_at=event.state_due_at,
        was_late=entry.was_late,
    )
    return row
