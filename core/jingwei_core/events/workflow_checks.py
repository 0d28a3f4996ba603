"""What a definition must be (流程检查), whatever city it is for: every flaw, with its place."""

from collections import Counter
from collections.abc import Iterator

import msgspec

from jingwei_core.events.deadlines import WHOLE_LOOP, TimeLimit
from jingwei_core.events.whom import read_whom
from jingwei_core.events.work_clock import TimeUnit
from jingwei_core.events.workflow import (
    COMMENT,
    MIGRATE,
    PREVIOUS,
    REGISTER,
    Action,
    Assigns,
    State,
    StateKind,
    WorkflowDefinition,
    moves_nothing,
)
from jingwei_core.events.workflow_effects import (
    AssignEffect,
    ClockDoes,
    ClockEffect,
    Effect,
    NotifyEffect,
    ReportUpEffect,
    TaskEffect,
)
from jingwei_core.events.workflow_guards import (
    EvidenceGuard,
    FieldsGuard,
    Guard,
    PostGuard,
    RoleGuard,
    Since,
    WithinGuard,
)
from jingwei_core.events.workflow_walk import OTHER_SOURCES, Walk, walks
from jingwei_sdk.errors import Invalid
from jingwei_sdk.records import PERMISSION

RESERVED = (REGISTER, COMMENT, MIGRATE)
MOST_PHOTOS = 20
"""As many photos as a step may bring."""


class Flaw(msgspec.Struct, frozen=True):
    """Why a definition is refused: a message of the catalogue, the field, and what fills it."""

    code: str
    field: str
    params: dict[str, str] = {}


def find_flaws(definition: WorkflowDefinition) -> list[Flaw]:
    """Everything that is wrong with a definition in itself; empty for a sound one."""
    found = [*_codes(definition), *_states(definition), *_limits(definition)]
    for action in definition.actions:
        found += _action(definition, action)
    if not found:
        found = [*_graph(definition), *_intake(definition)]
    return found


def _codes(definition: WorkflowDefinition) -> Iterator[Flaw]:
    lists = {
        "states": [state.code for state in definition.states],
        "actions": [action.code for action in definition.actions],
    }
    for name, codes in lists.items():
        for code, count in Counter(codes).items():
            if count > 1:
                yield Flaw("WORKFLOW_TWICE", f"{name}.{code}", {"value": code})
    kinds = Counter(state.kind for state in definition.states)
    if kinds[StateKind.START] != 1:
        yield Flaw("WORKFLOW_START", "states", {"count": str(kinds[StateKind.START])})
    if not kinds[StateKind.FINAL]:
        yield Flaw("WORKFLOW_FINAL", "states")


def _states(definition: WorkflowDefinition) -> Iterator[Flaw]:
    for state in definition.states:
        field = f"states.{state.code}"
        if state.code == PREVIOUS:
            yield Flaw("WORKFLOW_RESERVED", field, {"value": state.code})
        yield from _limit(f"{field}.limit", state.limit)
        if state.owner:
            yield from _whom(f"{field}.owner", state.owner)
        if state.kind is StateKind.FINAL and (state.limit or state.owner or state.pauses):
            yield Flaw("WORKFLOW_FINAL_WAITS", field, {"state": state.code})
        if state.kind is StateKind.START and state.pauses:
            yield Flaw("WORKFLOW_START_PAUSES", f"{field}.pauses", {"state": state.code})


def _limits(definition: WorkflowDefinition) -> Iterator[Flaw]:
    for name, limit in definition.limits.items():
        if name != WHOLE_LOOP:
            yield Flaw("WORKFLOW_LIMITS_KEY", f"limits.{name}", {"value": name})
        yield from _limit(f"limits.{name}", limit)


def _limit(field: str, limit: TimeLimit | None) -> Iterator[Flaw]:
    if limit is None:
        return
    yield from _amount(f"{field}.amount", limit.amount, limit.unit)
    if not 1 <= limit.warn_at_percent <= 99:
        told = {"value": str(limit.warn_at_percent)}
        yield Flaw("WORKFLOW_WARN_AT", f"{field}.warn_at_percent", told)


def _amount(field: str, amount: float, unit: TimeUnit) -> Iterator[Flaw]:
    in_days = unit in (TimeUnit.DAY, TimeUnit.WORK_DAY)
    if not amount > 0 or amount > 3660 or (in_days and amount != int(amount)):
        yield Flaw("WORKFLOW_AMOUNT", field, {"value": str(amount), "unit": unit.value})


def _whom(field: str, text: str) -> Iterator[Flaw]:
    try:
        read_whom(text)
    except Invalid as error:
        yield Flaw(error.code, field, {"value": text[:100]})


def _action(definition: WorkflowDefinition, action: Action) -> Iterator[Flaw]:
    field = f"actions.{action.code}"
    known = {state.code for state in definition.states}
    if action.code in RESERVED or moves_nothing(action.code):
        yield Flaw("WORKFLOW_RESERVED", field, {"value": action.code})
    if not action.from_:
        yield Flaw("WORKFLOW_FROM_NOWHERE", f"{field}.from", {"action": action.code})
    for name, states in (("from", action.from_), ("to", (action.to,))):
        for state in states:
            if state not in known and not (name == "to" and state == PREVIOUS):
                yield Flaw("WORKFLOW_NO_STATE", f"{field}.{name}", {"state": state})
    if not PERMISSION.match(action.permission):
        yield Flaw("WORKFLOW_PERMISSION", f"{field}.permission", {"value": action.permission})
    for at, guard in enumerate(action.guards, 1):
        yield from _guard(definition, action, f"{field}.guards[{at}]", guard)
    for at, effect in enumerate(action.effects, 1):
        yield from _effect(f"{field}.effects[{at}]", effect)
    yield from _together(action, field)
    yield from _clock(definition, action, field)


def _guard(
    definition: WorkflowDefinition, action: Action, field: str, guard: Guard
) -> Iterator[Flaw]:
    match guard:
        case RoleGuard() | PostGuard() if not guard.roles:
            yield Flaw("WORKFLOW_EMPTY", f"{field}.roles")
        case FieldsGuard() if not guard.fields:
            yield Flaw("WORKFLOW_EMPTY", f"{field}.fields")
        case EvidenceGuard() if not 1 <= guard.at_least <= MOST_PHOTOS:
            told = {"value": str(guard.at_least), "most": str(MOST_PHOTOS)}
            yield Flaw("WORKFLOW_PHOTOS", f"{field}.at_least", told)
        case WithinGuard():
            yield from _amount(f"{field}.amount", guard.amount, guard.unit)
            finals = {state.code for state in definition.states if state.kind is StateKind.FINAL}
            if guard.since is Since.CLOSED and not finals.issuperset(action.from_):
                yield Flaw("WORKFLOW_NOT_CLOSED", f"{field}.since", {"action": action.code})


def _effect(field: str, effect: Effect) -> Iterator[Flaw]:
    match effect:
        case NotifyEffect():
            yield from _whom(f"{field}.whom", effect.whom)
        case ReportUpEffect():
            if not effect.whom:
                yield Flaw("WORKFLOW_EMPTY", f"{field}.whom")
            for text in effect.whom:
                yield from _whom(f"{field}.whom", text)
        case TaskEffect():
            if bool(effect.whom) == bool(effect.department):
                yield Flaw("WORKFLOW_TASK_FOR", field)
            elif effect.whom:
                yield from _whom(f"{field}.whom", effect.whom)
            yield from _limit(f"{field}.limit", effect.limit)
            if not (effect.title_zh.strip() and effect.title_en.strip()):
                yield Flaw("WORKFLOW_EMPTY", f"{field}.title_zh")


def _together(action: Action, field: str) -> Iterator[Flaw]:
    """What must not stand together in one action."""
    assigning = sum(isinstance(effect, AssignEffect) for effect in action.effects)
    if assigning + (action.assigns is not Assigns.KEEP) > 1:
        yield Flaw("WORKFLOW_ASSIGNS_TWICE", f"{field}.effects", {"action": action.code})


def _clock(definition: WorkflowDefinition, action: Action, field: str) -> Iterator[Flaw]:
    """A clock is told one thing: by the action, or by the state it leads to."""
    told = [effect.does for effect in action.effects if isinstance(effect, ClockEffect)]
    if not told:
        return
    after = next((state for state in definition.states if state.code == action.to), None)
    is_told_otherwise = after is not None and (
        (after.pauses and told[0] is not ClockDoes.PAUSE) or after.kind is StateKind.FINAL
    )
    if len(told) > 1 or is_told_otherwise:
        yield Flaw("WORKFLOW_CLOCK_TWICE", f"{field}.effects", {"action": action.code})


def _graph(definition: WorkflowDefinition) -> Iterator[Flaw]:
    yield from _previous(definition)
    ways = walks(definition)
    for state in definition.states:
        if not any(spot.state == state.code for way in ways for spot in way.reached):
            yield Flaw("WORKFLOW_UNREACHABLE", f"states.{state.code}", {"state": state.code})
            continue
        flaw = next((found for way in ways if (found := _trap(way, state)) is not None), None)
        if flaw is not None:
            yield flaw
    taken = {action.code for way in ways for spot in way.reached for action in way.usable(spot)}
    for action in definition.actions:
        if action.code not in taken:
            yield Flaw("WORKFLOW_IDLE", f"actions.{action.code}", {"action": action.code})


def _trap(way: Walk, state: State) -> Flaw | None:
    """Where an event in this state could never be closed."""
    stuck = {spot for spot in way.reached - way.ending if spot.state == state.code}
    if not stuck:
        return None
    field, told = f"states.{state.code}", {"state": state.code}
    if way.source != OTHER_SOURCES:
        return Flaw("WORKFLOW_DEAD_END_SOURCE", field, {**told, "source": way.source})
    if any(spot.state == state.code for spot in way.ending):
        return Flaw("WORKFLOW_DEAD_END_UNASSIGNED", field, told)
    return Flaw("WORKFLOW_DEAD_END", field, told)


def _previous(definition: WorkflowDefinition) -> Iterator[Flaw]:
    for action in definition.actions:
        if action.to != PREVIOUS:
            continue
        for state in action.from_:
            if state == definition.start or not definition.leads_into(state):
                told = {"action": action.code, "state": state}
                yield Flaw("WORKFLOW_NO_PREVIOUS", f"actions.{action.code}.to", told)


def _intake(definition: WorkflowDefinition) -> Iterator[Flaw]:
    seen: set[str] = set()
    for at, rule in enumerate(definition.intake, 1):
        field = f"intake[{at}]"
        if not rule.sources or not rule.take:
            yield Flaw("WORKFLOW_EMPTY", field)
        for source in rule.sources:
            if source in seen:
                yield Flaw("WORKFLOW_TWICE", f"{field}.sources", {"value": source})
            seen.add(source)
            yield from _chain(definition, rule.take, f"{field}.take", source)


def _chain(
    definition: WorkflowDefinition, codes: tuple[str, ...], field: str, source: str
) -> Iterator[Flaw]:
    """The platform takes these by itself: what needs a person's input it cannot take."""
    actions = {action.code: action for action in definition.actions}
    state = definition.start
    for code in codes:
        action = actions.get(code)
        told = {"action": code, "state": state, "source": source}
        if action is None or state not in action.from_ or not action.serves(source):
            yield Flaw("WORKFLOW_INTAKE_BREAKS", field, told)
            return
        by_hand = action.requires or action.guards or action.to == PREVIOUS
        if by_hand or action.assigns is Assigns.ASSIGNEE:
            yield Flaw("WORKFLOW_INTAKE_BY_HAND", field, told)
            return
        state = action.to
