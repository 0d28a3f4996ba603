"""One statement for a selection: its JSON, in sight only, equal to what the record reader says."""

import base64
import json
import uuid

import pytest

from jingwei_core.reading.keyset import Sort
from jingwei_core.reading.request import PageRequest, Query
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
from jingwei_sdk.records import Many, One
from tests.core.reading.desk import Desk, listed, named, names_of, open_desk
from tests.core.runtime.city import City

BY_NAME: Sort = (("name", "asc"),)


@pytest.mark.parametrize("who", ["root", "worker", "neighbour", "reader", "mixed"])
async def test_a_page_holds_what_the_reader_shows(city: City, other_city: City, who: str) -> None:
    async with open_desk(city, who) as ctx:
        desk = Desk(city, who, ctx)
        record = desk.record("Organisation")
        expected = await city.platform.reader(ctx.registry).page(
            ctx, record, Query(sort=BY_NAME, page=PageRequest(first=4))
        )
        total = Page("all", record, Wanted(), (Count("n"),))
        found = await desk.read(named(record, Wanted(sort=BY_NAME, size=4)), total)
        assert names_of(found["list"]) == [edge.row["name"] for edge in expected.edges]
        assert found["list"]["pageInfo"]["hasNextPage"] is expected.has_next
        counted = await city.platform.reader(ctx.registry).count(ctx, record, Query())
        assert found["all"] == {"n": counted[None]}


async def test_objects_lists_and_constants_keep_their_order(city: City) -> None:
    async with open_desk(city, "worker") as ctx:
        desk = Desk(city, "worker", ctx)
        grid = city.places["grid"]
        places, organisations = desk.record("Place"), desk.record("Organisation")
        children = Page(
            "",
            organisations,
            Wanted(sort=BY_NAME, size=2),
            (
                Edges("rows", (EdgeNode("it", (Column("label", "name"), Id("id"))),)),
                Count("total"),
                Typename("kind", "OrganisationConnection"),
            ),
        )
        place = Lookup(
            "z",
            places,
            Value(lambda asked: asked.variables["id"]),
            (
                Typename("__typename", "Place"),
                Column("name", "name"),
                Column("validFrom", "valid_from"),
                ToOne("above", One("parent", "Place"), (Id("id"),)),
                ToMany("organisations", Many("Organisation", "place_id"), children),
                Nothing("refused"),
            ),
        )
        text = await desk.text(
            desk.compiled(
                place,
                Group("me", (Constant("words", ['"\\', "龙\U0001f409 "]), Nothing("no"))),
                Constant("mine", Value(lambda asked: asked.variables["mine"])),
            ),
            id=grid,
            mine={"a": "\x00'\n"},
        )
    found = json.loads(text)
    assert list(found) == ["z", "me", "mine"]
    assert list(found["z"]) == [
        "__typename", "name", "validFrom", "above", "organisations", "refused"
    ]  # fmt: skip
    assert found["z"]["above"] is None, "the parent is out of the worker's sight"
    assert found["z"]["validFrom"] == "2024-01-01"
    assert [e["it"]["label"] for e in found["z"]["organisations"]["rows"]] == ["grid-0", "grid-1"]
    assert found["z"]["organisations"]["total"] == 5
    assert found["me"] == {"words": ['"\\', "龙\U0001f409 "], "no": None}
    assert found["mine"] == {"a": "\x00'\n"}
    decoded = base64.b64decode(found["z"]["organisations"]["rows"][0]["it"]["id"]).decode()
    assert decoded.startswith("Organisation:")
    assert str(uuid.UUID(decoded.partition(":")[2])) in decoded


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
