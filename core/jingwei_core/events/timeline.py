"""The timeline (流程记录): one entry for each step, appended under the event's lock."""

import uuid
from dataclasses import dataclass

from jingwei_core.events.step_evidence import Claimed, attach
from jingwei_core.events.tables import Event, EventStep
from jingwei_sdk.context import Context


@dataclass(frozen=True, slots=True)
class Entry:
    """What an entry says beyond who and when; ``department`` and ``assignee`` are those that the
    step named."""

    action: str
    from_state: str | None
    note: str = ""
    reason: str = ""
    department: uuid.UUID | None = None
    assignee: uuid.UUID | None = None
    was_late: bool = False


async def append_entry(ctx: Context, event: Event, entry: Entry, claimed: Claimed) -> EventStep:
    """Append an entry about ``event``: locked or new, and as the step leaves it."""
    last = await ctx.data.fetchval(
        "SELECT max(sequence) FROM core.event_step WHERE event = $1", event.id
    )
    step = await ctx.data.insert(
        EventStep(
            event=event.id,
            sequence=(last or 0) + 1,
            action=entry.action,
            from_state=entry.from_state,
            to_state=event.state,
            actor=ctx.actor.account_id,
            actor_name=ctx.actor.name,
            department=entry.department,
            assignee=entry.assignee,
            note=entry.note,
            reason=entry.reason,
            at=ctx.now(),
            due_at=event.state_due_at,
            was_late=entry.was_late,
        )
    )
    await attach(ctx, step, claimed)
    return step
