"""The place tree: nothing holds longer than what it lies in, and everything has a name."""

from datetime import date

import pytest

from jingwei_core.access.tables import Post, Role
from jingwei_core.session import system_context
from jingwei_sdk.errors import Conflict, Invalid
from tests.core.runtime.city import LONG_AGO, City


@pytest.fixture
async def tree(city: City) -> City:
    """The city, whose ``root`` may write its places, with a second level below the grids."""
    async with system_context(city.platform, city.tenant, "test") as ctx:
        role = await ctx.data.insert(Role(code="places", name="地点", permissions=["place.*"]))
        values = {"account": city.accounts["root"], "role": role.id, "valid_from": LONG_AGO}
        await ctx.data.insert(Post(place_id=city.places["root"], **values))
        await ctx.unit.execute("UPDATE core.place SET level = 'city' WHERE parent IS NOT NULL")
        await ctx.unit.execute("UPDATE core.place_level SET rank = 5 WHERE code = 'grid'")
    return city


async def add(city: City, name: str = "新网格") -> object:
    new = {"parent_id": city.places["grid"], "level": "grid", "name": name}
    return (await city.run("root", "place.add", new)).row_id


async def end(city: City, place: object, day: date) -> None:
    await city.run("root", "place.end", {"valid_to": day}, target_id=place)


async def places(city: City) -> object:
    return await city.scalar("SELECT string_agg(p::text, '|' ORDER BY p.id) FROM core.place p")


async def test_nothing_begins_in_a_place_that_ends(tree: City) -> None:
    await end(tree, tree.places["grid"], date(2030, 1, 1))
    before = await places(tree)

    with pytest.raises(Conflict) as refused:
        await add(tree)

    assert refused.value.code == "PLACE_PARENT_ENDS"
    assert await places(tree) == before


async def test_a_place_ends_no_later_than_the_one_it_lies_in(tree: City) -> None:
    child = await add(tree)
    with pytest.raises(Conflict) as held:
        await end(tree, tree.places["grid"], date(2030, 1, 1))
    assert held.value.code == "PLACE_HAS_CHILDREN"
    await end(tree, child, date(2029, 1, 1))
    await end(tree, tree.places["grid"], date(2030, 1, 1))
    before = await places(tree)

    with pytest.raises(Conflict) as refused:
        await end(tree, child, date(2030, 1, 2))

    assert refused.value.code == "PLACE_PARENT_ENDS"
    assert await places(tree) == before
    await end(tree, child, date(2030, 1, 1))


async def test_a_name_is_more_than_blanks_and_stands_without_them(tree: City) -> None:
    child = await add(tree, " 一号 ")
    before = await places(tree)
    grid = tree.places["grid"]
    for command, values, target in (
        ("place.add", {"parent_id": grid, "level": "grid", "name": "　 "}, None),
        ("place.change", {"name": " \t"}, child),
        ("organisation.register", {"place_id": grid, "name": " "}, None),
    ):
        with pytest.raises(Invalid) as refused:
            await tree.run("root", command, values, target_id=target)
        assert (refused.value.code, refused.value.field) == ("INPUT_INVALID", "name")
    assert await places(tree) == before

    name = "SELECT name FROM core.place WHERE id = $1"
    assert await tree.scalar(name, child) == "一号"
    await tree.run("root", "place.change", {"name": " 二号 "}, target_id=child)
    assert await tree.scalar(name, child) == "二号"
