"""The suggested role is there once the plugin is on, and grants what it says."""

import pytest
from jingwei_sdk.errors import Denied
from jingwei_sdk.testing.contract import GRID, City


async def test_a_patroller_visits_lamps_and_registers_none(jingwei_city: City) -> None:
    place = str(await jingwei_city.place(GRID))
    lamp = (await jingwei_city.run("road-lamp.register", code="L-01", place_id=place)).id
    patroller = await jingwei_city.as_role("lamp_patroller", at=GRID)
    await patroller.run("road-lamp.patrol", lamp, condition="lit")
    with pytest.raises(Denied):
        await patroller.run("road-lamp.register", code="L-02", place_id=place)
