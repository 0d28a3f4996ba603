"""in manifest; casbin domain = tenant; grant ⊆ manifest"""

import uuid
from pathlib import Path

import pytest

from jingwei_core.access.explaining import Asked, explain_access
from jingwei_core.access.policy import Enforcers
from jingwei_core.contribution import core_contribution, core_manifest
from jingwei_core.plugins.discovery import Installed
from jingwei_core.plugins.host import PluginHost
from jingwei_core.plugins.switching import switch_audited
from jingwei_sdk.errors import Denied, Refused
from jingwei_sdk.manifest import Manifest, PermissionText, RoleText, read_manifest
from jingwei_sdk.plugin import Plugin
from tests.plugins.conftest import changzhi, platform, two_cities, yichang
from tests.plugins.world import DISTRICT, NOON, City
from tests.tenants.staff import add_role, employ

__all__ = ["changzhi", "platform", "two_cities", "yichang"]

ROLES = (
    "SELECT code, permissions, owner_plugin FROM core.role WHERE code LIKE 'safety\\_o%' ORDER BY 1"
)
MANIFEST = """
id = "lamp-patrol"
version = "1.0.0"
sdk = ">=1.0,<2"
name_zh = "路灯"
name_en = "Lamps"
description_zh = "路灯"
description_en = "Lamps"
licence = "Apache-2.0"
{more}

[[permissions]]
code = "lamp.read"
zh = "查看"
en = "Read"

[[roles]]
code = "lamp_keeper"
zh = "路灯管理员"
en = "Lamp keeper"
permissions = {granted}
"""


def written(folder: Path, granted: str, more: str = "") -> Path:
    path = folder / "plugin.toml"
    path.write_text(MANIFEST.format(granted=granted, more=more), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "granted",
    ['["event.close"]', '["lamp.*"]', '["*"]', '["lamp.read", "role.manage"]', '["lamp.write"]'],
)
def test_a_role_grants_what_the_manifest_declares_and_no_wildcard(tmp_path: Path, granted: str):
    with pytest.raises(Refused, match="lamp_keeper") as refusal:
        read_manifest(written(tmp_path, granted))
    assert refusal.value.code == "PLUGIN_MANIFEST"
    assert read_manifest(written(tmp_path, '["lamp.read"]')).roles[0].permissions == ("lamp.read",)


def test_every_permission_begins_with_the_prefix(tmp_path: Path):
    path = written(tmp_path, '["lamp.read"]', 'permission_prefix = "torch"')
    with pytest.raises(Refused, match=r"lamp\.read"):
        read_manifest(path)


@pytest.mark.parametrize("code", ["event.lamp", "staff.lamp", "safety.lamp"])
def test_an_area_of_permissions_belongs_to_one_package(code: str):
    """Whoever holds ``event.*`` holds nothing that a plugin calls so."""
    plugins = [_installed("lamp-patrol", code), _installed("zebra", "zebra.read")]
    safety = _installed("a-safety", "safety.read")
    host = PluginHost(core_contribution(), [safety, *plugins], core_manifest=core_manifest())
    off = host.off(frozenset({"a-safety", "lamp-patrol", "zebra"}))
    assert list(off) == ["lamp-patrol"]
    assert (off["lamp-patrol"].state, code.partition(".")[0] in off["lamp-patrol"].reason) == (
        "clash",
        True,
    )


def _installed(plugin_id: str, code: str) -> Installed:
    manifest = Manifest(
        plugin_id,
        "1.0.0",
        ">=1,<2",
        *("名", "Name", "说明", "About", "Apache-2.0"),
        permissions=(PermissionText(code, "查看", "Read"),),
        roles=(RoleText(f"{plugin_id.replace('-', '_')}_reader", "查看者", "Reader", (code,)),),
    )
    plugin = Plugin(id=plugin_id, package="jingwei_core")
    return Installed(plugin_id, "available", manifest, plugin)


async def test_roles_come_with_the_plugin_and_are_the_tenants_once_it_changes_them(
    yichang: City, changzhi: City
):
    roles = {row["code"]: row for row in await yichang.fetch(ROLES)}
    assert {code: row["owner_plugin"] for code, row in roles.items()} == {
        "safety_observer": "safety-production",
        "safety_office": "safety-production",
    }
    declared = yichang.platform.host.get("safety-production").manifest
    assert declared is not None
    own = {each.code for each in declared.permissions}
    assert all(set(row["permissions"]) <= own for row in roles.values())
    assert await changzhi.fetch(ROLES) == [], "the tenant next door has it off"

    admin = await _holder(yichang, ["role.manage", "safety.*", "staff.read"])
    await yichang.run(
        admin,
        "role.save",
        code="safety_observer",
        name="观察",
        permissions=["safety.hazard.read"],
    )
    for enabled in (False, True):
        await switch_audited(
            yichang.platform, "yichang", "safety-production", enabled=enabled, settings={}
        )
    kept = {row["code"]: row for row in await yichang.fetch(ROLES)}
    assert (kept["safety_observer"]["owner_plugin"], kept["safety_observer"]["permissions"]) == (
        "",
        ["safety.hazard.read"],
    )
    assert kept["safety_office"]["owner_plugin"] == "safety-production"


async def test_nobody_gives_away_a_plugins_role_without_holding_what_it_grants(yichang: City):
    role = await yichang.value("SELECT id FROM core.role WHERE code = 'safety_office'")
    held = "SELECT count(*) FROM core.post WHERE role = $1"
    given = {
        "account_id": str(yichang.people["onlooker"]),
        "role_id": str(role),
        "place_id": str(await yichang.place(DISTRICT)),
    }
    weak = await _holder(yichang, ["post.manage", "place.read", "safety.hazard.read"])
    with pytest.raises(Denied):
        await yichang.run(weak, "post.grant", **given)
    assert await yichang.value(held, role) == 0

    strong = await _holder(yichang, ["post.manage", "place.read", "safety.*"])
    await yichang.run(strong, "post.grant", **given)
    assert await yichang.value(held, role) == 1


async def test_casbin_says_so_in_one_tenant_and_not_in_the_next(yichang: City, changzhi: City):
    """The same login with the same role: the domain of casbin is the tenant."""
    login = await _holder(yichang, ["safety.hazard.read"])
    asked = Asked(login, "safety.hazard.read", None, NOON)
    answers = []
    enforcers = Enforcers()
    for city in (yichang, changzhi):
        async with city.system() as ctx:
            if city is changzhi:
                await ctx.unit.execute(
                    "INSERT INTO core.account (login, name) VALUES ($1, $1)", login
                )
            answer = await explain_access(ctx.unit, city.tenant.id, asked, enforcers)
            answers.append(answer.explanation.allowed)
    assert answers == [True, False]


async def _holder(city: City, permissions: list[str]) -> str:
    """An account with these permissions in the whole city; its login."""
    login = f"holder-{uuid.uuid4().hex[:8]}"
    role = await add_role(city, login, permissions)
    await employ(city, login, role, await city.place("4205"))
    return login
