"""Registration (登记): the first step of every event, whoever opens it."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

import msgspec

from jingwei_core.commands.data import Deferred, UnitData
from jingwei_core.commands.shapes import shape_of
from jingwei_core.commands.steps import Adding, as_told
from jingwei_core.database.expressions import Expression
from jingwei_core.events.configuration import Kind, StoredWorkflow
from jingwei_core.events.covering import reports_for
from jingwei_core.events.deadlines import Deadlines
from jingwei_core.events.numbering import Counting, next_number, number_of
from jingwei_core.events.placing import Placing
from jingwei_core.events.step_evidence import NO_EVIDENCE, Claimed, attach
from jingwei_core.events.stepping import take_by_platform
from jingwei_core.events.tables import Event, EventNumber, EventStep
from jingwei_core.events.timeline import Entry, entry_of
from jingwei_core.events.transitions import transition
from jingwei_core.events.workflow import REGISTER
from jingwei_core.plugins.hooks import announce, is_asked, is_told, veto_or_continue
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context


class Registration(msgspec.Struct, frozen=True):
    """A checked report: everything that becomes the event."""

    kind: Kind
    placing: Placing
    title: str
    source: str
    description: str = ""
    form: Mapping[str, Any] = msgspec.field(default_factory=dict)
    evidence: Claimed = NO_EVIDENCE
    subject: tuple[str, uuid.UUID] | None = None
    due_at: datetime | None = None
    handling: str = ""
    """The handling type (处理机制); empty for that of the workflow."""
    found_by: uuid.UUID | None = None
    first_receiver: uuid.UUID | None = None


_REGISTERS = "core.event_registers({text}::date, {timestamptz}, {text}, {text})"


async def register(ctx: Context, new: Registration, *, is_last: bool = False) -> Event:
    """Store the event with its first timeline entry and deadlines, and tell plugins and readers.

    ``is_last`` says that nothing more is read or written: then the event may be stored with the
    last message of the unit, and the row answered here has no number yet. What the workflow takes
    at once with a report from this source is taken here, each action an entry of the timeline.

    Raises ``Conflict``: ``EVENT_WORKFLOW_MISSING`` (the kind's workflow is not there), a plugin's
    veto; ``Invalid`` ``EVENT_HANDLING_UNKNOWN``; and what the actions taken at once raise.
    """
    assert isinstance(ctx, CoreContext)
    configuration = await ctx.configuration.get()
    workflow = (
        configuration.workflow_for(new.kind, new.handling)
        if new.handling
        else configuration.current_workflow(new.kind)
    )
    deadlines = configuration.deadlines(new.kind.deadline_profile, workflow, ctx.tenant.timezone)
    event = _new_event(ctx, new, workflow, deadlines)
    acted_for = await reports_for(ctx, "event.report", event.place_path)
    entry = Entry(REGISTER, None, note=new.description, acted_for=acted_for)
    step = entry_of(ctx, event, entry)
    step.sequence = 1
    code = new.kind.code
    is_heard = is_asked(ctx, code) or is_told(ctx, code)
    taken = workflow.read.intake_of(new.source)
    if is_last and ctx.unit.is_late and not (is_heard or taken or new.evidence.attached):
        _defer(ctx, event, step)
    else:
        event = await _store(ctx, event, step, code)
        await attach(ctx, step, new.evidence)
        await announce(ctx, transition(event, code, REGISTER, None))
    await ctx.signals.changed("Event", event.id, event.place_path)
    for action in taken:
        event = await take_by_platform(ctx, event, action)
    return event


async def _store(ctx: Context, event: Event, step: EventStep, kind: str) -> Event:
    assert isinstance(ctx.data, UnitData)
    counting: tuple[Counting, ...] = (Counting(ctx.today()),)
    computed = {"number": number_of("step0")}
    if is_asked(ctx, kind):
        # Plugins are told the number, so it is taken before they are asked.
        event.number = await next_number(ctx)
        counting, computed = (), {}
        await veto_or_continue(ctx, transition(event, kind, REGISTER, None))
    stored = await ctx.data.together(*counting, Adding(event, computed), Adding(step))
    return cast(Event, stored[-2])


def _defer(ctx: Context, event: Event, step: EventStep) -> None:
    """The same with the unit's last message: see ``core.event_registers``."""
    assert isinstance(ctx.data, UnitData)
    # Made of the new event's id, which nobody can have put into the text of a report.
    event.number = unknown = f"number of {event.id}"
    told = f"{as_told(event)},{as_told(step)}"
    registered: datetime = event.state_since
    values = (registered.date().isoformat(), ctx.clock.now(), told, unknown)
    call = Expression(_REGISTERS, values)
    ctx.data.defer(Deferred(call, event.place_path, (EventNumber, Event, EventStep)))


def _new_event(
    ctx: Context, new: Registration, workflow: StoredWorkflow, deadlines: Deadlines
) -> Event:
    """The event without its number."""
    now = ctx.now()
    start = workflow.read.start
    limit = deadlines.entering(start, now)
    position, reported = new.placing.position, new.placing.reported
    subject_type, subject_id = new.subject or (None, None)
    event: Event = shape_of(Event).new(
        created_at=now,
        updated_at=now,
        number="",
        kind=new.kind.id,
        workflow=workflow.id,
        state=start,
        title=new.title,
        description=new.description,
        source=new.source,
        form=dict(new.form),
        place_id=new.placing.place.id,
        place_path=new.placing.place.path,
        lon_e7=position.lon_e7 if position else None,
        lat_e7=position.lat_e7 if position else None,
        position_crs=reported.crs if reported else None,
        position_accuracy_m=reported.accuracy_m if reported else None,
        reporter=ctx.actor.account_id,
        subject_type=subject_type,
        subject_id=subject_id,
        state_since=now,
        state_due_at=limit.due_at if limit else None,
        warn_at=limit.warn_at if limit else None,
        due_at=new.due_at or deadlines.whole_loop(now),
        handling=new.handling or workflow.read.handling.value,
        found_by=new.found_by,
        first_receiver=new.first_receiver,
    )
    return event
