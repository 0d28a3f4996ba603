"""Rows and counts for Python: in sight only, guards where the row lies."""

import uuid
from dataclasses import replace

import pytest

from jingwei_core.reading.reader import RecordReader
from jingwei_core.session import Request, account_context
from jingwei_sdk.records import AtPlace, Scope, Through
from tests.core.runtime.city import SECRET, City


def at(city: City, who: str) -> object:
    return account_context(city.platform, city.tenant, city.identity(who), Request())


@pytest.mark.parametrize(("who", "seen"), [("root", 9), ("worker", 5), ("neighbour", 3)])
async def test_an_account_sees_its_subtree_and_no_look_alike(
    city: City, other_city: City, who: str, seen: int
) -> None:
    places = [city.places[name] for name in ("grid", "sibling", "root")]
    async with at(city, who) as ctx:
        rows = await ctx.unit.fetch("SELECT id FROM core.organisation")
        found = await ctx.records.many(ctx, "Organisation", [row["id"] for row in rows])
        counted = await ctx.records.count(ctx, "Organisation", places, by="place_id")
    assert len(found) == seen
    assert sum(counted.values()) == seen


async def test_some_rows_are_those_in_sight_that_match_and_no_more_than_asked(
    city: City, other_city: City
) -> None:
    async with at(city, "worker") as ctx:
        seen = await ctx.records.some(ctx, "Organisation")
        named = await ctx.records.some(ctx, "Organisation", name=("grid-1", "root-0"))
        nameless = await ctx.records.some(ctx, "Organisation", credit_code=None, most=2)
        one = await ctx.records.some(ctx, "Organisation", name="grid-1")
        assert len(await ctx.records.some(ctx, "Organisation", most=3)) == 3
    assert len(seen) == 5
    assert [row["name"] for row in named] == [row["name"] for row in one] == ["grid-1"]
    expected = [row["name"] for row in seen if row["credit_code"] is None]
    assert [row["name"] for row in nameless] == expected[:2]


async def test_children_of_many_parents_are_counted_at_once(city: City) -> None:
    parents = [city.places[name] for name in ("grid", "sibling", "root")]
    nowhere = uuid.uuid4()
    async with at(city, "root") as ctx:
        counted = await ctx.records.count(
            ctx, "Organisation", [*parents, nowhere], by="place_id", name=("grid-1", "root-0")
        )
    assert counted == dict(zip([*parents, nowhere], [1, 0, 1, 0], strict=True))


@pytest.mark.parametrize("scope", [AtPlace(), Through("place_id", "Place")])
async def test_a_guard_counts_where_the_row_lies(city: City, scope: Scope) -> None:
    async with at(city, "mixed") as ctx:
        rows = await ctx.unit.fetch("SELECT id FROM core.organisation")
        record = ctx.registry.record("Organisation")
        guarded = replace(record, guarded={"credit_code": SECRET}, scope=(scope,), rollups=())
        reader = RecordReader(ctx.registry)
        found = await reader.by_ids(ctx, guarded, [row["id"] for row in rows])
    assert len(found) == 9
    told = {row["name"] for row in found.values() if row["credit_code"] is not None}
    assert told == {"grid-0", "grid-2", "grid-4"}
