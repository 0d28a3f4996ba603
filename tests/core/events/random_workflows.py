"""Workflows by chance: some sound, some not, with every key that a definition may have."""

from random import Random
from typing import Any

from jingwei_core.events.workflow import WorkflowDefinition
from jingwei_core.events.workflow_reading import WorkflowInvalid, read_workflow
from tests.core.events.rulebook import action, state

UNITS = ("hour", "work_hour", "work_day", "day")
CLOCKS = ("pause", "resume", "restart")


def random_workflow(chance: Random, code: str = "guarded") -> dict[str, Any]:
    """A chain from start to end with side ways; any link of it may be conditional."""
    names = [f"s{number}" for number in range(chance.randint(2, 4))]
    states = [state(names[0], "start"), *(_working(chance, name) for name in names[1:])]
    states.append(state("end", "final"))
    order = [*names, "end"]
    actions = [
        _link(chance, f"on{number}", [name], order[number + 1]) for number, name in enumerate(names)
    ]
    for number in range(chance.randint(1, 4)):
        origins = chance.sample(order, chance.randint(1, 2))
        to = chance.choice([*order, "previous"])
        actions.append(_random_action(chance, f"way{number}", origins, to))
    document = {
        "code": code,
        "name_zh": code,
        "name_en": code,
        "states": states,
        "actions": actions,
        "handling": chance.choice(["", "general", "emergency"]),
    }
    if chance.random() < 0.7:
        document["limits"] = {"*": _limit(chance)}
    if chance.random() < 0.3:
        document["intake"] = [{"sources": ["grid_worker"], "take": ["on0"]}]
    return document


def sound_workflow(chance: Random) -> WorkflowDefinition:
    """One that passes the check."""
    while True:
        try:
            return read_workflow(random_workflow(chance))
        except WorkflowInvalid:
            continue


def _working(chance: Random, code: str) -> dict[str, Any]:
    more: dict[str, Any] = {"pauses": chance.random() < 0.2}
    if chance.random() < 0.6:
        more["limit"] = _limit(chance)
    return state(code, **more)


def _limit(chance: Random) -> dict[str, Any]:
    return {"amount": chance.randint(1, 9), "unit": chance.choice(UNITS)}


def _link(chance: Random, code: str, origins: list[str], to: str) -> dict[str, Any]:
    """Mostly one that anybody may take, or few would be sound."""
    if chance.random() < 0.3:
        return _random_action(chance, code, origins, to)
    assigns = chance.choice(["keep", "department", "assignee"])
    return action(code, origins, to, assigns=assigns)


def _random_action(chance: Random, code: str, origins: list[str], to: str) -> dict[str, Any]:
    more: dict[str, Any] = {
        "assigns": chance.choice(["keep", "keep", "department", "assignee", "clear"]),
        "by": chance.choice(["anyone", "anyone", "anyone", "assigned"]),
        "requires": chance.choice([[], [], ["reason"], ["note"], ["photo:after"]]),
        "is_return": chance.random() < 0.1,
        "marks": chance.choice([[], ["owned"], ["solved", "checked"], ["found"]]),
    }
    if chance.random() < 0.15:
        more["sources"] = ["grid_worker"]
    if chance.random() < 0.4:
        more["guards"] = [_guard(chance)]
    if chance.random() < 0.4:
        more["effects"] = [_effect(chance)]
        if more["effects"][0]["effect"] == "assign":
            more["assigns"] = "keep"
    return action(code, origins, to, **more)


def _guard(chance: Random) -> dict[str, Any]:
    return chance.choice(
        [
            {"guard": "role", "roles": ["chief"]},
            {"guard": "department", "department": "assigned"},
            {"guard": "evidence", "phase": "before", "at_least": 1},
            {"guard": "fields", "fields": ["width_cm"]},
            {"guard": "within", "amount": 2, "unit": "day", "since": "registered"},
            {"guard": "evidence", "phase": "after", "at_least": 1, "of": "event"},
            {"guard": "other_than", "duty": "solved"},
            {"guard": "tasks_done"},
        ]
    )


def _effect(chance: Random) -> dict[str, Any]:
    return chance.choice(
        [
            {"effect": "assign", "to": chance.choice(["kind", "reporter", "clear"])},
            {"effect": "clock", "does": chance.choice(CLOCKS)},
            {"effect": "ask_evidence", "phase": "after"},
        ]
    )
