"""Whether a workflow fits a tenant (流程适用性): somebody can take each action and answers for each
limit, and everything that it names is there."""

from collections.abc import Iterator, Sequence

from jingwei_core.access.permissions import wider_grants
from jingwei_core.events.opening import PLUGIN_SOURCE
from jingwei_core.events.ports import is_there
from jingwei_core.events.reporting import PUBLIC, IntakeSource
from jingwei_core.events.whom import Who, read_whom
from jingwei_core.events.workflow import (
    Action,
    Assigns,
    By,
    State,
    StateKind,
    WorkflowDefinition,
    leads_on,
)
from jingwei_core.events.workflow_checks import Flaw
from jingwei_core.events.workflow_effects import (
    AssignEffect,
    AssignTo,
    Effect,
    NotifyEffect,
    ReportUpEffect,
    TaskEffect,
)
from jingwei_core.events.workflow_guards import (
    AcknowledgedGuard,
    CertificateGuard,
    DepartmentGuard,
    FieldsGuard,
    Guard,
    PostGuard,
    RoleGuard,
    TasksDoneGuard,
)
from jingwei_core.events.workflow_walk import ASSIGNED, Spot, walks
from jingwei_core.workflows.surroundings import KindFacts, Surroundings

SOURCES = frozenset({*(source.value for source in IntakeSource), PUBLIC, PLUGIN_SOURCE})


def find_misfits(definition: WorkflowDefinition, around: Surroundings) -> list[Flaw]:
    """Why a sound definition cannot work in a tenant; empty when it can."""
    kinds = tuple(kind for kind in around.kinds if kind.workflow == definition.code)
    found: list[Flaw] = []
    for action in definition.actions:
        found += _action(action, kinds, around)
    for state in definition.states:
        if state.kind is not StateKind.FINAL:
            found += _owner(definition, state, kinds, around)
    for at, rule in enumerate(definition.intake, 1):
        found += _sources(f"intake[{at}].sources", rule.sources)
        found += _taken_at_intake(definition, f"intake[{at}].take", rule.take, kinds)
    return found


def _action(action: Action, kinds: Sequence[KindFacts], around: Surroundings) -> Iterator[Flaw]:
    field = f"actions.{action.code}"
    grants = {grant for role in around.roles.values() for grant in role}
    if grants.isdisjoint(wider_grants(action.permission)):
        told = {"action": action.code, "permission": action.permission}
        yield Flaw("WORKFLOW_NOBODY", f"{field}.permission", told)
    yield from _sources(f"{field}.sources", action.sources)
    for at, guard in enumerate(action.guards, 1):
        yield from _guard(f"{field}.guards[{at}]", guard, kinds, around)
    for at, effect in enumerate(action.effects, 1):
        yield from _effect(f"{field}.effects[{at}]", effect, around)


def _sources(field: str, sources: Sequence[str]) -> Iterator[Flaw]:
    for source in sources:
        if source not in SOURCES:
            yield Flaw("WORKFLOW_UNKNOWN_SOURCE", field, {"value": source})


def _roles(field: str, roles: Sequence[str], around: Surroundings) -> Iterator[Flaw]:
    for role in roles:
        if role not in around.roles:
            yield Flaw("WORKFLOW_UNKNOWN_ROLE", field, {"value": role})


def _level(field: str, level: str, around: Surroundings) -> Iterator[Flaw]:
    if level not in around.levels:
        yield Flaw("WORKFLOW_UNKNOWN_LEVEL", field, {"value": level})


def _department(field: str, code: str, around: Surroundings) -> Iterator[Flaw]:
    if code not in around.departments:
        yield Flaw("WORKFLOW_UNKNOWN_DEPARTMENT", field, {"value": code})


def _port(field: str, port: object, name: str) -> Iterator[Flaw]:
    if not is_there(port):
        yield Flaw("WORKFLOW_PORT_MISSING", field, {"port": name})


def _whom(field: str, text: str, around: Surroundings) -> Iterator[Flaw]:
    whom = read_whom(text)
    if whom.who is Who.ROLE:
        yield from _roles(field, (whom.role,), around)
        if whom.level:
            yield from _level(field, whom.level, around)
    if whom.department:
        yield from _department(field, whom.department, around)


def _guard(
    field: str, guard: Guard, kinds: Sequence[KindFacts], around: Surroundings
) -> Iterator[Flaw]:
    match guard:
        case RoleGuard():
            yield from _roles(f"{field}.roles", guard.roles, around)
        case PostGuard():
            yield from _roles(f"{field}.roles", guard.roles, around)
            yield from _level(f"{field}.level", guard.level, around)
        case DepartmentGuard(department=code) if code != ASSIGNED:
            yield from _department(f"{field}.department", code, around)
        case CertificateGuard():
            yield from _port(field, around.ports.certificates, "certificates")
            if around.certificates is not None and guard.kind not in around.certificates:
                told = {"value": guard.kind}
                yield Flaw("WORKFLOW_UNKNOWN_CERTIFICATE", f"{field}.kind", told)
        case FieldsGuard():
            for kind in kinds:
                for name in guard.fields:
                    if name not in kind.fields:
                        told = {"value": name, "kind": kind.code}
                        yield Flaw("WORKFLOW_UNKNOWN_FIELD", f"{field}.fields", told)
        case TasksDoneGuard():
            yield from _port(field, around.ports.tasks, "tasks")
        case AcknowledgedGuard():
            yield from _port(field, around.ports.upward_reports, "upward_reports")


def _effect(field: str, effect: Effect, around: Surroundings) -> Iterator[Flaw]:
    ports = around.ports
    match effect:
        case NotifyEffect():
            yield from _port(field, ports.recipients, "recipients")
            yield from _port(field, ports.notifier, "notifier")
            yield from _whom(f"{field}.whom", effect.whom, around)
            if is_there(ports.notifier) and not ports.notifier.knows(effect.message):
                told = {"value": effect.message}
                yield Flaw("WORKFLOW_UNKNOWN_MESSAGE", f"{field}.message", told)
        case TaskEffect():
            yield from _port(field, ports.tasks, "tasks")
            if effect.whom:
                yield from _port(field, ports.recipients, "recipients")
                yield from _whom(f"{field}.whom", effect.whom, around)
            else:
                yield from _department(f"{field}.department", effect.department, around)
        case ReportUpEffect():
            yield from _port(field, ports.upward_reports, "upward_reports")
            for text in effect.whom:
                yield from _whom(f"{field}.whom", text, around)
        case AssignEffect(to=AssignTo.ROUTE):
            yield from _port(field, ports.router, "router")


def _owner(
    definition: WorkflowDefinition,
    state: State,
    kinds: Sequence[KindFacts],
    around: Surroundings,
) -> Iterator[Flaw]:
    """A limit without somebody who answers for it is not one."""
    field = f"states.{state.code}.owner"
    if state.owner:
        yield from _whom(field, state.owner, around)
    limited = state.limit is not None or any(
        (kind.profile, state.code) in around.limits for kind in kinds
    )
    if limited and not _is_owned(definition, state):
        yield Flaw("WORKFLOW_NO_OWNER", field, {"state": state.code})


def _is_owned(definition: WorkflowDefinition, state: State) -> bool:
    if state.owner:
        who = read_whom(state.owner)
        by_assignment = who.who is Who.ASSIGNED or (
            who.who is Who.DEPARTMENT and not who.department
        )
        return not by_assignment or _is_assigned(definition, state)
    leading = [
        action for action in definition.actions_from(state.code) if leads_on(action, state.code)
    ]
    if any(action.by is By.ANYONE for action in leading):
        return True
    return bool(leading) and _is_assigned(definition, state)


def _is_assigned(definition: WorkflowDefinition, state: State) -> bool:
    """Whether an event in the state is always assigned to somebody."""
    unassigned = Spot(state.code, is_assigned=False)
    return not any(unassigned in walk.reached for walk in walks(definition))


def _taken_at_intake(
    definition: WorkflowDefinition, field: str, take: Sequence[str], kinds: Sequence[KindFacts]
) -> Iterator[Flaw]:
    """What the platform takes by itself goes to the department of the kind, which must have one."""
    needs = any(
        definition.action(code).assigns is Assigns.DEPARTMENT
        or any(
            isinstance(effect, AssignEffect) and effect.to is AssignTo.KIND
            for effect in definition.action(code).effects
        )
        for code in take
    )
    for kind in kinds if needs else ():
        if not kind.has_department:
            yield Flaw("WORKFLOW_INTAKE_DEPARTMENT", field, {"kind": kind.code})
