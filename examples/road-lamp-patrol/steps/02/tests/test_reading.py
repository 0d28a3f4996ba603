"""Lamps are read over GraphQL, each by those who may see its place."""

from jingwei_sdk.testing.contract import GRID, NEXT_GRID, City, GraphQLClient

from road_lamp_patrol.tables import RoadLamp

LAMPS = "{ roadLampPatrol { lamps { edges { node { code condition } } } } }"


async def put(city: City, code: str, grid: str) -> None:
    place = await city.place(grid)
    async with city.system() as ctx:
        await ctx.data.insert(RoadLamp(code=code, place_id=place))


async def test_a_reader_sees_the_lamps_of_its_own_grid(
    jingwei_city: City, jingwei_client: GraphQLClient
) -> None:
    await put(jingwei_city, "L-01", GRID)
    await put(jingwei_city, "L-02", NEXT_GRID)
    reader = await jingwei_city.holding("road-lamp.read", at=GRID)
    told = await jingwei_client.data(reader, LAMPS)
    lamps = [edge["node"] for edge in told["roadLampPatrol"]["lamps"]["edges"]]
    assert lamps == [{"code": "L-01", "condition": "LIT"}]


async def test_without_the_permission_nothing_is_seen(
    jingwei_city: City, jingwei_client: GraphQLClient
) -> None:
    await put(jingwei_city, "L-01", GRID)
    worker = await jingwei_city.as_role("worker")
    told = await jingwei_client.data(worker, LAMPS)
    assert told["roadLampPatrol"]["lamps"]["edges"] == []


async def test_both_cities_may_have_a_lamp_of_one_code(
    jingwei_city: City, jingwei_other_city: City, jingwei_client: GraphQLClient
) -> None:
    for city, grid in ((jingwei_city, GRID), (jingwei_other_city, NEXT_GRID)):
        await put(city, "L-01", grid)
        reader = await city.holding("road-lamp.read")
        told = await jingwei_client.data(reader, LAMPS)
        assert len(told["roadLampPatrol"]["lamps"]["edges"]) == 1
