"""Guards, masks, computed fields and other rows: each says what the record reader said."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from jingwei_core.access.permissions import Grant, PermissionSet
from jingwei_core.reading import selection
from jingwei_core.reading.compiler import compile_read
from jingwei_core.reading.selection import (
    AnyOf,
    Column,
    Figure,
    First,
    Group,
    Id,
    Items,
    Lookup,
    MaskedColumn,
    RowOf,
    Rows,
    Sql,
    Subtree,
    ToAny,
    ToMany,
    ToOne,
    Typename,
    Wanted,
    Worked,
)
from jingwei_core.registry import Registry
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Invalid
from jingwei_sdk.personal import Masked
from jingwei_sdk.records import (
    AtPlace,
    Computed,
    Many,
    One,
    Record,
    Scope,
    TenantWide,
    Through,
)
from tests.core.reading.desk import Desk, constant, listed, names_of, open_desk
from tests.core.runtime.city import SECRET, City

Compared = selection.Test
BY_NAME = Wanted(sort=(("name", "asc"),))


def changed(registry: Registry, record: Record, **computed: Computed) -> Registry:
    """The registry with a record replaced, and computed fields added to it."""
    return replace(
        registry,
        records={**registry.records, record.name: record},
        _computed={**registry._computed, record.name: computed},
    )


def with_registry(desk: Desk, registry: Registry) -> Desk:
    return Desk(desk.city, desk.who, replace(desk.ctx, registry=registry))


OF_ITSELF: tuple[Scope, ...] = (AtPlace(),)
OF_ANOTHER: tuple[Scope, ...] = (Through("place_id", "Place"),)
OF_ITSELF_OR_ANOTHER: tuple[Scope, ...] = (*OF_ANOTHER, AtPlace())


@pytest.mark.parametrize("scope", [OF_ITSELF, OF_ANOTHER, OF_ITSELF_OR_ANOTHER])
async def test_a_guard_counts_where_the_row_lies(city: City, scope: tuple[Scope, ...]) -> None:
    async with open_desk(city, "mixed") as ctx:
        desk = Desk(city, "mixed", ctx)
        guarded = replace(
            desk.record("Organisation"), guarded={"credit_code": SECRET}, scope=scope, rollups=()
        )
        fields = (Column("name", "name"), Column("code", "credit_code"))
        found = await desk.read(listed(guarded, *fields, wanted=BY_NAME))
        told = [edge["node"]["name"] for edge in found["list"]["edges"] if edge["node"]["code"]]
    assert len(found["list"]["edges"]) == 9
    assert told == ["grid-0", "grid-2", "grid-4"]


async def test_a_guard_counts_where_a_placed_row_lies_however_it_is_seen(city: City) -> None:
    """A record in sight of the whole tenant has rows that lie somewhere all the same."""
    async with open_desk(city, "mixed") as ctx:
        desk = Desk(city, "mixed", ctx)
        guarded = replace(
            desk.record("Organisation"),
            guarded={"credit_code": SECRET},
            scope=(TenantWide(),),
            rollups=(),
        )
        fields = (Column("name", "name"), Column("code", "credit_code"))
        found = await desk.read(listed(guarded, *fields, wanted=BY_NAME))
        told = [edge["node"]["name"] for edge in found["list"]["edges"] if edge["node"]["code"]]
    assert len(found["list"]["edges"]) > len(told)
    assert told == ["grid-0", "grid-2", "grid-4"]


async def test_a_guard_held_everywhere_needs_no_look_at_the_other_row(city: City) -> None:
    async with open_desk(city, "mixed") as ctx:
        record = replace(
            ctx.registry.record("Organisation"),
            guarded={"credit_code": SECRET},
            scope=OF_ANOTHER,
            rollups=(),
        )
        page = listed(record, Column("code", "credit_code"))
        part, whole = (
            compile_read(ctx.registry, Group("", (page,)), PermissionSet(grants), b"").sql
            for grants in (
                [Grant("/", (record.read, "place.read")), Grant("/a/", (SECRET,))],
                [Grant("/", (record.read, "place.read", SECRET))],
            )
        )
    assert (part.count('"core"."place"'), whole.count('"core"."place"')) == (2, 1)


@pytest.mark.parametrize(("who", "seen"), [("worker", False), ("mixed", True)])
async def test_a_guard_on_a_record_that_lies_nowhere(city: City, who: str, seen: bool) -> None:
    async with open_desk(city, who) as ctx:
        desk = Desk(city, who, ctx)
        read = next(iter(desk.record("Organisation").read for _ in "x"))
        level = replace(desk.record("PlaceLevel"), guarded={"code": SECRET}, read=read)
        found = await desk.read(listed(level, Column("code", "code")))
    codes = [edge["node"]["code"] for edge in found["list"]["edges"]]
    assert codes == (["city", "grid"] if seen else [None, None])


async def test_a_guarded_reference_hides_the_row_it_names(city: City) -> None:
    async with open_desk(city, "mixed") as ctx:
        desk = Desk(city, "mixed", ctx)
        guarded = replace(desk.record("Organisation"), guarded={"place_id": SECRET})
        place = ToOne("place", One("place_id", "Place"), (Column("name", "name"),))
        found = await desk.read(listed(guarded, Column("name", "name"), place, wanted=BY_NAME))
    places = {e["node"]["name"]: e["node"]["place"] for e in found["list"]["edges"]}
    assert {name.partition("-")[0] for name, told in places.items() if told} == {"grid"}


@pytest.mark.parametrize(("guard", "named"), [(SECRET, 5), ("nobody.has", 0)])
async def test_below_a_guarded_reference_parameters_are_as_good_as_elsewhere(
    city: City, guard: str, named: int
) -> None:
    async with open_desk(city, "mixed") as ctx:
        desk = Desk(city, "mixed", ctx)
        guarded = replace(desk.record("Organisation"), guarded={"place_id": guard})
        wanted = Wanted(where=(Compared("name", "eq", constant("grid-1")),))
        below = ToMany(
            "offices",
            Many("Organisation", "place_id"),
            replace(listed(guarded, Column("name", "name"), wanted=wanted), key="offices"),
        )
        place = ToOne("place", One("place_id", "Place"), (below,))
        page = listed(guarded, place, Column("name", "name"))
        last = Compared("name", "starts_with", constant("grid"))
        found = await desk.read(replace(page, wanted=Wanted(where=(last,))))
    shown = [edge["node"]["place"] for edge in found["list"]["edges"]]
    assert len(shown) == 5
    assert [names_of(one["offices"]) for one in shown if one] == [["grid-1"]] * named


async def test_masked_columns_show_their_mask(city: City) -> None:
    parts: tuple[tuple[str, selection.Flag], ...] = (
        ("a", "shown"),
        ("b", "is_masked"),
        ("c", "__typename"),
    )
    phones = {"root": "13812345678", "worker": "12", "reader": None}
    async with open_desk(city, "worker") as ctx:
        for who, phone in phones.items():
            sql = "UPDATE core.account SET phone = $1 WHERE login = $2"
            await ctx.unit.execute(sql, phone, who)
        account = replace(ctx.registry.record("Account"), read="organisation.read", guarded={})
        computed = Computed(str, ("phone",), nothing)
        registry = changed(ctx.registry, account, proof=computed)
        desk = with_registry(Desk(city, "worker", ctx), registry)
        fields = (Column("who", "login"), MaskedColumn("phone", "phone", parts))
        compiled = desk.compiled(listed(account, *fields, Worked("it", "proof")))
        data = json.loads(await desk.text(compiled))
        rows = {holder["who"]: row for holder, row in compiled.worked[0].found(data)}
    told = {edge["node"]["who"]: edge["node"]["phone"] for edge in data["list"]["edges"]}
    kind = {"b": True, "c": "Masked"}
    shown = {"root": "138****5678", "worker": "****"}
    assert {who: told[who] for who in shown} == {who: {"a": s, **kind} for who, s in shown.items()}
    assert told["reader"] is None
    assert rows["root"]["phone"] == Masked("138****5678")
    assert rows["reader"]["phone"] is None


async def nothing(ctx: Context, rows: Sequence[Mapping[str, Any]]) -> Sequence[object]:
    return [None for _ in rows]


@pytest.mark.parametrize(("permission", "expected"), [(None, 9), (SECRET, 5), ("nobody.has", 0)])
async def test_a_computed_field_brings_the_row_of_its_function(
    city: City, permission: str | None, expected: int
) -> None:
    needs = ("name", "place_id", "created_at", "version", "credit_code")
    computed = Computed(str, needs, nothing, permission=permission)
    async with open_desk(city, "mixed") as ctx:
        record = ctx.registry.record("Organisation")
        desk = with_registry(
            Desk(city, "mixed", ctx), changed(ctx.registry, record, proof=computed)
        )
        page = listed(record, Column("name", "name"), Worked("it", "proof"), wanted=BY_NAME)
        compiled = desk.compiled(page)
        data = json.loads(await desk.text(compiled))
        (at,) = compiled.worked
        found = list(at.found(data))
        stored = {
            row["name"]: row
            for row in await ctx.unit.fetch(f"SELECT id, {', '.join(needs)} FROM core.organisation")
        }
    assert (len(found), at.name, at.key, at.record) == (expected, "proof", "it", record)
    for holder, row in found:
        assert row == dict(stored[row["name"]])
        assert holder["name"] == row["name"]
        holder[at.key] = "worked"
    told = [edge["node"]["it"] for edge in data["list"]["edges"]]
    assert told.count("worked") == expected
    assert told.count(None) == 9 - expected


async def test_lists_of_lookups_and_rows_of_several_records(city: City) -> None:
    async with open_desk(city, "root") as ctx:
        record = ctx.registry.record("Organisation")
        registry = changed(ctx.registry, record, proof=Computed(str, ("name",), nothing))
        places = replace(
            ctx.registry.record("Place"), computed={"proof": Computed(str, ("name",), nothing)}
        )
        registry = changed(registry, places, proof=Computed(str, ("path",), nothing))
        desk = with_registry(Desk(city, "root", ctx), registry)
        organisation = await ctx.unit.fetchval(
            "SELECT id FROM core.organisation WHERE name = 'grid-1'"
        )
        items = Items(
            "nodes",
            (
                Lookup("", record, constant(organisation), (Worked("it", "proof"),)),
                None,
                Lookup("", places, constant(city.places["grid"]), (Worked("it", "proof"),)),
                Lookup("", places, constant(uuid.uuid4()), (Id("id"),)),
            ),
        )
        compiled = desk.compiled(items)
        data = json.loads(await desk.text(compiled))
        rows = [[row for _, row in at.found(data)] for at in compiled.worked]
    assert [node is None for node in data["nodes"]] == [False, True, False, True]
    assert rows == [
        [{"id": organisation, "name": "grid-1"}],
        [{"id": city.places["grid"], "path": rows[1][0]["path"]}],
    ]


async def test_a_reference_to_any_of_several_records(city: City) -> None:
    async with open_desk(city, "worker") as ctx:
        desk = Desk(city, "worker", ctx)
        record = desk.record("Organisation")
        choices: dict[str, tuple[selection.RowField, ...]] = {
            "grid-0": (Typename("t", "Place"), Column("name", "name")),
            "grid-1": (Typename("t", "Place"), Id("id")),
        }
        # The name stands for the type: any column may hold it.
        registry = replace(
            ctx.registry,
            records={
                **ctx.registry.records,
                **{name: ctx.registry.record("Place") for name in choices},
            },
        )
        desk = with_registry(desk, registry)
        page = listed(record, ToAny("it", "name", "place_id", choices), wanted=BY_NAME)
        found = await desk.read(page)
    told = [edge["node"]["it"] for edge in found["list"]["edges"]]
    assert told[0] == {"t": "Place", "name": "grid"}
    assert list(told[1]) == ["t", "id"]
    assert told[2:] == [None, None, None]


async def test_first_and_rows_keep_an_order_of_their_own(city: City) -> None:
    async with open_desk(city, "worker") as ctx:
        desk = Desk(city, "worker", ctx)
        record = desk.record("Organisation")
        order = Sql(lambda alias, add: f"length({alias}.name) * {add(-1)}, {alias}.name DESC")
        where = (Sql(lambda alias, add: f"{alias}.name <> {add(constant('grid-4'))}"),)
        fields = (Column("name", "name"),)
        rows = Rows(
            "rows",
            record,
            where,
            order,
            3,
            (RowOf("it", fields), Figure("n", Sql(lambda a, add: f"length({a}.name)"))),
        )
        found = await desk.read(First("first", record, where, order, fields), rows)
        none = (Sql(lambda alias, add: "false"),)
        empty = await desk.read(
            First("first", record, none, order, fields), replace(rows, where=none)
        )
    assert found["first"] == {"name": "grid-3"}
    assert found["rows"] == [{"it": {"name": f"grid-{n}"}, "n": 6} for n in (3, 2, 1)]
    assert empty == {"first": None, "rows": []}


async def test_filters_search_and_subtree_narrow_the_list(city: City) -> None:
    async with open_desk(city, "root") as ctx:
        desk = Desk(city, "root", ctx)
        record = desk.record("Organisation")

        async def names(**wanted: Any) -> list[str]:
            given = Wanted(sort=BY_NAME.sort, **wanted)
            page = await desk.read(listed(record, Column("name", "name"), wanted=given))
            return names_of(page["list"])

        grid = await ctx.unit.fetchval(
            "SELECT path FROM core.place WHERE id = $1", city.places["grid"]
        )
        paths = constant((grid, grid + "x/"))
        assert await names(where=(Compared("name", "eq", constant("grid-1")),)) == ["grid-1"]
        assert len(await names(where=(Compared("credit_code", "is_null", True),))) == 3
        assert len(await names(where=(Compared("credit_code", "is_null", False),))) == 6
        wanted = constant(("grid-0", "root-0", "nobody"))
        assert await names(where=(Compared("name", "in", wanted),)) == ["grid-0", "root-0"]
        groups = AnyOf(
            (
                (Compared("name", "starts_with", "root"),),
                (Compared("name", "eq", "grid-2"),),
            )
        )
        assert await names(where=(groups,)) == ["grid-2", "root-0"]
        assert await names(where=(AnyOf(()),)) == []
        assert len(await names(where=(AnyOf(((),)),))) == 9
        assert len(await names(where=(Subtree("place_path", paths, 2),))) == 5
        assert await names(where=(Subtree("place_path", paths, 0),)) == []
        assert len(await names(under=constant(city.places["grid"]))) == 5
        assert len(await names(under=constant(city.places["root"]))) == 9
        assert await names(under=constant(uuid.uuid4())) == []
        assert len(await names(search=constant("SIBLING "))) == 3
        assert (
            await names(
                where=(Compared("created_at", "lt", constant(datetime(1, 1, 1, tzinfo=UTC))),)
            )
            == []
        )


async def test_a_subtree_out_of_sight_holds_nothing(city: City) -> None:
    async with open_desk(city, "worker") as ctx:
        desk = Desk(city, "worker", ctx)
        record = desk.record("Organisation")
        for place in ("sibling", "root"):
            under = Wanted(under=constant(city.places[place]))
            assert (await desk.read(listed(record, Id("id"), wanted=under)))["list"]["edges"] == []


async def test_what_a_record_does_not_offer_is_refused(city: City) -> None:
    async with open_desk(city, "root") as ctx:
        desk = Desk(city, "root", ctx)
        wrong = {
            "SORT_UNKNOWN": ("Organisation", Wanted(sort=(("address", "asc"),))),
            "SEARCH_UNKNOWN": ("Event", Wanted(search=constant("x"))),
            "UNDER_UNKNOWN": ("PlaceLevel", Wanted(under=constant(uuid.uuid4()))),
        }
        for code, (name, wanted) in wrong.items():
            with pytest.raises(Invalid, match=code):
                desk.compiled(listed(desk.record(name), Id("id"), wanted=wanted))
