"""Where events go: the most specific kind first, then the nearest place upward."""

from typing import Any

import pytest

from jingwei_core.routing.questions import RouteQuestion, route_of
from jingwei_sdk.errors import Invalid, NotFound
from tests.core.events.city import GRID, IN_SIBLING, LEAK, POTHOLE, ROOT, SIBLING, City
from tests.core.events.rulebook import action, workflow
from tests.core.routing.duties import routed

GRID_CODE, ROOT_CODE = "420502", "420501"


async def department(city: City, code: str, place: str, parent: str | None = None) -> None:
    city.departments[code] = await city.value(
        "INSERT INTO core.department (code, name, name_en, place, parent)"
        " VALUES ($1, $1, $1, $2, $3) RETURNING id",
        code,
        city.places[place],
        city.departments[parent] if parent else None,
    )


async def route(city: City, department: str, **rule: str) -> None:
    values = [rule.get(name, "") for name in ("kind", "level", "place")]
    await city.fetch(
        "INSERT INTO core.event_route (kind, level, place, department) VALUES ($1, $2, $3, $4)",
        *values,
        city.departments[department],
    )


async def went(city: City, login: str = "worker", **report: Any) -> str:
    event = await city.report(login, **report)
    await city.act("centre", event, "start")
    found = (await city.event(event))["assigned_department"]
    return next(code for code, row_id in city.departments.items() if row_id == found)


async def told(city: City, login: str, kind: str, place: str) -> tuple[Any, ...]:
    async with city.context(login) as ctx:
        found = await route_of(ctx, RouteQuestion(kind, city.places[place]))
        return found.decided_by, found.department, found.kind, found.level, found.place


async def test_a_route_decides_by_kind_then_by_place(city: City) -> None:
    ruling = await routed(city, workflow())
    sibling: dict[str, Any] = {"login": "other-worker", "position": IN_SIBLING}
    assert await went(ruling) == "roads"
    assert await told(ruling, "centre", POTHOLE, GRID) == ("kind", "roads", "", "", "")
    await route(ruling, "water")
    assert await went(ruling) == "water"
    assert await told(ruling, "centre", POTHOLE, GRID) == ("route", "water", "", "", "")

    await department(ruling, "police", ROOT)
    await department(ruling, "police-grid", GRID, "police")
    await route(ruling, "police", kind="city.road", level="grid")
    # The branch in the grid, straight to it; the other grid has none, so the next rule decides.
    assert await went(ruling) == "police-grid"
    assert await went(ruling, **sibling) == "water"
    await route(ruling, "police", kind="city.road", level="city")
    assert await went(ruling) == "police-grid"
    assert await went(ruling, **sibling) == "police"
    assert await told(ruling, "centre", POTHOLE, SIBLING) == (
        *("route", "police", "city.road", "city"),
        ROOT_CODE,
    )
    await route(ruling, "roads", kind="city", place=GRID_CODE)
    assert await went(ruling) == "police-grid"
    await route(ruling, "roads", kind=POTHOLE, place=ROOT_CODE)
    assert await went(ruling) == "roads"
    await route(ruling, "water", kind=POTHOLE, place=GRID_CODE)
    assert await went(ruling) == "water"
    assert await went(ruling, **sibling) == "roads"
    # A kind whose code only begins alike is another one.
    assert (await told(ruling, "centre", LEAK, GRID))[:3] == ("route", "roads", "city")
    await ruling.fetch("UPDATE core.event_route SET kind = 'city.wat' WHERE kind = 'city'")
    assert (await told(ruling, "centre", LEAK, GRID))[:3] == ("route", "water", "")


async def test_a_named_department_and_a_plugin_come_before_the_routes(city: City) -> None:
    passing = action("pass", ["work"], "work", effects=[{"effect": "assign", "to": "route"}])
    ruling = await routed(city, workflow(passing))
    await route(ruling, "water")
    event = await ruling.report()
    await ruling.act("centre", event, "start", department_code="roads")
    assert (await ruling.event(event))["assigned_department"] == ruling.departments["roads"]
    await ruling.act("chief", event, "pass")
    assert (await ruling.event(event))["assigned_department"] == ruling.departments["water"]


async def test_where_an_event_would_go_is_told_within_sight(city: City) -> None:
    ruling = await routed(city, workflow())
    await ruling.fetch("UPDATE core.event_kind SET department = NULL WHERE code = $1", POTHOLE)
    assert await told(ruling, "centre", POTHOLE, GRID) == ("nobody", None, "", "", "")
    with pytest.raises(NotFound):
        await told(ruling, "worker", POTHOLE, SIBLING)
    with pytest.raises(Invalid, match="EVENT_KIND_UNKNOWN"):
        await told(ruling, "centre", "city.sky.cloud", GRID)
    with pytest.raises(Invalid, match="EVENT_KIND_NOT_LEAF"):
        await told(ruling, "centre", "city", GRID)
