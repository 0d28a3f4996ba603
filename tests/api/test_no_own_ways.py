"""The core's records, commands and questions reach GraphQL by declarations, as a plugin's do."""

import ast
from pathlib import Path

from jingwei_core.contribution import core_contribution
from jingwei_sdk.commands import declaration

ROOT = Path(__file__).resolve().parents[2] / "frontend_api" / "jingwei_api"
ROOMS = ("schema", "planning", "limits", "execution")
# Rows lie at places whoever declares them (jingwei_sdk.tables.PlacedTable).
KNOWN = {
    ("schema/references.py", "Place"),
}


def _names() -> set[str]:
    core = core_contribution()
    commands = [declaration(handler) for handler in core.commands]
    names = {record.name for record in core.records}
    names |= {one.name for one in commands} | {one.mutation for one in commands}
    return names | {question.name for question in core.questions}


def test_no_room_of_the_api_knows_a_declaration_of_the_core_by_its_name() -> None:
    names, found = _names(), set()
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and node.value in names:
                    found.add((path.relative_to(ROOT).as_posix(), str(node.value)))
    assert found == KNOWN


def test_what_the_core_asks_and_does_is_declared() -> None:
    core = core_contribution()
    asked = {question.name for question in core.questions}
    assert {"me", "my_queue", "my_area", "place_at", "event_duplicates", "platform"} <= asked
    staged = [one.name for one in map(declaration, core.commands) if one.staged is not None]
    assert staged == ["evidence.commit"]
