"""Workflows: what a definition must be, and what one step does."""

import copy
import tomllib
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from jingwei_core.events.planning import Standing, StepInput, StepPlan, plan_step
from jingwei_core.events.workflow import Assigns, By
from jingwei_core.events.workflow_guards import PhotoPhase
from jingwei_core.events.workflow_reading import WorkflowInvalid, read_workflow
from jingwei_sdk.errors import Conflict, Invalid, JingweiError
from tests.core.events.broken_workflows import BROKEN, loop

ROADS, WATER = UUID(int=1), UUID(int=2)
WORKER = UUID(int=3)
CITIES = Path(__file__).resolve().parents[3] / "tenants"
SHIPPED = sorted(CITIES.glob("*/events/workflows/*.toml"))


LOOP = read_workflow(loop())


def plan(code: str, standing: Standing, **brought: Any) -> StepPlan:
    return plan_step(LOOP, standing, code, StepInput(**brought))


def refused(
    kind: type[JingweiError], code: str, standing: Standing, **brought: Any
) -> JingweiError:
    with pytest.raises(kind) as refusal:
        plan(code, standing, **brought)
    return refusal.value


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: f"{file.parts[-4]}-{file.stem}")
def test_shipped_workflows_are_sound_and_survive_storage(file: Path) -> None:
    definition = read_workflow(tomllib.loads(file.read_text(encoding="utf-8")))
    assert definition.code == file.stem
    stored = read_workflow(definition.document())
    assert stored == definition
    assert stored.digest == definition.digest


def test_both_cities_ship_workflows() -> None:
    assert {file.parts[-4] for file in SHIPPED} >= {"yichang", "changzhi"}


def test_a_definition_is_read_whole() -> None:
    assert LOOP.start == "registered"
    assert [one.code for one in LOOP.actions_from("dispatched")] == ["reassign", "assign", "handle"]
    assert LOOP.is_final("closed")
    assert not LOOP.is_final("handled")
    handle = LOOP.action("handle")
    assert (handle.by, handle.assigns) == (By.ASSIGNED, Assigns.KEEP)


def test_the_digest_follows_content_and_not_key_order() -> None:
    shuffled = dict(reversed(list(loop().items())))
    assert read_workflow(shuffled).digest == LOOP.digest
    changed = loop()
    changed["actions"][3]["requires"] = ["note"]
    assert read_workflow(changed).digest != LOOP.digest


@pytest.mark.parametrize(
    ("spoil", "field", "code"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN]
)
def test_a_broken_definition_is_refused_with_its_place(spoil: Any, field: str, code: str) -> None:
    document = copy.deepcopy(loop())
    spoil(document)
    with pytest.raises(WorkflowInvalid) as refusal:
        read_workflow(document)
    assert (code, field) in [(flaw.code, flaw.field) for flaw in refusal.value.flaws]
    first = refusal.value.flaws[0]
    assert (refusal.value.code, refusal.value.field) == (first.code, first.field)


def test_every_flaw_is_told_and_not_the_first_only() -> None:
    document = loop()
    document["actions"][0]["to"] = "moon"
    document["actions"][5]["permission"] = "anything"
    with pytest.raises(WorkflowInvalid) as refusal:
        read_workflow(document)
    assert [flaw.code for flaw in refusal.value.flaws] == [
        "WORKFLOW_NO_STATE",
        "WORKFLOW_PERMISSION",
    ]


# Written down when workflows had none of the keys that came later: who says the same as then gets
# no new version of it.
OLD_LOOP = "9f691f03182bc9a40fc1df2a4003eb77376bee141179e4617c93af299084464a"


def test_a_definition_without_the_later_keys_keeps_its_digest() -> None:
    assert LOOP.digest == OLD_LOOP


def test_a_step_that_the_state_has_passed_is_a_conflict() -> None:
    error = refused(Conflict, "dispatch", Standing("handled"))
    assert (error.code, error.field) == ("EVENT_ACTION_NOT_ALLOWED", "action")
    assert error.params == {"action": "dispatch", "state": "handled"}


def test_an_unknown_action_is_invalid() -> None:
    assert refused(Invalid, "fly", Standing("handled")).code == "EVENT_ACTION_UNKNOWN"


def test_a_step_back_without_a_state_before_is_a_conflict() -> None:
    document = loop()
    document["actions"].append({**document["actions"][4], "code": "back", "to": "previous"})
    with pytest.raises(Conflict) as refusal:
        plan_step(read_workflow(document), Standing("handled"), "back", StepInput(reason="x"))
    assert (refusal.value.code, refusal.value.field) == ("EVENT_NO_PREVIOUS", "action")
    assert refusal.value.params == {"action": "back"}


AFTER = frozenset({PhotoPhase.AFTER})
ASSIGNED = Standing("dispatched", department=ROADS)


@pytest.mark.parametrize(
    ("code", "standing", "brought", "expected", "field"),
    [
        ("handle", ASSIGNED, {"note": "修好"}, "EVENT_PHOTO_REQUIRED", "evidence"),
        (
            "handle",
            ASSIGNED,
            {"note": "修好", "photos": frozenset({PhotoPhase.BEFORE, PhotoPhase.OTHER})},
            "EVENT_PHOTO_REQUIRED",
            "evidence",
        ),
        ("handle", ASSIGNED, {"photos": AFTER}, "EVENT_NOTE_REQUIRED", "note"),
        ("handle", ASSIGNED, {"photos": AFTER, "note": " \n"}, "EVENT_NOTE_REQUIRED", "note"),
        ("reassign", ASSIGNED, {"department": WATER}, "EVENT_REASON_REQUIRED", "reason"),
        ("reassign", ASSIGNED, {"reason": "x"}, "EVENT_DEPARTMENT_REQUIRED", "department"),
        ("assign", ASSIGNED, {}, "EVENT_ASSIGNEE_REQUIRED", "assignee"),
        ("dispatch", Standing("registered"), {}, "EVENT_DEPARTMENT_REQUIRED", "department"),
        (
            "close",
            Standing("handled"),
            {"department": WATER},
            "EVENT_INPUT_UNUSED",
            "department",
        ),
        ("close", Standing("handled"), {"assignee": WORKER}, "EVENT_INPUT_UNUSED", "assignee"),
    ],
)
def test_what_a_step_needs_is_said_by_field(
    code: str, standing: Standing, brought: dict[str, Any], expected: str, field: str
) -> None:
    error = refused(Invalid, code, standing, **brought)
    assert (error.code, error.field) == (expected, field)


def test_the_missing_photo_names_its_phase() -> None:
    assert refused(Invalid, "handle", ASSIGNED, note="x").params["phase"] == "after"


def test_dispatching_names_the_department_or_takes_the_kinds_own() -> None:
    named = plan("dispatch", Standing("registered", default_department=WATER), department=ROADS)
    assert (named.to_state, named.department, named.account) == ("dispatched", ROADS, None)
    routed = plan("dispatch", Standing("registered", default_department=WATER))
    assert routed.department == WATER


def test_an_explicit_department_is_not_replaced_by_the_kinds_own() -> None:
    standing = Standing("dispatched", department=ROADS, default_department=WATER)
    assert refused(Invalid, "reassign", standing, reason="x").code == "EVENT_DEPARTMENT_REQUIRED"


def test_another_department_loses_the_person_and_restarts_the_clock() -> None:
    standing = Standing("dispatched", department=ROADS, account=WORKER)
    moved = plan("reassign", standing, department=WATER, reason="水务管辖")
    assert (moved.department, moved.account, moved.restarts_clock) == (WATER, None, True)


def test_naming_a_person_keeps_department_and_clock() -> None:
    found = plan("assign", ASSIGNED, assignee=WORKER)
    assert (found.department, found.account, found.restarts_clock) == (ROADS, WORKER, False)


def test_returning_for_rework_keeps_the_assignment() -> None:
    standing = Standing("handled", department=ROADS, account=WORKER)
    back = plan("return", standing, reason="未修好")
    assert (back.to_state, back.department, back.account) == ("dispatched", ROADS, WORKER)
    assert back.restarts_clock


def test_closing_clears_the_assignment_and_is_final() -> None:
    done = plan("close", Standing("handled", department=ROADS, account=WORKER))
    assert (done.department, done.account, done.is_final) == (None, None, True)
