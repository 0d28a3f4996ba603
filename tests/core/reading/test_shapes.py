"""What a statement depends on: the selection and the shape of permissions, nothing of a request."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jingwei_core.access.permissions import Grant, PermissionSet
from jingwei_core.contribution import core_contribution
from jingwei_core.reading.compiled import NOTHING_KNOWN, Compiled, Little, sight_shape
from jingwei_core.reading.compiler import compile_read
from jingwei_core.reading.selection import (
    Column,
    Count,
    EdgeNode,
    Edges,
    Group,
    Id,
    Lookup,
    Page,
    ToMany,
    ToOne,
    Wanted,
    Worked,
)
from jingwei_core.registry import build_registry
from jingwei_sdk.records import Many, One
from tests.core.reading.desk import INFO, SECRET, Desk, constant, named, names_of, open_desk
from tests.core.runtime.city import City

REGISTRY = build_registry([core_contribution()])
NAMES = ("event.read", "place.read", "staff.read", "account.manage", "organisation.read")
PATHS = ("/", "/a/", "/a/b/", "/a/c/", "/d/", "/e/", "/f/", "/g/", "/h/", "/i/", "/j/", "/k/")
SETS = st.lists(
    st.builds(
        Grant, st.sampled_from(PATHS), st.lists(st.sampled_from(NAMES), max_size=3).map(tuple)
    ),
    max_size=12,
).map(PermissionSet)


def compiled(permissions: PermissionSet) -> Compiled:
    steps = Page(
        "", REGISTRY.record("EventStep"), Wanted(), (Edges("e", (EdgeNode("n", (Id("id"),)),)),)
    )
    account = ToOne(
        "reporter", One("reporter", "Account"), (Column("login", "login"), Column("name", "name"))
    )
    fields = (
        Id("id"),
        Worked("due", "is_overdue"),
        account,
        ToOne("place", One("place_id", "Place"), (Column("name", "name"),)),
        ToMany("steps", Many("EventStep", "event"), steps),
    )
    events = Page(
        "events",
        REGISTRY.record("Event"),
        Wanted(under=constant("x")),
        (Edges("edges", (EdgeNode("node", fields),)), INFO, Count("total")),
    )
    places = Page("places", REGISTRY.record("Place"), Wanted(), (Count("n"),))
    one = Lookup("one", REGISTRY.record("Organisation"), constant("x"), (Column("n", "name"),))
    return compile_read(REGISTRY, Group("", (events, places, one)), permissions, SECRET)


@settings(max_examples=150, deadline=None)
@given(first=SETS, second=SETS)
def test_one_shape_is_one_statement(first: PermissionSet, second: PermissionSet) -> None:
    ours, theirs = compiled(first), compiled(second)
    assert ours.permissions == theirs.permissions, "every permission is looked at, held or not"
    if sight_shape(first, ours.permissions) == sight_shape(second, ours.permissions):
        assert ours.sql == theirs.sql
    for path in PATHS[1:]:
        assert path not in ours.sql, "paths are parameters"


def test_a_shape_counts_subtrees_as_far_as_it_matters() -> None:
    many = PermissionSet([Grant(path, ("a.b",)) for path in PATHS[3:]])
    more = PermissionSet([Grant(f"/{n}/", ("a.b",)) for n in range(100)])
    assert sight_shape(many, ["a.b"]) == sight_shape(more, ["a.b"])
    shapes = {
        sight_shape(PermissionSet([Grant(f"/{n}/", ("a.b",)) for n in range(count)]), ["a.b"])
        for count in range(9)
    }
    assert len(shapes) == 9
    everywhere = PermissionSet([Grant("/", ("*",))])
    assert sight_shape(everywhere, ["a.b"]) not in shapes


@pytest.mark.parametrize("others", [0, 1, 7, 8, 30])
async def test_any_number_of_subtrees(city: City, others: int) -> None:
    async with open_desk(city, "root") as ctx:
        paths = [
            await ctx.unit.fetchval("SELECT path FROM core.place WHERE id = $1", city.places[name])
            for name in ("grid", "sibling")
        ]
        grants = [Grant(path, ("organisation.read",)) for path in paths]
        grants += [
            Grant(f"/elsewhere/{number}/", ("organisation.read",)) for number in range(others)
        ]
        desk = Desk(city, "root", replace(ctx, permissions=PermissionSet(grants)))
        found = await desk.read(named(desk.record("Organisation")))
    names = sorted(names_of(found["list"]))
    assert names == [f"grid-{n}" for n in range(5)] + [f"sibling-{n}" for n in range(3)]


async def test_a_hint_changes_no_answer(city: City) -> None:
    async with open_desk(city, "worker") as ctx:
        desk = Desk(city, "worker", ctx)
        for name in ("Organisation", "Place", "Event", "Post"):
            page = replace(named(desk.record(name)), fields=(Count("n"), INFO))
            one = frozenset({name})
            texts = {
                await desk.text(desk.compiled(page, little=little))
                for little in (NOTHING_KNOWN, Little(rows=one), Little(places=one))
            }
            assert len(texts) == 1
