"""Reading the workflows of a package (流程): states, actions, and whether they close."""

from collections.abc import Iterable, Mapping

from jingwei_core.events.workflow import Assigns, By, Requirement, StateKind
from jingwei_core.tenants.package_files import Choice, PackageFolder, Section
from jingwei_core.tenants.package_model import (
    WorkflowAction,
    WorkflowRow,
    WorkflowState,
)
from jingwei_sdk.records import PERMISSION


def read_workflows(folder: PackageFolder, sources: frozenset[str]) -> tuple[WorkflowRow, ...]:
    """All workflows of ``events/workflows/*.toml``; the file name is the code."""
    workflows: list[WorkflowRow] = []
    for file in folder.names("events/workflows", ".toml"):
        document = folder.toml(file)
        if document is None:
            continue
        workflow = _workflow(document, file)
        if workflow.source and workflow.source not in sources:
            document.refuse("PACKAGE_UNKNOWN_SOURCE", "source", value=workflow.source)
        workflows.append(workflow)
    return tuple(workflows)


def _workflow(document: Section, file: str) -> WorkflowRow:
    code = document.code("code")
    if code and file.rpartition("/")[2] != f"{code}.toml":
        document.refuse("PACKAGE_FILE_NAME", "code", value=code)
    states = _states(document)
    actions = _actions(document, {state.code for state in states})
    starts = [state.code for state in states if state.kind is StateKind.START]
    finals = {state.code for state in states if state.kind is StateKind.FINAL}
    if len(starts) != 1:
        document.refuse("PACKAGE_WORKFLOW_START", "states", count=len(starts))
    if not finals:
        document.refuse("PACKAGE_WORKFLOW_FINAL", "states")
    if document.is_sound and starts:
        _check_graph(document, states, actions)
    return WorkflowRow(
        code=code,
        name_zh=document.text("name_zh"),
        name_en=document.text("name_en"),
        version=document.integer("version", 1, 1_000_000),
        source=document.text("source"),
        states=states,
        actions=actions,
    )


def _states(document: Section) -> tuple[WorkflowState, ...]:
    states: list[WorkflowState] = []
    for section in document.sections("states"):
        state = WorkflowState(
            code=section.code("code"),
            name_zh=section.text("name_zh"),
            name_en=section.text("name_en"),
            kind=section.choice("kind", StateKind),
        )
        if any(state.code == other.code for other in states):
            section.refuse("PACKAGE_DUPLICATE", "code", value=state.code)
        states.append(state)
    return tuple(states)


def _actions(document: Section, states: set[str]) -> tuple[WorkflowAction, ...]:
    actions: list[WorkflowAction] = []
    for section in document.sections("actions"):
        action = WorkflowAction(
            code=section.code("code"),
            name_zh=section.text("name_zh"),
            name_en=section.text("name_en"),
            from_states=section.texts("from"),
            to_state=section.text("to"),
            permission=section.text("permission"),
            requires=_requirements(section),
            assigns=_choice(section, "assigns", Assigns.KEEP),
            by=_choice(section, "by", By.ANYONE),
        )
        _check_action(section, action, states)
        if any(action.code == other.code for other in actions):
            section.refuse("PACKAGE_DUPLICATE", "code", value=action.code)
        actions.append(action)
    return tuple(actions)


def _check_action(section: Section, action: WorkflowAction, states: set[str]) -> None:
    if not action.from_states:
        section.refuse("PACKAGE_VALUE_MISSING", "from")
    for state in action.from_states:
        if state not in states:
            section.refuse("PACKAGE_UNKNOWN_STATE", "from", value=state)
    if action.to_state and action.to_state not in states:
        section.refuse("PACKAGE_UNKNOWN_STATE", "to", value=action.to_state)
    if action.permission and not PERMISSION.fullmatch(action.permission):
        section.refuse("PACKAGE_PERMISSION", "permission", value=action.permission)


def _requirements(section: Section) -> tuple[Requirement, ...]:
    members = list(Requirement)
    values = section.texts("requires")
    for value in values:
        if value not in members:
            section.refuse("PACKAGE_CHOICE", "requires", value=value, choices=", ".join(members))
    return tuple(Requirement(value) for value in values if value in members)


def _choice(section: Section, name: str, default: Choice) -> Choice:
    return section.choice(name, type(default)) if name in section.values else default


def _check_graph(
    document: Section, states: Iterable[WorkflowState], actions: Iterable[WorkflowAction]
) -> None:
    states = tuple(states)
    onward: dict[str, set[str]] = {state.code: set() for state in states}
    back: dict[str, set[str]] = {state.code: set() for state in states}
    for action in actions:
        for origin in action.from_states:
            if origin in onward and action.to_state in back:
                onward[origin].add(action.to_state)
                back[action.to_state].add(origin)
    start = next(state.code for state in states if state.kind is StateKind.START)
    reached = _reach({start}, onward)
    closing = _reach({state.code for state in states if state.kind is StateKind.FINAL}, back)
    for state in states:
        if state.code not in reached:
            document.refuse("PACKAGE_STATE_UNREACHABLE", f"states.{state.code}", value=state.code)
        if state.code not in closing:
            document.refuse("PACKAGE_STATE_NO_END", f"states.{state.code}", value=state.code)


def _reach(begin: set[str], edges: Mapping[str, set[str]]) -> set[str]:
    found, waiting = set(begin), list(begin)
    while waiting:
        for state in edges[waiting.pop()] - found:
            found.add(state)
            waiting.append(state)
    return found
