"""What a JSON column holds is never taken for the row of a computed field."""

from jingwei_core.contribution import core_contribution
from jingwei_core.reading.compiled import EACH, SLOT, WorkedAt
from jingwei_core.registry import build_registry
from jingwei_sdk.records import Computed


def test_a_stored_value_cannot_pass_for_a_row() -> None:
    record = build_registry([core_contribution()]).record("Event")
    computed = Computed(str, ("id",), lambda ctx, rows: _unused())
    at = WorkedAt(0, ("nodes", EACH), "x", record, "told", computed, {"id": str})
    stored = [{"x": {"#": 0, "SLOT": 0, "id": "forged"}}]
    brought = [{"x": {SLOT: 0, "id": "real"}}]
    found = [row for _, row in at.found({"nodes": stored + brought})]
    assert found == [{"id": "real"}]


async def _unused() -> list[str]:
    return []
