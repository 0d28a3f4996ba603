"""What plugins are told and asked of a step (流转通告)."""

import msgspec

from jingwei_core.events.configuration import Kind
from jingwei_core.events.planning import StepPlan
from jingwei_core.events.tables import Event
from jingwei_sdk.payloads import EventToAssign, EventTransition


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


def planned(event: Event, kind: Kind, plan: StepPlan) -> EventTransition:
    """What plugins are told of a step before it is taken."""
    standing = transition(event, kind.code, plan.action.code, plan.from_state)
    return msgspec.structs.replace(standing, to_state=plan.to_state, is_final=plan.is_final)


def to_assign(event: Event, kind: Kind, action: str) -> EventToAssign:
    """What plugins are asked about an event that goes to a department nobody has named."""
    return EventToAssign(
        event_id=event.id,
        number=event.number,
        kind=kind.code,
        action=action,
        place_id=event.place_id,
        subject_type=event.subject_type,
        subject_id=event.subject_id,
    )
