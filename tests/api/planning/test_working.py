"""Computed fields that fail: each is told where it stands, and that is found out once for all."""

from types import SimpleNamespace
from typing import Any

import pytest
from graphql import GraphQLString

from jingwei_api.planning import working
from jingwei_core.reading.compiled import EACH, SLOT, WorkedAt
from jingwei_core.tables import core_records
from jingwei_sdk.errors import Unavailable
from jingwei_sdk.records import Computed

ROWS = 300
(PLACE,) = [record for record in core_records() if record.name == "Place"]


async def never(ctx: Any, rows: Any) -> list[object]:
    return []


def worked_at(number: int, key: str) -> WorkedAt:
    computed = Computed(str, ("name",), never)
    return WorkedAt(number, ("list", EACH, "node"), key, PLACE, "told", computed, {})


async def test_many_that_fail_are_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = 0
    located = working.located

    def counted(*given: Any) -> Any:
        nonlocal steps
        steps += 1
        return located(*given)

    async def failing(*_: Any) -> list[object]:
        raise Unavailable("PLUGIN_PAUSED")

    monkeypatch.setattr(working, "located", counted)
    monkeypatch.setattr(working, "_values", failing)
    fields = (worked_at(0, "a"), worked_at(1, "b"))
    data = {"list": [{"node": {"a": {SLOT: 0}, "b": {SLOT: 1}}} for _ in range(ROWS)]}
    told = SimpleNamespace(fields={"told": SimpleNamespace(type=GraphQLString)})
    index: Any = SimpleNamespace(object=lambda name: told)
    ctx: Any = None
    errors = await working.fill_in(ctx, index, fields, data)
    assert [error.path for error in errors] == [
        ["list", at, "node", key] for key in ("a", "b") for at in range(ROWS)
    ]
    assert data["list"] == [{"node": {"a": None, "b": None}}] * ROWS
    # A walk through the answer for each field, not for each row of it.
    assert steps <= len(fields) * (2 * ROWS + 2)
