"""My queue and my area (我的待办, 我的辖区): conditions that the record reader takes as they are.

What waits for whom follows from the workflow: an event is on the desk of whoever may lead it on. An
action leads on when it goes to another state and asks for no reason; the exceptions (退回, 作废,
上报, 改派) ask for one, and an event is on nobody's desk because it could be sent back.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping

from jingwei_core.events.stored_json import stored_json
from jingwei_core.events.workflow import (
    Action,
    By,
    Requirement,
    WorkflowDefinition,
    read_workflow,
)
from jingwei_core.reading.request import AnyCondition, Condition, PathCondition
from jingwei_sdk.context import Context

Group = tuple[Condition | PathCondition, ...]
_Key = tuple[uuid.UUID, By, tuple[str, ...]]


def leads_on(action: Action, state: str) -> bool:
    """Whether taking the action in ``state`` is the expected next step, not an exception."""
    return action.to != state and Requirement.REASON not in action.requires


async def my_queue(ctx: Context) -> tuple[AnyCondition, ...]:
    """Conditions on ``Event`` for the open events that wait for the actor.

    They wait for an actor who may lead them on: in person, as a member of the assigned department
    while no person is named, or for actions open to anyone by permission at the event's place.
    """
    definitions = await _running(ctx)
    groups: list[Group] = []
    for (workflow, by, paths), states in _reachable(ctx, definitions).items():
        base: Group = (
            Condition("is_final", "eq", value=False),
            Condition("workflow", "eq", workflow),
            Condition("state", "in", sorted(states)),
            PathCondition("place_path", paths),
        )
        if by is By.ANYONE:
            groups.append(base)
        else:
            groups += [(*base, *mine) for mine in _assigned(ctx)]
    return (AnyCondition(tuple(groups)),)


def my_area(ctx: Context) -> tuple[PathCondition, ...]:
    """Conditions on ``Event`` for what lies where the actor's posts are: without the events that
    are in sight only because the actor reported them or they are assigned to the actor."""
    return (PathCondition("place_path", ctx.permissions.paths("event.read")),)


def _assigned(ctx: Context) -> list[Group]:
    groups: list[Group] = []
    if ctx.actor.account_id is not None:
        groups.append((Condition("assigned_account", "eq", ctx.actor.account_id),))
    if ctx.actor.department_ids:
        groups.append(
            (
                Condition("assigned_department", "in", sorted(ctx.actor.department_ids)),
                Condition("assigned_account", "is_null", value=True),
            )
        )
    return groups


def _reachable(
    ctx: Context, definitions: Mapping[uuid.UUID, WorkflowDefinition]
) -> dict[_Key, set[str]]:
    """The states from which the actor may lead on, by workflow, way and subtrees."""
    found: dict[_Key, set[str]] = defaultdict(set)
    for workflow, definition in definitions.items():
        for action, state in _onward(definition):
            paths = ctx.permissions.paths(action.permission)
            if paths:
                found[workflow, action.by, paths].add(state)
    return found


def _onward(definition: WorkflowDefinition) -> Iterable[tuple[Action, str]]:
    for action in definition.actions:
        for state in action.from_:
            if leads_on(action, state) and not definition.is_final(state):
                yield action, state


async def _running(ctx: Context) -> dict[uuid.UUID, WorkflowDefinition]:
    """The workflows that open events run by, old versions included."""
    rows = await ctx.data.fetch(
        "SELECT w.id, w.definition FROM core.workflow w WHERE EXISTS (SELECT 1 FROM core.event e"
        " WHERE e.tenant_id = w.tenant_id AND e.workflow = w.id AND NOT e.is_final) ORDER BY w.id"
    )
    return {row["id"]: read_workflow(stored_json(row["definition"])) for row in rows}
