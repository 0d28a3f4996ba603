"""My queue and my area (我的待办, 我的辖区): what waits for an actor, as conditions on events.

What waits for whom follows from the workflow: an event is on the desk of whoever may lead it on. An
action leads on when it goes to another state and asks for no reason; the exceptions (退回, 作废,
上报, 改派) ask for one, and an event is on nobody's desk because it could be sent back.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from jingwei_core.events.queue_guards import Standing, conditions_of, on_standing
from jingwei_core.events.workflow import MERGE, Action, By, WorkflowDefinition, leads_on
from jingwei_core.events.workflow_guards import Guard
from jingwei_core.events.workflow_walk import needs_assigned
from jingwei_sdk.context import Permissions
from jingwei_sdk.narrowing import AnyOf, Condition, Equal, IsNull, OneOf, Under

AREA_PERMISSION = "event.read"
"""Where it is held is the actor's area."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Open events of these workflows in these states and subtrees wait for the actor, if the way
    (``by``) is the actor's and the guards let the actor through; of these intake sources, or of
    all if none is named. ``is_last`` ends the event, which then waits for no task."""

    workflows: tuple[uuid.UUID, ...]
    by: By
    paths: tuple[str, ...]
    states: tuple[str, ...]
    sources: tuple[str, ...] = ()
    guards: tuple[Guard, ...] = ()
    is_last: bool = False


def waiting(
    definitions: Mapping[uuid.UUID, WorkflowDefinition], permissions: Permissions
) -> tuple[Waiting, ...]:
    """What an actor with these permissions may lead on; the same for the same permissions."""
    states: dict[tuple[uuid.UUID, Waiting], set[str]] = defaultdict(set)
    for workflow, definition in definitions.items():
        for action, state in _onward(definition):
            paths = permissions.paths(action.permission)
            if paths:
                by = By.ASSIGNED if needs_assigned(action) else By.ANYONE
                guards, is_last = on_standing(action.guards), definition.finishes(action, state)
                way = Waiting((), by, paths, (), action.sources, guards, is_last)
                states[workflow, way].add(state)
    # Versions of one workflow mostly agree: what is the same for several is asked for once.
    workflows: dict[Waiting, list[uuid.UUID]] = defaultdict(list)
    for (workflow, way), found in states.items():
        workflows[replace(way, states=tuple(sorted(found)))].append(workflow)
    together = (replace(way, workflows=tuple(sorted(of))) for way, of in workflows.items())
    return tuple(sorted(together, key=repr))  # any order that is always the same


def queued(groups: Sequence[Waiting], standing: Standing) -> AnyOf:
    """The condition on ``Event`` for the open events that wait for the actor.

    They wait for an actor who may lead them on: in person or for somebody on leave whom the actor
    covers, as a member of the assigned department while no person is named, or for actions open to
    anyone by permission at the event's place. What a guard of the workflow would refuse them waits
    for somebody else.
    """
    actor = standing.actor
    # Few cover anybody: all others keep the statement that names one account.
    in_person: Condition = (
        OneOf("assigned_account", actor.desks)
        if actor.covers
        else Equal("assigned_account", actor.account_id)
    )
    assigned: tuple[tuple[Condition, ...], ...] = (
        (in_person,),
        (OneOf("assigned_department", tuple(actor.department_ids)), IsNull("assigned_account")),
    )
    found: list[tuple[Condition, ...]] = []
    for group in groups:
        base: tuple[Condition, ...] = (
            Equal("is_final", value=False),
            OneOf("workflow", group.workflows),
            OneOf("state", group.states),
            Under("place_path", group.paths),
        )
        if group.sources:
            base = (*base, OneOf("source", group.sources))
        if group.is_last:
            base = (*base, Equal("open_tasks", 0))
        base = (*base, *conditions_of(group.guards, standing))
        found += [base] if group.by is By.ANYONE else [(*base, *mine) for mine in assigned]
    return AnyOf(tuple(found))


def in_area(permissions: Permissions) -> Under:
    """The condition on ``Event`` for what lies in the actor's area: without the events that are in
    sight only because the actor reported them or they are assigned to the actor."""
    return Under("place_path", tuple(permissions.paths(AREA_PERMISSION)))


def _onward(definition: WorkflowDefinition) -> Iterable[tuple[Action, str]]:
    for action in definition.actions:
        for state in action.from_:
            is_step = action.code != MERGE and leads_on(action, state)
            if is_step and not definition.is_final(state):
                yield action, state
