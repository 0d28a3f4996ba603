"""state `incompatible` + reason in CLI, API, admin"""

import json
from pathlib import Path

import httpx
import pytest

from jingwei_core.database import Database
from jingwei_sdk.versions import SERVED
from tests.core.plugins.packages import MANIFEST, Package
from tests.crash.server import application_servers
from tests.sdk.installation import Installation, in_a_process, lines_of
from tests.tenants.small_world import TwoCities

ASKED = "{ me { name } platform { sdk plugins { id state reason } } }"
GRANT = (
    "UPDATE core.role SET permissions = permissions || '{plugin.read}'::text[] WHERE code = 'admin'"
)
FIRST = MANIFEST.splitlines()[0]


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    made = Installation.make(tmp_path, monkeypatch)
    for name, wanted in (("newer", ">=9,<10"), ("ancient", "<0.1")):
        # It may say what only that SDK knows, and its code is not run.
        manifest = f'colour = "red"\n{MANIFEST}'.format(id=name).replace(">=0.1,<1", wanted)
        made.add(Package(id=name, manifest=manifest, code="raise SystemExit(9)"))
    return made


@pytest.mark.commit
async def test_a_plugin_for_another_sdk_is_shown_with_its_reason_and_the_city_is_served(
    installation: Installation, two_cities: TwoCities, database: Database
) -> None:
    reasons = {
        name: f"needs SDK {wanted}, served are {', '.join(SERVED)}"
        for name, wanted in (("newer", ">=9,<10"), ("ancient", "<0.1"))
    }
    expected = {name: ("incompatible", reason) for name, reason in reasons.items()}
    expected["safety-production"] = ("available", "")
    lines = await lines_of(database.settings)
    assert {name: (line["state"], line["reason"]) for name, line in lines.items()} == expected

    told = await in_a_process(database.settings, "plugin", "show", "newer", "--json")
    shown = json.loads(told.out)
    assert (shown["state"], shown["reason"]) == expected["newer"]
    # It cannot be switched on, and nothing is stored of the attempt.
    told = await in_a_process(database.settings, "plugin", "enable", "first", "newer")
    assert told.code == 1
    assert "PLUGIN_OFF" in told.err
    assert reasons["newer"] in told.err
    async with database.platform() as unit:
        sql = "SELECT count(*) FROM platform.plugin_state WHERE plugin_id = 'newer'"
        assert await unit.fetchval(sql) == 0

    # Even one that was on when its new version came is a line, and the boot goes on.
    async with database.owner() as unit:
        await unit.execute(GRANT)
        await unit.execute(
            "INSERT INTO platform.plugin_state (tenant_id, plugin_id, enabled, version)"
            " VALUES ($1, 'newer', true, '1.0.0')",
            two_cities.first.tenant.id,
        )
    with application_servers(database.settings) as (server,):
        async with httpx.AsyncClient(base_url=server.url, trust_env=False) as http:
            headers = two_cities.first.headers("admin")
            answer = await http.post("/graphql", json={"query": ASKED}, headers=headers)
    body = answer.json()
    assert "errors" not in body, body
    assert body["data"]["me"]["name"]
    assert body["data"]["platform"]["sdk"] == SERVED[-1]
    for_tenant = {**expected, "safety-production": ("enabled", "")}
    told_there = body["data"]["platform"]["plugins"]
    assert {one["id"]: (one["state"], one["reason"]) for one in told_there} == for_tenant
    lines = await lines_of(database.settings, "--tenant", "first")
    assert {name: (line["state"], line["reason"]) for name, line in lines.items()} == for_tenant
