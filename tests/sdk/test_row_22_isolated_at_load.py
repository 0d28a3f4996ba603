"""default; `required = true` per deployment flips it"""

import asyncio
from pathlib import Path

import httpx
import pytest

from jingwei_core.database import Database
from jingwei_core.platform import open_platform
from jingwei_core.settings import Settings
from jingwei_sdk.errors import Unavailable
from tests.core.plugins.packages import MANIFEST, Package
from tests.crash.server import application_servers
from tests.sdk.installation import Installation, in_a_process, lines_of
from tests.servers.processes import free_port
from tests.tenants.small_world import TwoCities

ASKED = '{ me { name } __type(name: "SafetyEnterprise") { name } }'
PLAIN = 'from jingwei_sdk.plugin import Plugin\n\nplugin = Plugin(id="{0}", package="x")\n'
FAULTY = {
    "raises": "raise RuntimeError('no licence')",
    "ends": "raise SystemExit(3)",
    "broken": "plugin =",
    "clashes": """
from jingwei_core.contribution import core_contribution
from jingwei_sdk.plugin import Plugin

plugin = Plugin(id="clashes", package="x", jobs=core_contribution().jobs[:1])
""",
}
EXPECTED = {
    "raises": ("failed", "RuntimeError: no licence"),
    "ends": ("failed", "SystemExit: 3"),
    "broken": ("failed", "SyntaxError"),
    "clashes": ("clash", "DECLARATION_CLASH"),
    "sound": ("available", ""),
}


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    made = Installation.make(tmp_path, monkeypatch)
    for name, code in {**FAULTY, "sound": PLAIN.format("sound")}.items():
        manifest = MANIFEST.format(id=name).replace("permit.read", f"{name}.read")
        made.add(Package(id=name, manifest=manifest, code=code))
    return made


@pytest.mark.commit
async def test_every_other_plugin_and_the_core_are_served_beside_faulty_ones(
    installation: Installation, two_cities: TwoCities, database: Database
) -> None:
    lines = await lines_of(database.settings)
    for name, (state, reason) in EXPECTED.items():
        assert lines[name]["state"] == state
        assert reason in lines[name]["reason"]
    async with database.owner() as unit:
        await unit.execute(
            "INSERT INTO platform.plugin_state (tenant_id, plugin_id, enabled)"
            " SELECT t.id, p, true FROM platform.tenant t, unnest($1::text[]) p",
            list(EXPECTED),
        )
    # Even where a tenant has them on: the server starts, and answers that tenant.
    with application_servers(database.settings) as (server,):
        async with httpx.AsyncClient(base_url=server.url, trust_env=False) as http:
            headers = two_cities.first.headers("admin")
            answer = await http.post("/graphql", json={"query": ASKED}, headers=headers)
    body = answer.json()
    assert "errors" not in body
    assert body["data"]["me"]["name"]
    assert body["data"]["__type"] == {"name": "SafetyEnterprise"}


@pytest.mark.commit
@pytest.mark.parametrize("name", [*FAULTY, "gone"])
async def test_a_deployment_that_requires_a_faulty_plugin_does_not_serve(
    installation: Installation, settings: Settings, name: str
) -> None:
    required = settings.model_copy(update={"required_plugins": ("sound", name)})
    with pytest.raises(Unavailable) as refusal:
        async with open_platform(required) as platform, platform.watching():
            pass
    assert refusal.value.code == "PLUGIN_REQUIRED"
    state, reason = EXPECTED.get(name, ("missing", "not installed"))
    assert (refusal.value.params["plugin"], refusal.value.params["state"]) == (name, state)
    assert reason in refusal.value.params["reason"]


@pytest.mark.commit
async def test_a_server_says_which_required_plugin_is_off_and_ends(
    installation: Installation, settings: Settings
) -> None:
    words = ("serve", "--port", str(free_port()))
    async with asyncio.timeout(60):
        told = await in_a_process(settings, *words, JINGWEI_REQUIRED_PLUGINS='["raises"]')
    assert told.code != 0
    assert "PLUGIN_REQUIRED" in told.err
    assert "no licence" in told.err
    sound = settings.model_copy(update={"required_plugins": ("sound",)})
    async with open_platform(sound) as platform, platform.watching():
        assert platform.host.get("sound").state == "available"
