"""Which shape holds a point: the database's answer is that of the geometry library."""

import json
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from shapely import Point
from shapely.geometry import MultiPolygon, Polygon, mapping
from uuid_utils.compat import uuid7

from jingwei_core.database.engine import Database
from jingwei_core.places.geometry import E7

LON, LAT = 111.3, 30.7
STEP = st.integers(0, 1000)
CORNERS = st.lists(st.tuples(STEP, STEP), min_size=3, max_size=9, unique=True)
QUICK = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
SQL = "SELECT core.shape_covers($1::jsonb, $2, $3)"


def degrees(corners: list[tuple[int, int]]) -> list[tuple[float, float]]:
    return [(round(LON + x / 1e5, 7), round(LAT + y / 1e5, 7)) for x, y in corners]


async def covered(database: Database, geometry: Any, at: tuple[float, float]) -> bool:
    told = json.dumps(mapping(geometry))
    async with database.unit(uuid7()) as unit:
        found: bool = await unit.fetchval(SQL, told, round(at[0] * E7), round(at[1] * E7))
    return found


@QUICK
@given(CORNERS, CORNERS, st.tuples(STEP, STEP))
async def test_the_database_agrees_with_the_library(
    database: Database,
    outer: list[tuple[int, int]],
    second: list[tuple[int, int]],
    point: tuple[int, int],
) -> None:
    one, two = Polygon(degrees(outer)), Polygon(degrees(second))
    assume(one.is_valid and one.area > 0)
    [at] = degrees([point])
    shape: Any = one
    if two.is_valid and two.area > 0 and one.contains(two):
        shape = Polygon(one.exterior, [two.exterior])
    elif two.is_valid and two.area > 0 and one.disjoint(two):
        shape = MultiPolygon([one, two])
    assume(shape.is_valid)
    # On a sloping edge, binary fractions decide; nobody stands on one to the centimetre.
    assume(shape.boundary.distance(Point(at)) > 2e-7)
    assert await covered(database, shape, at) == bool(shape.covers(Point(at)))


async def test_an_edge_belongs_to_its_shape(database: Database) -> None:
    square = Polygon([(111.3, 30.7), (111.31, 30.7), (111.31, 30.71), (111.3, 30.71)])
    hole = Polygon([(111.302, 30.702), (111.304, 30.702), (111.304, 30.704), (111.302, 30.704)])
    ring = Polygon(square.exterior, [hole.exterior])
    assert await covered(database, ring, (111.3, 30.705))
    assert await covered(database, ring, (111.31, 30.71))
    assert await covered(database, ring, (111.302, 30.703)), "the edge of a hole is not the hole"
    assert not await covered(database, ring, (111.303, 30.703))
    assert not await covered(database, ring, (111.3100001, 30.705))
