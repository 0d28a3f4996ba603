"""Workflows: what a definition must be, and what one step does."""

import copy
import tomllib
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jingwei_core.events.planning import Standing, StepInput, StepPlan, plan_step
from jingwei_core.events.workflow import Assigns, By, WorkflowDefinition
from jingwei_core.events.workflow_guards import PhotoPhase
from jingwei_core.events.workflow_reading import WorkflowInvalid, read_workflow
from jingwei_sdk.errors import Conflict, Invalid, JingweiError

ROADS, WATER = UUID(int=1), UUID(int=2)
WORKER = UUID(int=3)
CITIES = Path(__file__).resolve().parents[3] / "tenants"
SHIPPED = sorted(CITIES.glob("*/events/workflows/*.toml"))


def state(code: str, kind: str = "working") -> dict[str, Any]:
    return {"code": code, "name_zh": code, "name_en": code, "kind": kind}


def action(code: str, origins: list[str], to: str, **more: Any) -> dict[str, Any]:
    names = {"code": code, "name_zh": code, "name_en": code}
    return {**names, "from": origins, "to": to, "permission": f"event.{code}", **more}


def loop() -> dict[str, Any]:
    return {
        "code": "loop",
        "name_zh": "流程",
        "name_en": "Loop",
        "states": [
            state("registered", "start"),
            state("dispatched"),
            state("handled"),
            state("closed", "final"),
        ],
        "actions": [
            action("dispatch", ["registered"], "dispatched", assigns="department"),
            action(
                "reassign",
                ["dispatched"],
                "dispatched",
                requires=["department", "reason"],
                assigns="department",
            ),
            action(
                "assign", ["dispatched"], "dispatched", requires=["assignee"], assigns="assignee"
            ),
            action(
                "handle", ["dispatched"], "handled", requires=["photo:after", "note"], by="assigned"
            ),
            action("return", ["handled"], "dispatched", requires=["reason"]),
            action("close", ["handled"], "closed", assigns="clear"),
            action("reopen", ["closed"], "registered", requires=["reason"]),
        ],
    }


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


def _without(document: dict[str, Any], *path: Any) -> None:
    *parents, last = path
    for part in parents:
        document = document[part]
    del document[last]


BROKEN: list[tuple[str, Any, str, str]] = [
    ("a missing name", lambda d: _without(d, "name_zh"), "", "WORKFLOW_INVALID"),
    ("an unknown key", lambda d: d.update(colour="red"), "", "WORKFLOW_INVALID"),
    (
        "an unknown requirement",
        lambda d: d["actions"][3].update(requires=["selfie"]),
        "actions[4].requires[1]",
        "WORKFLOW_INVALID",
    ),
    (
        "an unknown guard",
        lambda d: d["actions"][3].update(guards=[{"guard": "mood"}]),
        "actions[4].guards[1].guard",
        "WORKFLOW_INVALID",
    ),
    ("two starts", lambda d: d["states"][1].update(kind="start"), "states", "WORKFLOW_START"),
    ("no start", lambda d: d["states"][0].update(kind="working"), "states", "WORKFLOW_START"),
    ("no final", lambda d: d["states"][3].update(kind="working"), "states", "WORKFLOW_FINAL"),
    (
        "a state named twice",
        lambda d: d["states"].append(state("handled")),
        "states.handled",
        "WORKFLOW_TWICE",
    ),
    (
        "an action named twice",
        lambda d: d["actions"].append(d["actions"][0]),
        "actions.dispatch",
        "WORKFLOW_TWICE",
    ),
    (
        "an action to nowhere",
        lambda d: d["actions"][0].update(to="moon"),
        "actions.dispatch.to",
        "WORKFLOW_NO_STATE",
    ),
    (
        "an action from nowhere",
        lambda d: d["actions"][0].update({"from": []}),
        "actions.dispatch.from",
        "WORKFLOW_FROM_NOWHERE",
    ),
    (
        "no permission",
        lambda d: d["actions"][0].update(permission="anything"),
        "actions.dispatch.permission",
        "WORKFLOW_PERMISSION",
    ),
    (
        "the platform's own action code",
        lambda d: d["actions"].append(action("comment", ["handled"], "handled")),
        "actions.comment",
        "WORKFLOW_RESERVED",
    ),
    (
        "an unreachable state",
        lambda d: d["states"].append(state("island")),
        "states.island",
        "WORKFLOW_UNREACHABLE",
    ),
    (
        "a dead end",
        lambda d: (
            d["states"].append(state("swamp")),
            d["actions"].append(action("sink", ["handled"], "swamp")),
        ),
        "states.swamp",
        "WORKFLOW_DEAD_END",
    ),
    (
        "an end for as long as a window is open",
        lambda d: d["actions"][5].update(guards=[within("registered")]),
        "states.registered",
        "WORKFLOW_DEAD_END",
    ),
    (
        "a state where nobody is assigned and only the assigned may act",
        lambda d: (
            d["actions"][0].update(assigns="keep"),
            d.update(actions=[one for one in d["actions"] if "assign" not in one["code"]]),
        ),
        "states.dispatched",
        "WORKFLOW_DEAD_END",
    ),
    (
        "a way on for some sources only",
        lambda d: d["actions"][5].update(sources=["hotline"]),
        "states.registered",
        "WORKFLOW_DEAD_END",
    ),
    (
        "an action for the assigned where nobody is",
        lambda d: d["actions"].append(action("own", ["registered"], "closed", by="assigned")),
        "actions.own",
        "WORKFLOW_IDLE",
    ),
    (
        "a way back from the beginning",
        lambda d: d["actions"].append(action("resume", ["registered"], "previous")),
        "actions.resume.to",
        "WORKFLOW_NO_PREVIOUS",
    ),
    (
        "a window since closing in an open state",
        lambda d: d["actions"][5].update(guards=[within("closed")]),
        "actions.close.guards[1].since",
        "WORKFLOW_NOT_CLOSED",
    ),
    (
        "a guard of no role",
        lambda d: d["actions"][5].update(guards=[{"guard": "role", "roles": []}]),
        "actions.close.guards[1].roles",
        "WORKFLOW_EMPTY",
    ),
    (
        "a guard of no fields",
        lambda d: d["actions"][5].update(guards=[{"guard": "fields", "fields": []}]),
        "actions.close.guards[1].fields",
        "WORKFLOW_EMPTY",
    ),
    (
        "more photos than a step may bring",
        lambda d: d["actions"][5].update(
            guards=[{"guard": "evidence", "phase": "after", "at_least": 21}]
        ),
        "actions.close.guards[1].at_least",
        "WORKFLOW_PHOTOS",
    ),
    (
        "a message to nobody in particular",
        lambda d: d["actions"][5].update(
            effects=[{"effect": "notify", "whom": "everybody", "message": "M"}]
        ),
        "actions.close.effects[1].whom",
        "WHOM_INVALID",
    ),
    (
        "a task for two",
        lambda d: d["actions"][5].update(
            effects=[
                {
                    "effect": "task",
                    "whom": "reporter",
                    "department": "roads",
                    "title_zh": "清理",
                    "title_en": "Clean",
                }
            ]
        ),
        "actions.close.effects[1]",
        "WORKFLOW_TASK_FOR",
    ),
    (
        "two assignments at once",
        lambda d: d["actions"][5].update(effects=[{"effect": "assign", "to": "reporter"}]),
        "actions.close.effects",
        "WORKFLOW_ASSIGNS_TWICE",
    ),
    (
        "a clock that goes and stands",
        lambda d: d["actions"][5].update(
            effects=[{"effect": "clock", "does": one} for one in ("pause", "resume")]
        ),
        "actions.close.effects",
        "WORKFLOW_CLOCK_TWICE",
    ),
    (
        "half a working day",
        lambda d: d["states"][1].update(limit={"amount": 0.5, "unit": "work_day"}),
        "states.dispatched.limit.amount",
        "WORKFLOW_AMOUNT",
    ),
    (
        "a warning after the end",
        lambda d: d["states"][1].update(
            limit={"amount": 1, "unit": "hour", "warn_at_percent": 100}
        ),
        "states.dispatched.limit.warn_at_percent",
        "WORKFLOW_WARN_AT",
    ),
    (
        "a limit of a state among those of the loop",
        lambda d: d.update(limits={"handled": {"amount": 1, "unit": "hour"}}),
        "limits.handled",
        "WORKFLOW_LIMITS_KEY",
    ),
    (
        "a final state that waits",
        lambda d: d["states"][3].update(pauses=True),
        "states.closed",
        "WORKFLOW_FINAL_WAITS",
    ),
    (
        "a start that stands still",
        lambda d: d["states"][0].update(pauses=True),
        "states.registered.pauses",
        "WORKFLOW_START_PAUSES",
    ),
    (
        "a source with two rules",
        lambda d: d.update(intake=[{"sources": ["hotline"], "take": ["dispatch"]}] * 2),
        "intake[2].sources",
        "WORKFLOW_TWICE",
    ),
    (
        "a broken chain of intake",
        lambda d: d.update(intake=[{"sources": ["hotline"], "take": ["close"]}]),
        "intake[1].take",
        "WORKFLOW_INTAKE_BREAKS",
    ),
    (
        "a chain of intake with a photo in it",
        lambda d: d.update(intake=[{"sources": ["hotline"], "take": ["dispatch", "handle"]}]),
        "intake[1].take",
        "WORKFLOW_INTAKE_BY_HAND",
    ),
]


def within(since: str) -> dict[str, Any]:
    return {"guard": "within", "amount": 72, "unit": "hour", "since": since}


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


DEFINITIONS = st.sampled_from(
    [read_workflow(tomllib.loads(file.read_text(encoding="utf-8"))) for file in SHIPPED]
)


@given(DEFINITIONS, st.lists(st.integers(0, 50), max_size=30))
def test_any_walk_with_all_requirements_stays_inside_the_loop(
    definition: WorkflowDefinition, choices: list[int]
) -> None:
    standing = Standing(definition.start, default_department=ROADS)
    for choice in choices:
        possible = definition.actions_from(standing.state)
        if not possible:
            assert definition.is_final(standing.state)
            return
        chosen = possible[choice % len(possible)]
        takes = chosen.assigns
        step = plan_step(
            definition,
            standing,
            chosen.code,
            StepInput(
                note="n",
                reason="r",
                department=ROADS if takes is Assigns.DEPARTMENT else None,
                assignee=WORKER if takes is Assigns.ASSIGNEE else None,
                photos=frozenset(PhotoPhase),
            ),
        )
        assert step.from_state == standing.state
        assert step.to_state in {one.code for one in definition.states}
        assert step.account is None or step.department is not None or standing.department is None
        standing = Standing(step.to_state, step.department, step.account, ROADS)
