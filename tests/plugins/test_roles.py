"""The roles of the shipped package and the permissions of the plugin fit one another."""

import tomllib

from tests.plugins.world import PLUGIN, TENANTS, City


async def test_roles_name_the_plugins_permissions_and_no_others(yichang: City) -> None:
    manifest = yichang.platform.host.get(PLUGIN).manifest
    assert manifest is not None
    declared = {permission.code for permission in manifest.permissions}
    roles = tomllib.loads((TENANTS / "yichang" / "roles.toml").read_text(encoding="utf-8"))
    given = {code for role in roles["roles"] for code in role["permissions"]}
    assert {code for code in given if code.startswith("safety.")} == declared
