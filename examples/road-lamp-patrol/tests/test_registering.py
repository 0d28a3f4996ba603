"""Lamps are registered by those who may, each code once."""

import pytest
from jingwei_sdk.errors import Conflict, Denied
from jingwei_sdk.testing.contract import COMMUNITY, GRID, City, GraphQLClient

MAY = ("road-lamp.write", "road-lamp.read", "place.read")
REGISTER = """
mutation($input: RoadLampRegisterInput!) {
  roadLampRegister(idempotencyKey: "k", input: $input) { roadLamp { code place { name } } }
}
"""


async def test_a_lamp_is_registered_over_graphql(
    jingwei_city: City, jingwei_client: GraphQLClient
) -> None:
    chief = await jingwei_city.holding(*MAY, at=COMMUNITY)
    place = jingwei_client.id("Place", await jingwei_city.place(GRID))
    told = await jingwei_client.data(chief, REGISTER, input={"code": "L-01", "placeId": place})
    assert told["roadLampRegister"]["roadLamp"]["code"] == "L-01"


async def test_a_code_is_given_once(jingwei_city: City) -> None:
    place = str(await jingwei_city.place(GRID))
    await jingwei_city.run("road-lamp.register", code="L-01", place_id=place)
    with pytest.raises(Conflict, match="ROAD_LAMP_CODE_TAKEN"):
        await jingwei_city.run("road-lamp.register", code=" L-01 ", place_id=place)
    rows = await jingwei_city.fetch("SELECT code FROM road_lamp_patrol.lamp")
    assert [row["code"] for row in rows] == ["L-01"]


async def test_a_worker_may_not(jingwei_city: City) -> None:
    worker = await jingwei_city.as_role("worker")
    place = str(await jingwei_city.place(GRID))
    with pytest.raises(Denied):
        await worker.run("road-lamp.register", code="L-01", place_id=place)
    assert await jingwei_city.fetch("SELECT code FROM road_lamp_patrol.lamp") == []
