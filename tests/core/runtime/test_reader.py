"""The record reader: pages without gaps, cursors that cannot be made up, sight in all of it."""

import uuid
from dataclasses import replace

import pytest

from jingwei_core.reading.reader import RecordReader
from jingwei_core.reading.request import AnyCondition, Condition, Connection, PageRequest, Query
from jingwei_core.session import CoreContext, Request, account_context
from jingwei_sdk.errors import Invalid
from jingwei_sdk.records import Record
from tests.core.runtime.city import SECRET, City

BY_NAME = (("name", "asc"),)
BY_CODE_DOWN = (("credit_code", "desc"),)


class Desk:
    """The reader in the hands of one account."""

    def __init__(self, ctx: CoreContext, reader: RecordReader, record: Record) -> None:
        self.ctx, self.reader, self.record = ctx, reader, record

    async def page(self, **query: object) -> Connection:
        return await self.reader.page(self.ctx, self.record, Query(**query))  # type: ignore[arg-type]

    async def names(self, **query: object) -> list[str]:
        return [edge.row["name"] for edge in (await self.page(**query)).edges]


def at(city: City, who: str) -> object:
    request = Request()
    return account_context(city.platform, city.tenant, city.identity(who), request)


async def desk(city: City, ctx: CoreContext, name: str = "Organisation") -> Desk:
    return Desk(ctx, city.platform.reader(ctx.registry), ctx.registry.record(name))


@pytest.mark.parametrize(
    ("who", "seen"),
    [
        ("root", 9),
        ("worker", 5),
        ("neighbour", 3),
        ("reader", 5),
    ],
)
async def test_an_account_sees_its_subtree_and_no_look_alike(
    city: City, other_city: City, who: str, seen: int
) -> None:
    async with at(city, who) as ctx:
        reading = await desk(city, ctx)
        names = await reading.names(sort=BY_NAME)
        assert len(names) == seen
        assert (await reading.reader.count(ctx, reading.record, Query()))[None] == seen
        everyone = await city_ids(city)
        found = await reading.reader.by_ids(ctx, reading.record, everyone)
        assert len(found) == seen
        assert {row["name"] for row in found.values()} == set(names)


async def city_ids(city: City) -> list[uuid.UUID]:
    async with city.platform.database.unit(city.tenant.id) as unit:
        rows = await unit.fetch("SELECT id FROM core.organisation")
    return [row["id"] for row in rows]


@pytest.mark.parametrize(
    "sort", [(), BY_NAME, (("name", "desc"),), BY_CODE_DOWN, (("credit_code", "asc"),)]
)
@pytest.mark.parametrize("size", [1, 2, 4, 9, 20])
async def test_pages_in_both_directions_are_the_whole_list(
    city: City, sort: tuple[tuple[str, str], ...], size: int
) -> None:
    async with at(city, "root") as ctx:
        reading = await desk(city, ctx)
        whole = await reading.names(sort=sort, page=PageRequest(first=50))
        assert len(whole) == 9

        forwards: list[str] = []
        after, has_next = None, True
        while has_next:
            page = await reading.page(sort=sort, page=PageRequest(first=size, after=after))
            forwards += [edge.row["name"] for edge in page.edges]
            assert page.has_previous is (after is not None)
            after, has_next = page.edges[-1].cursor, page.has_next
        assert forwards == whole

        backwards: list[str] = []
        before, has_previous = None, True
        while has_previous:
            page = await reading.page(sort=sort, page=PageRequest(last=size, before=before))
            backwards = [edge.row["name"] for edge in page.edges] + backwards
            before, has_previous = page.edges[0].cursor, page.has_previous
        assert backwards == whole


async def test_a_cursor_has_one_spelling(city: City) -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    async with at(city, "root") as ctx:
        reading = await desk(city, ctx)
        page = await reading.page(sort=BY_NAME, page=PageRequest(first=2))
        cursor = page.edges[-1].cursor
        for letter in letters.replace(cursor[-1], ""):
            with pytest.raises(Invalid, match="CURSOR_INVALID"):
                await reading.page(
                    sort=BY_NAME, page=PageRequest(first=2, after=cursor[:-1] + letter)
                )
        assert await reading.names(sort=BY_NAME, page=PageRequest(first=2, after=cursor))


async def test_a_cursor_is_good_for_its_own_list_only(city: City, other_city: City) -> None:
    async with at(city, "root") as ctx:
        reading = await desk(city, ctx)
        page = await reading.page(sort=BY_NAME, page=PageRequest(first=2))
        cursor = page.edges[-1].cursor
        wrong = {
            "tampered": ("A" + cursor[1:], BY_NAME),
            "cut": (cursor[:-3], BY_NAME),
            "of another order": (cursor, (("name", "desc"),)),
            "made up": ("WyJncmlkLTAiXQ", BY_NAME),
        }
        for what, (text, sort) in wrong.items():
            with pytest.raises(Invalid) as refused:
                await reading.page(sort=sort, page=PageRequest(first=2, after=text))
            assert (refused.value.code, refused.value.field) == ("CURSOR_INVALID", "after"), what
    async with at(other_city, "root") as ctx:
        elsewhere = await desk(other_city, ctx)
        with pytest.raises(Invalid, match="CURSOR_INVALID"):
            await elsewhere.page(sort=BY_NAME, page=PageRequest(first=2, after=cursor))


@pytest.mark.parametrize(
    ("page", "code"),
    [
        (PageRequest(first=-1), "PAGE_SIZE_INVALID"),
        (PageRequest(first=101), "PAGE_SIZE_INVALID"),
        (PageRequest(last=101), "PAGE_SIZE_INVALID"),
        (PageRequest(first=1, last=1), "PAGE_BOTH_WAYS"),
    ],
)
async def test_an_impossible_page_is_refused(city: City, page: PageRequest, code: str) -> None:
    async with at(city, "root") as ctx:
        with pytest.raises(Invalid, match=code):
            await (await desk(city, ctx)).page(page=page)


async def test_filters_search_and_subtree_narrow_the_list(city: City) -> None:
    grid = city.places["grid"]
    async with at(city, "root") as ctx:
        reading = await desk(city, ctx)
        assert await reading.names(where=(Condition("name", "eq", "grid-1"),)) == ["grid-1"]
        assert len(await reading.names(where=(Condition("credit_code", "is_null", True),))) == 3
        wanted = Condition("name", "in", ["grid-0", "root-0", "nobody"])
        assert await reading.names(where=(wanted,), sort=BY_NAME) == ["grid-0", "root-0"]
        either = AnyCondition(
            ((Condition("name", "starts_with", "root"),), (Condition("name", "eq", "grid-2"),))
        )
        assert await reading.names(where=(either,), sort=BY_NAME) == ["grid-2", "root-0"]
        assert len(await reading.names(under=grid)) == 5
        assert len(await reading.names(search="SIBLING")) == 3
        assert await reading.names(under=uuid.uuid4()) == []


async def test_a_subtree_out_of_sight_holds_nothing(city: City) -> None:
    async with at(city, "worker") as ctx:
        reading = await desk(city, ctx)
        assert await reading.names(under=city.places["sibling"]) == []
        assert await reading.names(under=city.places["root"]) == []


async def test_children_of_many_parents_take_one_statement(city: City) -> None:
    parents = [city.places[name] for name in ("grid", "sibling", "root")]
    async with at(city, "root") as ctx:
        reading = await desk(city, ctx)
        query = Query(sort=BY_NAME, page=PageRequest(first=2))  # type: ignore[arg-type]
        found = await reading.reader.children(
            ctx, reading.record, query, ("place_id", [*parents, uuid.uuid4()])
        )
        names = [[edge.row["name"] for edge in page.edges] for page in found.values()]
        assert names == [["grid-0", "grid-1"], ["sibling-0", "sibling-1"], ["root-0"], []]
        assert [page.has_next for page in found.values()] == [True, True, False, False]
        counted = await reading.reader.count(ctx, reading.record, Query(), ("place_id", parents))
        assert counted == dict(zip(parents, [5, 3, 1], strict=True))


async def test_an_unknown_order_is_refused(city: City) -> None:
    async with at(city, "root") as ctx:
        with pytest.raises(Invalid, match="SORT_UNKNOWN"):
            await (await desk(city, ctx)).page(sort=(("address", "asc"),))


async def test_a_guard_counts_where_the_row_lies(city: City) -> None:
    async with at(city, "mixed") as ctx:
        reading = await desk(city, ctx)
        guarded = replace(reading.record, guarded={"credit_code": SECRET})
        page = await reading.reader.page(ctx, guarded, Query(page=PageRequest(first=50)))
        told = {edge.row["name"] for edge in page.edges if edge.row["credit_code"] is not None}
        assert len(page.edges) == 9
        assert told == {"grid-0", "grid-2", "grid-4"}
        ids = [edge.row["id"] for edge in page.edges]
        allowed = await reading.reader.permitted(ctx, guarded, ids, SECRET)
        names = {edge.row["name"] for edge in page.edges if edge.row["id"] in allowed}
        assert names == {f"grid-{number}" for number in range(5)}
