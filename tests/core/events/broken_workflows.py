"""A sound workflow, and every way in which one may be broken."""

from typing import Any


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


def _without(document: dict[str, Any], *path: Any) -> None:
    *parents, last = path
    for part in parents:
        document = document[part]
    del document[last]


def within(since: str) -> dict[str, Any]:
    return {"guard": "within", "amount": 72, "unit": "hour", "since": since}


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
        "a way for one source into a state without an end",
        lambda d: (
            d["states"].append(state("swamp")),
            d["actions"].append(action("sink", ["handled"], "swamp", sources=["hotline"])),
        ),
        "states.swamp",
        "WORKFLOW_DEAD_END_SOURCE",
    ),
    (
        "a way past the assignment into a state for the assigned",
        lambda d: d.update(
            actions=[
                *(one for one in d["actions"] if "assign" not in one["code"]),
                action("skip", ["registered"], "dispatched"),
            ]
        ),
        "states.dispatched",
        "WORKFLOW_DEAD_END_UNASSIGNED",
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
