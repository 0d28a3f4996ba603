"""One statement for a selection: its JSON, in sight only, equal to what the record reader says."""

import base64
import json
import uuid

import pytest

from jingwei_core.reading.keyset import Sort
from jingwei_core.reading.selection import (
    Column,
    Constant,
    Count,
    EdgeNode,
    Edges,
    Group,
    Id,
    Lookup,
    Nothing,
    Page,
    ToMany,
    ToOne,
    Typename,
    Value,
    Wanted,
)
from jingwei_core.reading.sight import Parameters
from jingwei_sdk.records import Many, One
from tests.core.reading.desk import Desk, listed, named, names_of, open_desk
from tests.core.runtime.city import City

BY_NAME: Sort = (("name", "asc"),)


@pytest.mark.parametrize(
    ("who", "seen"), [("root", 9), ("worker", 5), ("neighbour", 3), ("reader", 5), ("mixed", 9)]
)
async def test_an_account_sees_its_subtree_and_no_look_alike(
    city: City, other_city: City, who: str, seen: int
) -> None:
    async with open_desk(city, who) as ctx:
        desk = Desk(city, who, ctx)
        record = desk.record("Organisation")
        total = Page("all", record, Wanted(), (Count("n"),))
        found = await desk.read(named(record, Wanted(sort=BY_NAME, size=4)), total)
        everyone = [row["id"] for row in await ctx.unit.fetch("SELECT id FROM core.organisation")]
        rows = await ctx.records.many(ctx, "Organisation", everyone)
    assert found["all"] == {"n": seen}
    assert len(rows) == seen
    names = sorted(row["name"] for row in rows.values())
    assert names_of(found["list"]) == names[:4]
    assert found["list"]["pageInfo"]["hasNextPage"] is (seen > 4)


def place_with_organisations(desk: Desk) -> Lookup:
    """A place with what stands above it and the first of its organisations."""
    rows = Edges("rows", (EdgeNode("it", (Column("label", "name"), Id("id"))),))
    children = Page(
        "",
        desk.record("Organisation"),
        Wanted(sort=BY_NAME, size=2),
        (rows, Count("total"), Typename("kind", "OrganisationConnection")),
    )
    fields = (
        Typename("__typename", "Place"),
        Column("name", "name"),
        Column("validFrom", "valid_from"),
        ToOne("above", One("parent", "Place"), (Id("id"),)),
        ToMany("organisations", Many("Organisation", "place_id"), children),
        Nothing("refused"),
    )
    return Lookup("z", desk.record("Place"), Value(lambda asked: asked.variables["id"]), fields)


async def test_a_row_with_the_rows_around_it(city: City) -> None:
    async with open_desk(city, "worker") as ctx:
        desk = Desk(city, "worker", ctx)
        found = await desk.read(place_with_organisations(desk), id=city.places["grid"])
    place = found["z"]
    keys = ["__typename", "name", "validFrom", "above", "organisations", "refused"]
    assert list(place) == keys
    assert place["above"] is None, "the parent is out of the worker's sight"
    assert (place["validFrom"], place["refused"]) == ("2024-01-01", None)
    organisations = place["organisations"]
    assert [edge["it"]["label"] for edge in organisations["rows"]] == ["grid-0", "grid-1"]
    assert (organisations["total"], organisations["kind"]) == (5, "OrganisationConnection")
    decoded = base64.b64decode(organisations["rows"][0]["it"]["id"]).decode()
    name, _, row_id = decoded.partition(":")
    assert (name, str(uuid.UUID(row_id))) == ("Organisation", row_id)


async def test_constants_and_groups_keep_their_order_and_letters(city: City) -> None:
    words = ['"\\', "龙\U0001f409\u2028"]
    mine = {"a": "\x00'\n"}
    async with open_desk(city, "worker") as ctx:
        desk = Desk(city, "worker", ctx)
        me = Group("z", (Constant("words", words), Nothing("no")))
        told = Constant("a", Value(lambda asked: asked.variables["mine"]))
        text = await desk.text(desk.compiled(me, told), mine=mine)
    assert list(json.loads(text).items()) == [("z", {"words": words, "no": None}), ("a", mine)]


async def test_what_is_out_of_sight_reads_as_null(city: City, other_city: City) -> None:
    value = Value(lambda asked: asked.variables["id"])
    async with open_desk(city, "worker") as ctx:
        desk = Desk(city, "worker", ctx)
        one = Lookup("place", desk.record("Place"), value, (Column("name", "name"),))
        assert await desk.read(one, id=city.places["grid"]) == {"place": {"name": "grid"}}
        for hidden in (city.places["root"], other_city.places["grid"], uuid.uuid4()):
            assert await desk.read(one, id=hidden) == {"place": None}


async def test_an_empty_page(city: City) -> None:
    async with open_desk(city, "worker") as ctx:
        desk = Desk(city, "worker", ctx)
        found = await desk.read(listed(desk.record("Event"), Id("id")))
    info = {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None}
    assert found == {"list": {"edges": [], "pageInfo": info}}


def test_a_parameter_that_nothing_uses_is_left_out() -> None:
    parameters = Parameters(first=5)
    one, two, three = (parameters.add(value, "text") for value in ("一", "二", "三"))
    sql, values = parameters.of_use(f"SELECT '{two} $9', $1, {three}, {one}, {three}")
    assert sql == "SELECT '$6::text $9', $1, $6::text, $5::text, $6::text"
    assert values == ("一", "三")
    assert parameters.of_use(f"{one} {two} {three}") == (
        "$5::text $6::text $7::text",
        ("一", "二", "三"),
    )
