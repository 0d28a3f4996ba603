"""The snapshot of a tenant: whose rows and settings count, and who is held back here."""

from typing import Any

import msgspec
import pytest

from jingwei_core.contribution import core_contribution
from jingwei_core.database import Database
from jingwei_core.evidence.opening import open_store
from jingwei_core.platform import Platform
from jingwei_core.plugins.deployment import enable_everywhere
from jingwei_core.plugins.host import Installed, PluginHost
from jingwei_core.plugins.overview import tenant_lines
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict
from jingwei_sdk.manifest import Manifest, Scope
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.settings import SettingsOf
from jingwei_sdk.upgrades import DataMigration

CITY = (
    "INSERT INTO platform.tenant (id, slug, name, timezone)"
    " VALUES (gen_random_uuid(), $1, $1, 'Asia/Shanghai')"
)
STATE = (
    "INSERT INTO platform.plugin_state (tenant_id, plugin_id, enabled, version, data_version,"
    " settings_version) SELECT id, 'lamps', $2, $3, $3, $4 FROM platform.tenant WHERE slug = $1"
)
EVERYWHERE = (
    "INSERT INTO platform.plugin_deployment (plugin_id, enabled, version) VALUES"
    " ('lamps', true, $1)"
)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Settings."""

    days: int = 7


async def upgraded(ctx: Context) -> int:
    return 0


def _installed(version: str) -> Installed:
    manifest = Manifest(
        id="lamps",
        version=version,
        sdk=">=1.0,<2",
        name_zh="灯",
        name_en="Lamps",
        description_zh="灯",
        description_en="Lamps",
        licence="Apache-2.0",
        scope=Scope.BOTH,
    )
    plugin = Plugin(
        id="lamps",
        package="x",
        settings=SettingsOf(Wanted),
        upgrades=(DataMigration("2.0.0", upgraded),),
    )
    return Installed("lamps", "available", manifest, plugin)


async def _platform(database: Database, version: str = "2.0.0") -> Platform:
    async with database.platform() as unit:
        await unit.executemany(CITY, [("one",), ("two",)])
    host = PluginHost(core_contribution(), [_installed(version)])
    return Platform(database, host, open_store(database.settings))


# What the tenant's row says, and what becomes of the plugin in a process of 2.0.0.
ROWS: dict[str, tuple[tuple[bool, str, int] | None, str | None, str]] = {
    "never switched": (None, None, "disabled"),
    "on, of this version": ((True, "2.0.0", 1), None, "enabled"),
    "on, data of newer code": ((True, "2.1.0", 1), None, "outdated"),
    "on, data before an upgrade": ((True, "1.0.0", 1), None, "not_migrated"),
    "on, settings of newer code": ((True, "2.0.0", 2), None, "outdated"),
    "off": ((False, "1.0.0", 1), None, "disabled"),
    "on for all": (None, "2.0.0", "enabled"),
    "on for all, by newer code": (None, "2.1.0", "outdated"),
    "on for all, rows from before": ((False, "1.0.0", 1), "2.0.0", "not_migrated"),
    "on for all and for itself": ((True, "2.0.0", 1), "2.0.0", "enabled"),
}


@pytest.mark.parametrize("case", list(ROWS))
async def test_what_does_not_fit_this_process_is_held_back_for_that_tenant(
    database: Database, case: str
) -> None:
    row, everywhere, state = ROWS[case]
    platform = await _platform(database)
    async with database.platform() as unit:
        if row is not None:
            await unit.execute(STATE, "one", *row)
        if everywhere is not None:
            await unit.execute(EVERYWHERE, everywhere)

    found = await platform.state("one")

    (line,) = tenant_lines(platform.host, found.enabled, "en", found.held_back)
    assert line.state == state
    assert bool(line.reason) is (state in ("outdated", "not_migrated"))
    served = platform.host.registry(found.enabled).enabled
    assert ("lamps" in served) is (state == "enabled")
    neighbour = await platform.state("two")
    assert ("lamps" in neighbour.enabled) is (everywhere == "2.0.0")


async def test_the_number_grows_by_one_with_a_switch_and_for_all_with_one_for_all(
    database: Database,
) -> None:
    platform = await _platform(database)

    async def numbers() -> list[Any]:
        platform.forget()
        return [(await platform.state(slug)).snapshot.number for slug in ("one", "two")]

    first = await numbers()
    async with database.platform() as unit:
        await unit.execute(STATE, "one", True, "2.0.0", 1)
    assert await numbers() == [first[0] + 1, first[1]]
    async with database.platform() as unit:
        await unit.execute(EVERYWHERE, "2.0.0")
    assert await numbers() == [first[0] + 2, first[1] + 1]


async def test_a_tenant_whose_rows_wait_for_an_upgrade_keeps_it_from_being_on_for_all(
    database: Database,
) -> None:
    platform = await _platform(database)
    async with database.platform() as unit:
        await unit.execute(STATE, "two", False, "1.0.0", 1)
    with pytest.raises(Conflict) as refusal:
        await enable_everywhere(platform, "lamps")
    assert refusal.value.code == "PLUGIN_UPGRADE_PENDING"
    assert refusal.value.params["reason"].startswith("two: ")
    assert (await platform.state("one")).enabled == frozenset()


async def test_what_a_unit_that_is_undone_saw_is_not_remembered(database: Database) -> None:
    platform = await _platform(database)

    async def switched_and_undone() -> None:
        async with database.platform() as unit:
            await unit.execute(STATE, "one", True, "2.0.0", 1)
            assert (await platform.state("one")).enabled == {"lamps"}
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await switched_and_undone()
    assert (await platform.state("one")).enabled == frozenset()
