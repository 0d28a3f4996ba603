"""state `incompatible` + reason in CLI, API, admin"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
import pytest

from jingwei_core.database import Database
from jingwei_sdk.versions import SERVED
from tests.api.browser import browsing, chromium
from tests.core.plugins.packages import MANIFEST, Package
from tests.crash.server import application_servers
from tests.sdk.installation import Installation, in_a_process, lines_of
from tests.tenants.small_world import SmallCity, TwoCities

ASKED = "{ me { name } platform { sdk plugins { plugin state reason } } }"
GRANT = (
    "UPDATE core.role SET permissions = permissions || '{plugin.read}'::text[] WHERE code = 'admin'"
)
SIGN_IN = """
(() => {
  const form = document.getElementById("sign-in");
  form.elements.tenant.value = "%s";
  form.elements.login.value = "%s";
  form.elements.password.value = "%s";
  form.requestSubmit();
})()
"""
SHOWN = """
JSON.stringify([...document.querySelectorAll("#plugins tbody tr")].map((row) => {
  const [plugin, , , state, reason] = [...row.cells].map((cell) => cell.textContent);
  return { plugin, state, reason };
}))
"""
WANTED = {"newer": ">=9,<10", "ancient": "<0.1"}


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    made = Installation.make(tmp_path, monkeypatch)
    for name, wanted in WANTED.items():
        # It may say what only that SDK knows, and its code is not run.
        manifest = f'colour = "red"\n{MANIFEST}'.format(id=name).replace(">=0.1,<1", wanted)
        made.add(Package(id=name, manifest=manifest, code="raise SystemExit(9)"))
    return made


def _states(lines: Iterable[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    named = ((line.get("plugin") or line["id"], line) for line in lines)
    return {name: (line["state"], line["reason"]) for name, line in named}


def _expected(state: str) -> dict[str, tuple[str, str]]:
    """What is told of each plugin; the shipped one is in that state."""
    served = ", ".join(SERVED)
    told = {name: f"needs SDK {wanted}, served are {served}" for name, wanted in WANTED.items()}
    return {
        **{name: ("incompatible", reason) for name, reason in told.items()},
        "safety-production": (state, ""),
    }


async def _admin_sees(url: str, city: SmallCity, profile: Path) -> None:
    """The page of plugins, for the city's admin who signs in there in a browser."""
    program = chromium()
    if program is None:
        assert not os.environ.get("CI"), "CI needs chromium"
        return
    async with browsing(program, profile) as page:
        await page.send("Page.navigate", url=f"{url}/console/plugins")
        await page.until("typeof signedIn === 'function'")
        await page.value(SIGN_IN % (city.tenant.slug, "admin", city.logins["admin"].password))
        await page.until("document.querySelectorAll('#plugins tbody tr').length > 0")
        shown = json.loads(await page.value(SHOWN))
    assert _states(shown) == _expected("enabled")


@pytest.mark.commit
async def test_a_plugin_for_another_sdk_is_shown_and_cannot_be_switched_on(
    installation: Installation, two_cities: TwoCities, database: Database
) -> None:
    expected = _expected("available")
    lines = await lines_of(database.settings)
    assert _states(lines.values()) == expected
    told = await in_a_process(database.settings, "plugin", "show", "newer", "--json")
    shown = json.loads(told.out)
    assert (shown["state"], shown["reason"]) == expected["newer"]

    told = await in_a_process(database.settings, "plugin", "enable", "first", "newer")
    assert told.code == 1
    assert "PLUGIN_OFF" in told.err
    assert expected["newer"][1] in told.err
    async with database.platform() as unit:
        sql = "SELECT count(*) FROM platform.plugin_state WHERE plugin_id = 'newer'"
        assert await unit.fetchval(sql) == 0


@pytest.mark.commit
async def test_one_that_was_on_before_is_a_line_with_a_reason_and_the_boot_goes_on(
    installation: Installation, two_cities: TwoCities, database: Database, tmp_path: Path
) -> None:
    async with database.owner() as unit:
        await unit.execute(GRANT)
        await unit.execute(
            "INSERT INTO platform.plugin_state (tenant_id, plugin_id, enabled, version)"
            " VALUES ($1, 'newer', true, '1.0.0')",
            two_cities.first.tenant.id,
        )
    with application_servers(database.settings) as (server,):
        await _admin_sees(server.url, two_cities.first, tmp_path / "profile")
        async with httpx.AsyncClient(base_url=server.url, trust_env=False) as http:
            headers = two_cities.first.headers("admin")
            answer = await http.post("/graphql", json={"query": ASKED}, headers=headers)
    body = answer.json()
    assert "errors" not in body, body
    assert body["data"]["me"]["name"]
    assert body["data"]["platform"]["sdk"] == SERVED[-1]
    assert _states(body["data"]["platform"]["plugins"]) == _expected("enabled")
    lines = await lines_of(database.settings, "--tenant", "first")
    assert _states(lines.values()) == _expected("enabled")
