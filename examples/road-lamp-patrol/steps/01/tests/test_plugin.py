"""The plugin is loaded, and may be switched off and on."""

from jingwei_sdk.testing.contract import City


async def test_it_is_on(jingwei_city: City) -> None:
    rows = await jingwei_city.fetch(
        "SELECT enabled FROM platform.plugin_state WHERE plugin_id = 'road-lamp-patrol'"
        " AND tenant_id = $1",
        jingwei_city.tenant.id,
    )
    assert [row["enabled"] for row in rows] == [True]


async def test_it_can_be_switched_off_and_on_again(jingwei_city: City) -> None:
    await jingwei_city.disable("road-lamp-patrol")
    await jingwei_city.enable("road-lamp-patrol")
