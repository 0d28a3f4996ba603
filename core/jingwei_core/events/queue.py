"""My queue and my area (我的待办, 我的辖区): what waits for an actor, as conditions on events.

What waits for whom follows from the workflow: an event is on the desk of whoever may lead it on. An
action leads on when it goes to another state and asks for no reason; the exceptions (退回, 作废,
上报, 改派) ask for one, and an event is on nobody's desk because it could be sent back.
"""

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from jingwei_core.events.workflow import (
    Action,
    By,
    Requirement,
    WorkflowDefinition,
)
from jingwei_core.reading.selection import AnyOf, Asked, Criterion, Subtree, Test, Value
from jingwei_sdk.context import Permissions

_Key = tuple[uuid.UUID, By, tuple[str, ...]]
AREA_PERMISSION = "event.read"
"""Where it is held is the actor's area."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Open events of these workflows in these states and subtrees wait for the actor, if the way
    (``by``) is the actor's."""

    workflows: tuple[uuid.UUID, ...]
    by: By
    paths: tuple[str, ...]
    states: tuple[str, ...]


def leads_on(action: Action, state: str) -> bool:
    """Whether taking the action in ``state`` is the expected next step, not an exception."""
    return action.to != state and Requirement.REASON not in action.requires


def waiting(
    definitions: Mapping[uuid.UUID, WorkflowDefinition], permissions: Permissions
) -> tuple[Waiting, ...]:
    """What an actor with these permissions may lead on; the same for the same permissions."""
    states: dict[_Key, set[str]] = defaultdict(set)
    for workflow, definition in definitions.items():
        for action, state in _onward(definition):
            paths = permissions.paths(action.permission)
            if paths:
                states[workflow, action.by, paths].add(state)
    # Versions of one workflow mostly agree: what is the same for several is asked for once.
    workflows: dict[tuple[By, tuple[str, ...], tuple[str, ...]], list[uuid.UUID]]
    workflows = defaultdict(list)
    for (workflow, by, paths), found in states.items():
        workflows[by, paths, tuple(sorted(found))].append(workflow)
    return tuple(
        Waiting(tuple(sorted(together)), by, paths, told)
        for (by, paths, told), together in sorted(workflows.items())
    )


def queue_shape(groups: Sequence[Waiting]) -> tuple[tuple[bool, int], ...]:
    """What of the groups :func:`queue_criterion` writes into a statement."""
    return tuple([(group.by is By.ANYONE, len(group.paths)) for group in groups])


def queue_criterion(
    shape: tuple[tuple[bool, int], ...], groups: Callable[[Asked], Sequence[Waiting]]
) -> AnyOf:
    """The condition on ``Event`` for the open events that wait for the actor; ``groups`` are those
    of each request, of this shape.

    They wait for an actor who may lead them on: in person, as a member of the assigned department
    while no person is named, or for actions open to anyone by permission at the event's place.
    """

    def told(at: int, name: str) -> Value:
        return Value(lambda asked: getattr(groups(asked)[at], name))

    found: list[tuple[Criterion, ...]] = []
    for at, (is_for_anyone, count) in enumerate(shape):
        base: tuple[Criterion, ...] = (
            Test("is_final", "eq", value=False),
            Test("workflow", "in", told(at, "workflows")),
            Test("state", "in", told(at, "states")),
            Subtree("place_path", told(at, "paths"), count),
        )
        found += [base] if is_for_anyone else [(*base, *mine) for mine in _ASSIGNED]
    return AnyOf(tuple(found))


_ASSIGNED: tuple[tuple[Criterion, ...], ...] = (
    (Test("assigned_account", "eq", Value(lambda asked: asked.actor.account_id)),),
    (
        Test("assigned_department", "in", Value(lambda asked: asked.actor.department_ids)),
        Test("assigned_account", "is_null", value=True),
    ),
)


def area_criterion(count: int) -> Subtree:
    """The condition on ``Event`` for what lies in the actor's area, of so many subtrees: without
    the events that are in sight only because the actor reported them or they are assigned to the
    actor."""
    prefixes = Value(lambda asked: asked.permissions.paths(AREA_PERMISSION))
    return Subtree("place_path", prefixes, count)


def _onward(definition: WorkflowDefinition) -> Iterable[tuple[Action, str]]:
    for action in definition.actions:
        for state in action.from_:
            if leads_on(action, state) and not definition.is_final(state):
                yield action, state
