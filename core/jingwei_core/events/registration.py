"""Registration (登记): the first step of every event, whoever opens it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jingwei_core.events.deadlines import load_deadlines
from jingwei_core.events.numbering import next_number
from jingwei_core.events.placing import Placing
from jingwei_core.events.step_evidence import NO_EVIDENCE, Claimed
from jingwei_core.events.stored_json import stored_json
from jingwei_core.events.tables import Event, EventKind, Workflow
from jingwei_core.events.timeline import Entry, append_entry
from jingwei_core.events.workflow import REGISTER, WorkflowDefinition, read_workflow
from jingwei_core.plugins.hooks import announce, veto_or_continue
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict
from jingwei_sdk.hooks import EventTransition


@dataclass(frozen=True, slots=True)
class Registration:
    """A checked report: everything that becomes the event."""

    kind: EventKind
    placing: Placing
    title: str
    source: str
    description: str = ""
    form: Mapping[str, Any] = field(default_factory=dict)
    evidence: Claimed = NO_EVIDENCE
    subject: tuple[str, uuid.UUID] | None = None
    due_at: datetime | None = None


async def register(ctx: Context, new: Registration) -> Event:
    """Store the event with its first timeline entry and deadlines, and tell plugins and readers.

    Raises ``Conflict``: ``EVENT_WORKFLOW_MISSING`` (the kind's workflow is not there), a plugin's
    veto.
    """
    workflow = await _current_workflow(ctx, new.kind)
    definition = read_workflow(stored_json(workflow.definition))
    event = await _new_event(ctx, new, workflow, definition)
    change = transition(event, new.kind.code, REGISTER, None)
    await veto_or_continue(ctx, change)
    event = await ctx.data.insert(event)
    await append_entry(ctx, event, Entry(REGISTER, None, note=new.description), new.evidence)
    await announce(ctx, change)
    await ctx.signals.changed("Event", event.id, event.place_path)
    return event


def transition(event: Event, kind: str, action: str, from_state: str | None) -> EventTransition:
    """What plugins are told of a step; ``event`` stands as the step leaves it."""
    return EventTransition(
        event_id=event.id,
        number=event.number,
        kind=kind,
        action=action,
        from_state=from_state,
        to_state=event.state,
        is_final=event.is_final,
        place_id=event.place_id,
        subject_type=event.subject_type,
        subject_id=event.subject_id,
    )


async def _current_workflow(ctx: Context, kind: EventKind) -> Workflow:
    found = await ctx.data.find(Workflow, code=kind.workflow, is_current=True)
    if not found:
        raise Conflict("EVENT_WORKFLOW_MISSING", kind=kind.code, workflow=kind.workflow)
    return max(found, key=lambda row: row.number)


async def _new_event(
    ctx: Context, new: Registration, workflow: Workflow, definition: WorkflowDefinition
) -> Event:
    now = ctx.now()
    start = definition.start
    deadlines = await load_deadlines(ctx, new.kind.deadline_profile)
    limit = deadlines.entering(start, now)
    position, reported = new.placing.position, new.placing.reported
    subject_type, subject_id = new.subject or (None, None)
    return Event(
        # Last: the day's counter stays locked from here on.
        number=await next_number(ctx),
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
    )
