"""A plugin's workflow by which nobody could work is not brought into a tenant, by whichever way."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from jingwei_core.access.tables import Role
from jingwei_core.contribution import core_contribution, core_manifest
from jingwei_core.evidence.opening import open_store
from jingwei_core.platform import Platform
from jingwei_core.plugins.deployment import bring_in, enable_everywhere
from jingwei_core.plugins.discovery import Installed
from jingwei_core.plugins.host import PluginHost
from jingwei_core.plugins.switching import enable_plugin
from jingwei_core.plugins.upgrading import plan_upgrade, upgrade_plugin
from jingwei_core.session import system_context
from jingwei_core.tenants.cloning import clone_tenant
from jingwei_sdk.context import Context, Tenant
from jingwei_sdk.errors import Conflict, NotFound
from jingwei_sdk.manifest import Manifest, Scope
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.upgrades import DataMigration
from tests.plugins.conftest import platform, two_cities, yichang
from tests.plugins.lifecycle.world import Wards
from tests.plugins.world import PLUGIN, City
from tests.sdk.test_row_26_workflows_as_data import CODE, ROWS, folder, shipping, versions

__all__ = ["folder", "platform", "two_cities", "yichang"]

PLATFORM = ("platform.tenant", "platform.plugin_state", "platform.plugin_deployment")
OWN = (
    *("core.workflow", "core.deadline_rule", "core.role", "core.event_kind"),
    *("core.place", "core.audit_entry", "jobs.pgqueuer"),
)
NOBODY = "actions.list.permission (action list, permission event.dispatch)"
BARE = (
    "INSERT INTO platform.tenant (id, slug, name, timezone)"
    " VALUES ($1, 'bare', 'bare', 'Asia/Shanghai')"
)


async def of_all(platform: Platform) -> list[str]:
    """Every row of the tables that a switch or an upgrade may write, of all tenants."""
    read = "SELECT t::text FROM {} t ORDER BY 1"
    async with platform.database.platform() as unit:
        tenants = [row["id"] for row in await unit.fetch("SELECT id FROM platform.tenant")]
        found = [row[0] for table in PLATFORM for row in await unit.fetch(read.format(table))]
    for tenant in sorted(tenants):
        async with platform.database.unit(tenant) as unit:
            found += [row[0] for table in OWN for row in await unit.fetch(read.format(table))]
    return found


def shipped(platform: Platform) -> tuple[Installed, Plugin, Manifest]:
    """The plugin as it is installed."""
    found = platform.host.get(PLUGIN)
    assert found.plugin is not None
    assert found.manifest is not None
    return found, found.plugin, found.manifest


def other_process(platform: Platform, found: Installed) -> Platform:
    """A process on the same database with this release of the plugin."""
    host = PluginHost(core_contribution(), [found], core_manifest=core_manifest())
    return Platform(platform.database, host, open_store(platform.settings))


def next_release(city: City, folder: Path, run: Callable[[Context], Awaitable[int]]) -> Platform:
    """A process with a release whose workflow asks for a role that the city does not have."""
    guard = 'assigns = "department"\nguards = [{ guard = "role", roles = ["inspector_general"] }]'
    package = shipping(folder, "lamp_unfit", **{'assigns = "department"': guard}).plugin
    found, plugin, manifest = shipped(city.platform)
    assert package is not None
    upgrades = (DataMigration("0.2.0", run, "nothing"),)
    newer = replace(
        found,
        manifest=msgspec.structs.replace(manifest, version="0.2.0"),
        plugin=replace(plugin, package=package.package, upgrades=upgrades),
    )
    return other_process(city.platform, newer)


async def test_an_upgrade_is_refused_before_anything_is_done(yichang: City, folder: Path):
    """Its data migration is not begun, the plan says why, and code of before goes on serving."""
    ran: list[object] = []

    async def run(ctx: Context) -> int:
        ran.append(ctx)
        return 0

    new = next_release(yichang, folder, run)
    before = await of_all(yichang.platform)
    reason = f"{CODE}: WORKFLOW_UNKNOWN_ROLE actions.list.guards[1].roles (value inspector_general)"
    plan = await plan_upgrade(new, "yichang", PLUGIN)
    assert plan.told()["misfits"] == [reason]
    assert [(put.what, put.effect) for put in plan.puts] == [("workflow", "changed")]
    with pytest.raises(Conflict) as refusal:
        await upgrade_plugin(new, "yichang", PLUGIN)
    assert refusal.value.code == "PLUGIN_WORKFLOW_UNFIT"
    assert refusal.value.params == {"plugin": PLUGIN, "reasons": reason}
    assert ran == []
    assert await of_all(yichang.platform) == before
    assert (await new.state("yichang")).held_back[PLUGIN].state == "not_migrated"
    assert PLUGIN in (await yichang.platform.state("yichang")).enabled

    async with yichang.system() as ctx:
        await ctx.data.insert(Role(code="inspector_general", name="督察", permissions=[]))
    assert (await upgrade_plugin(new, "yichang", PLUGIN)).plan.misfits == ()
    assert len(ran) > 0
    assert await versions(yichang) == [(1, False, PLUGIN), (2, True, PLUGIN)]
    assert (await new.state("yichang")).held_back == {}


async def brought(wide: Platform, bare: Tenant) -> None:
    """Put what is on for everybody into a tenant, as ``tenant apply`` does with a new one."""
    async with system_context(wide, bare, "tenant.apply") as ctx:
        await ctx.unit.execute(
            "INSERT INTO platform.plugin_deployment (plugin_id, enabled) VALUES ($1, true)", PLUGIN
        )
        await bring_in(ctx)


async def test_a_tenant_that_comes_later_or_has_nobody_yet_is_looked_at_as_well(yichang: City):
    """It has no role of its own. Where nobody named the tenant, the refusal does."""
    found, _, manifest = shipped(yichang.platform)
    for_all = msgspec.structs.replace(manifest, scope=Scope.BOTH)
    wide = other_process(yichang.platform, replace(found, manifest=for_all))
    async with wide.database.platform() as unit:
        await unit.execute(BARE, uuid4())
    bare = await wide.tenant("bare")
    before = await of_all(wide)
    attempts = (
        ("", lambda: enable_plugin(wide, "bare", PLUGIN)),
        ("bare: ", lambda: enable_everywhere(wide, PLUGIN)),
        ("bare: ", lambda: brought(wide, bare)),
    )
    for named, attempt in attempts:
        with pytest.raises(Conflict) as refusal:
            await attempt()
        assert refusal.value.code == "PLUGIN_WORKFLOW_UNFIT"
        assert refusal.value.params["plugin"] == PLUGIN
        reasons = str(refusal.value.params["reasons"])
        assert reasons.startswith(f"{named}{CODE}: WORKFLOW_NOBODY {NOBODY}")
        assert await of_all(wide) == before

    async with system_context(wide, bare, "test") as ctx:
        await ctx.data.insert(Role(code="all", name="all", permissions=["event.*"]))
    await brought(wide, bare)
    async with system_context(wide, bare, "test") as ctx:
        put = await ctx.data.fetch(ROWS, CODE)
    assert [tuple(row) for row in put] == [(1, True, PLUGIN)]


@pytest.mark.commit
async def test_a_clone_in_which_it_could_not_work_is_refused_and_leaves_nothing(wards: Wards):
    """What it names may have gone from the source since it was put there. The roles of the tenant
    next door do not count for the copy."""
    for ward in (wards.east, wards.west):
        await ward.fetch("UPDATE core.role SET permissions = permissions || '{event.*}'")
    east = wards.east.platform
    await enable_plugin(east, "east", PLUGIN)
    await wards.east.fetch(
        "UPDATE core.role SET permissions = array_remove(permissions, 'event.*')"
    )
    before = await of_all(east)
    with pytest.raises(Conflict) as refusal:
        await clone_tenant(east, "east", "north", "北区")
    assert refusal.value.code == "PLUGIN_WORKFLOW_UNFIT"
    assert refusal.value.params["plugin"] == PLUGIN
    reasons = str(refusal.value.params["reasons"])
    assert reasons.startswith(f"north: {CODE}: WORKFLOW_NOBODY {NOBODY}")
    assert await of_all(east) == before
    with pytest.raises(NotFound):
        await east.state("north")
