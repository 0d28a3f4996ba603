"""Whether a workflow fits a tenant: who could do it, who answers for it, and what it names."""

from typing import Any

import pytest

from jingwei_core.events.ports import Ports
from jingwei_core.events.workflow_reading import read_workflow
from jingwei_core.workflows.fitting import find_misfits
from jingwei_core.workflows.surroundings import KindFacts, Surroundings
from tests.core.events.rulebook import Rooms, action, workflow

AROUND = Surroundings(
    roles={"chief": ("event.*",), "clerk": ("place.read",)},
    levels=frozenset({"city", "grid"}),
    departments=frozenset({"roads"}),
    kinds=(
        KindFacts("city.road.hole", "guarded", "quick", True, frozenset({"width_cm"})),
        KindFacts("city.road.lamp", "guarded", "", False, frozenset({"width_cm"})),
        KindFacts("city.road.sign", "other", "", False, frozenset()),
    ),
    limits=frozenset({("quick", "begin")}),
    certificates=frozenset({"enforcement"}),
    ports=Rooms().ports(),
)


def misfits(around: Surroundings = AROUND, **more: Any) -> list[tuple[str, str]]:
    definition = read_workflow(workflow(action("try", ["work"], "done", **more)))
    return [(flaw.code, flaw.field) for flaw in find_misfits(definition, around)]


def test_a_workflow_that_fits_has_no_misfit() -> None:
    guards = [
        {"guard": "role", "roles": ["chief", "clerk"]},
        {"guard": "post", "roles": ["chief"], "level": "city"},
        {"guard": "department", "department": "roads"},
        {"guard": "department", "department": "assigned"},
        {"guard": "certificate", "kind": "enforcement"},
        {"guard": "fields", "fields": ["width_cm"]},
        {"guard": "tasks_done"},
        {"guard": "acknowledged"},
    ]
    task = {"effect": "task", "title_zh": "清", "title_en": "Clean"}
    effects = [
        {"effect": "assign", "to": "route"},
        {"effect": "notify", "whom": "role:chief@city", "message": "EVENT_TOLD"},
        {**task, "department": "roads"},
        {**task, "whom": "seconded"},
        {"effect": "report_up", "whom": ["role:chief", "department:roads"]},
    ]
    assert misfits(guards=guards, effects=effects, sources=["hotline", "plugin"]) == []


@pytest.mark.parametrize(
    ("guard", "code", "key"),
    [
        ({"guard": "role", "roles": ["chief", "mayor"]}, "WORKFLOW_UNKNOWN_ROLE", ".roles"),
        ({"guard": "post", "roles": ["mayor"], "level": "grid"}, "WORKFLOW_UNKNOWN_ROLE", ".roles"),
        ({"guard": "post", "roles": ["chief"], "level": "x"}, "WORKFLOW_UNKNOWN_LEVEL", ".level"),
        (
            {"guard": "department", "department": "x"},
            "WORKFLOW_UNKNOWN_DEPARTMENT",
            ".department",
        ),
        ({"guard": "certificate", "kind": "x"}, "WORKFLOW_UNKNOWN_CERTIFICATE", ".kind"),
        ({"guard": "fields", "fields": ["x"]}, "WORKFLOW_UNKNOWN_FIELD", ".fields"),
    ],
)
def test_a_guard_that_names_what_is_not_there(guard: dict[str, Any], code: str, key: str) -> None:
    assert set(misfits(guards=[guard])) == {(code, f"actions.try.guards[1]{key}")}


TASK = {"effect": "task", "title_zh": "清", "title_en": "Clean"}


@pytest.mark.parametrize(
    ("effect", "code", "key"),
    [
        (
            {"effect": "notify", "whom": "role:mayor", "message": "EVENT_TOLD"},
            "WORKFLOW_UNKNOWN_ROLE",
            ".whom",
        ),
        (
            {"effect": "notify", "whom": "reporter", "message": "HELLO"},
            "WORKFLOW_UNKNOWN_MESSAGE",
            ".message",
        ),
        ({**TASK, "department": "x"}, "WORKFLOW_UNKNOWN_DEPARTMENT", ".department"),
        ({**TASK, "whom": "role:chief@x"}, "WORKFLOW_UNKNOWN_LEVEL", ".whom"),
        (
            {"effect": "report_up", "whom": ["department:x"]},
            "WORKFLOW_UNKNOWN_DEPARTMENT",
            ".whom",
        ),
    ],
)
def test_an_effect_that_names_what_is_not_there(
    effect: dict[str, Any], code: str, key: str
) -> None:
    assert misfits(effects=[effect]) == [(code, f"actions.try.effects[1]{key}")]


@pytest.mark.parametrize(
    "more",
    [
        {"guards": [{"guard": "certificate", "kind": "enforcement"}]},
        {"guards": [{"guard": "tasks_done"}]},
        {"guards": [{"guard": "acknowledged"}]},
        {"effects": [{"effect": "assign", "to": "route"}]},
        {"effects": [{"effect": "notify", "whom": "reporter", "message": "EVENT_TOLD"}]},
        {"effects": [{**TASK, "department": "roads"}]},
        {"effects": [{"effect": "report_up", "whom": ["role:chief"]}]},
    ],
)
def test_what_no_room_does_is_refused(more: dict[str, Any]) -> None:
    bare = Surroundings(
        *(AROUND.roles, AROUND.levels, AROUND.departments, AROUND.kinds, AROUND.limits),
        certificates=None,
        ports=Ports(),
    )
    assert {code for code, _ in misfits(bare, **more)} == {"WORKFLOW_PORT_MISSING"}
    assert misfits(**more) == []


def test_an_action_that_no_role_may_take() -> None:
    assert misfits(permission="street.judge") == [("WORKFLOW_NOBODY", "actions.try.permission")]


def test_a_source_that_does_not_exist() -> None:
    assert misfits(sources=["stars"]) == [("WORKFLOW_UNKNOWN_SOURCE", "actions.try.sources")]


def owners(**of_state: Any) -> list[tuple[str, str]]:
    """The misfits of a state that only the assigned lead on from, and that may be unassigned."""
    document = workflow(
        action("judge", ["hall"], "done", by="assigned"),
        action("back", ["hall"], "begin", requires=["reason"]),
        action("drop", ["work"], "hall", assigns="clear"),
        action("bring", ["work"], "hall"),
    )
    names = {"code": "hall", "name_zh": "厅", "name_en": "Hall", "kind": "working"}
    document["states"].insert(2, {**names, **of_state})
    return [(flaw.code, flaw.field) for flaw in find_misfits(read_workflow(document), AROUND)]


def test_a_limit_that_nobody_answers_for() -> None:
    limit = {"amount": 1, "unit": "hour"}
    flaw = [("WORKFLOW_NO_OWNER", "states.hall.owner")]
    assert owners(limit=limit) == flaw
    assert owners(limit=limit, owner="department") == flaw
    assert owners(limit=limit, owner="role:chief@city") == []
    assert owners(owner="role:mayor") == [("WORKFLOW_UNKNOWN_ROLE", "states.hall.owner")]
    assert owners() == []


def test_intake_sends_to_a_department_that_every_kind_has() -> None:
    document = workflow(intake=[{"sources": ["hotline"], "take": ["start"]}])
    flaws = find_misfits(read_workflow(document), AROUND)
    assert [(flaw.code, flaw.params) for flaw in flaws] == [
        ("WORKFLOW_INTAKE_DEPARTMENT", {"kind": "city.road.lamp"})
    ]
