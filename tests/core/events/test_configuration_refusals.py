"""A command that the tenant's configuration cannot carry is refused, and nothing is written."""

import uuid

import pytest

from jingwei_core.access.tables import Role
from jingwei_sdk.errors import Conflict, Invalid, JingweiError
from tests.core.events.city import COUNTED, GRID, ROOT, City
from tests.tenants.staff import add_role, employ

WRITERS = ["place.read", "place.write", "organisation.read", "organisation.write"]


async def writer(city: City) -> None:
    """An account that may write places and organisations everywhere, and two levels of places."""
    await city.fetch("INSERT INTO core.place_level (code, rank) VALUES ('city', 0), ('grid', 5)")
    role = await add_role(city, "writer", WRITERS)
    await employ(city, "writer", role, city.places[ROOT])


async def everything(city: City) -> list[int]:
    tables = (*COUNTED, "place", "organisation", "role", "place_level")
    return [await city.value(f"SELECT count(*) FROM core.{table}") for table in tables]


async def refused(city: City, login: str, command: str, *target: uuid.UUID, **given: object) -> str:
    """The code that a command is refused with; proves that nothing was written."""
    before = await everything(city)
    with pytest.raises(JingweiError) as refusal:
        await city.run(login, command, *target, **given)
    assert await everything(city) == before
    return refusal.value.code


async def test_a_kind_without_a_workflow_takes_no_event(city: City) -> None:
    await city.fetch("UPDATE core.workflow SET is_current = false")
    city.platform.forget()
    code = await refused(
        city,
        "worker",
        "event.report",
        kind="city.road.pothole",
        title="坑",
        place_id=str(city.places[GRID]),
    )
    assert code == "EVENT_WORKFLOW_MISSING"


async def test_limits_in_work_time_need_a_calendar(city: City) -> None:
    await city.fetch("DELETE FROM core.calendar_day")
    await city.fetch("DELETE FROM core.work_calendar")
    city.platform.forget()
    code = await refused(
        city,
        "worker",
        "event.report",
        kind="city.road.pothole",
        title="坑",
        place_id=str(city.places[GRID]),
    )
    assert code == "CALENDAR_MISSING"


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("place.add", {"level": "galaxy"}, "PLACE_LEVEL_UNKNOWN"),
        ("place.add", {"level": "city"}, "PLACE_LEVEL_ORDER"),
        ("place.end", {"valid_to": "1949-10-01"}, "PLACE_END_EARLY"),
        ("organisation.register", {"credit_code": "91110000MA01B2C3D4"}, "CREDIT_CODE_INVALID"),
    ],
)
async def test_what_a_register_does_not_take(
    city: City, name: str, given: dict[str, object], expected: str
) -> None:
    await writer(city)
    grid = city.places[GRID]
    if name == "place.add":
        code = await refused(
            city, "writer", name, parent_id=str(grid), name="新", valid_from="2026-01-01", **given
        )
    elif name == "place.end":
        code = await refused(city, "writer", name, grid, **given)
    else:
        code = await refused(city, "writer", name, place_id=str(grid), name="餐馆", **given)
    assert code == expected


async def test_a_row_that_others_name_stays(city: City) -> None:
    before = await everything(city)

    async def delete() -> None:
        async with city.context(None) as ctx:
            (worker,) = await ctx.data.find(Role, code="worker")
            await ctx.data.delete(worker)

    with pytest.raises(Conflict) as refusal:
        await delete()
    assert refusal.value.code == "ROW_IN_USE"
    assert await everything(city) == before


async def test_a_value_that_the_database_refuses_is_named(city: City) -> None:
    before = await everything(city)

    async def insert() -> None:
        async with city.context(None) as ctx:
            (worker,) = await ctx.data.find(Role, code="worker")
            await ctx.data.update(worker, name=None)

    with pytest.raises(Invalid) as refusal:
        await insert()
    assert (refusal.value.code, refusal.value.field) == ("VALUE_REFUSED", "name")
    assert await everything(city) == before
