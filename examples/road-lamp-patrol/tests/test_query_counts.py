"""A list is one statement, however many lamps there are."""

from itertools import count

from jingwei_sdk.testing.contract import GRID, City, GraphQLClient
from jingwei_sdk.testing.queries import QueryCounts

from road_lamp_patrol.tables import RoadLamp

LAMPS = """
{ roadLampPatrol { lamps(first: 50) { edges { node {
  code place { name } patrols(first: 5) { edges { node { condition } } }
} } } } }
"""


async def test_the_list_of_lamps(
    jingwei_city: City, jingwei_client: GraphQLClient, query_counts: QueryCounts
) -> None:
    reader = await jingwei_city.holding("road-lamp.read", "place.read")
    place, numbers = await jingwei_city.place(GRID), count()

    async def ask() -> None:
        await jingwei_client.data(reader, LAMPS)

    async def ten_more() -> None:
        async with jingwei_city.system() as ctx:
            lamps = [RoadLamp(code=f"L-{next(numbers)}", place_id=place) for _ in range(10)]
            await ctx.data.insert_all(lamps)

    await ten_more()
    await query_counts.same_when_doubled(ask, more=ten_more)
    async with query_counts("RoadLamp"):
        await ask()
