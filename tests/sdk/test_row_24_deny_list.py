"""signed deny file read at boot and hourly"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jingwei_core.database import Database, open_database
from jingwei_core.platform import Platform, open_platform
from jingwei_core.plugins.deny_list import signed
from jingwei_core.plugins.switching import switch_audited
from jingwei_core.settings import Settings
from jingwei_sdk.errors import Refused, Unavailable
from jingwei_sdk.trust.signature import new_key
from tests.core.plugins.packages import MANIFEST, Package
from tests.sdk.installation import Installation, in_a_process, lines_of
from tests.tenants.listing import list_tenant

LINK = "https://example.org/advisories/7"
CODE = """
from pathlib import Path

from jingwei_sdk.plugin import Plugin

Path(__file__).with_name("imported").touch()
plugin = Plugin(id="{0}", package="x")
"""
LIST = """\
serial = {serial}
issued = 2026-11-22T08:00:00Z

[[denied]]
plugin = "{plugin}"
versions = "{versions}"
reason_zh = "可绕过审批"
reason_en = "approval can be bypassed"
link = "{link}"
"""
KEY, STRANGER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()


class Denying:
    """A deployment with two plugins and a deny list that its operator writes."""

    def __init__(self, installation: Installation, settings: Settings, folder: Path) -> None:
        self.file = folder / "deny.toml"
        self.installation = installation
        public = base64.b64encode(KEY.public_key().public_bytes_raw()).decode()
        self.environment = {
            "JINGWEI_DENY_LIST": str(self.file),
            "JINGWEI_DENY_LIST_KEYS": json.dumps([public]),
            "JINGWEI_DENY_LIST_CHECK_S": "0.05",
        }
        self.settings = settings.model_copy(
            update={
                "deny_list": self.file,
                "deny_list_keys": (public,),
                "deny_list_check_s": 0.05,
            }
        )

    def write(
        self, serial: int, plugin: str = "bad", versions: str = "<2", key: Ed25519PrivateKey = KEY
    ) -> None:
        """Put a list in place, signed by the key."""
        told = LIST.format(serial=serial, plugin=plugin, versions=versions, link=LINK)
        self.file.write_text(signed(told, key), encoding="utf-8")

    def imported(self, plugin: str) -> bool:
        """Whether code of the plugin has run; says no from then on."""
        found = list(self.installation.folder.glob(f"*_{plugin}/imported"))
        for mark in found:
            mark.unlink()
        return bool(found)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Platform]:
        """A process as it serves."""
        async with open_platform(self.settings) as platform, platform.watching():
            yield platform


@pytest.fixture
def denying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Denying:
    installation = Installation.make(tmp_path, monkeypatch)
    for name in ("bad", "good"):
        manifest = MANIFEST.format(id=name).replace("permit.read", f"{name}.read")
        installation.add(Package(id=name, manifest=manifest, code=CODE.format(name)))
    return Denying(installation, settings, tmp_path)


async def _until(platform: Platform, plugin: str, state: str) -> None:
    async with asyncio.timeout(5):
        while platform.host.get(plugin).state != state:  # noqa: ASYNC110 - it is read on a schedule
            await asyncio.sleep(0.01)


@pytest.mark.commit
async def test_a_denied_version_is_not_even_imported_and_its_link_is_shown(
    denying: Denying,
) -> None:
    denying.write(7)
    async with denying.serving() as platform:
        found = platform.host.get("bad")
        assert (found.state, found.link) == ("denied", LINK)
        assert found.reason == "可绕过审批 · approval can be bypassed"
        assert not denying.imported("bad")
        assert denying.imported("good")
        with pytest.raises(Refused):
            platform.host.require_available("bad")
        both = frozenset({"bad", "good"})
        assert platform.host.registry(both).enabled == {"core", "good"}
        assert platform.host.off(both)["bad"].state == "denied"
    # An operator sees the same without a server, and code is not run for that either.
    line = (await lines_of(denying.settings, **denying.environment))["bad"]
    assert (line["state"], line["link"]) == ("denied", LINK)
    assert not denying.imported("bad")


def test_it_is_looked_at_hourly_unless_the_operator_says_otherwise() -> None:
    assert Settings.model_fields["deny_list_check_s"].default == 3600


@pytest.mark.commit
async def test_a_list_that_comes_while_serving_counts_and_so_does_one_that_lifts_it(
    denying: Denying, database: Database
) -> None:
    async with database.platform() as unit:
        await list_tenant(unit, "one")
    denying.write(1, versions="<0.5")
    async with denying.serving() as platform:
        await switch_audited(platform, "one", "bad", enabled=True, settings={})
        enabled = (await platform.state("one")).enabled
        assert platform.host.registry(enabled).enabled == {"core", "bad"}

        denying.write(2)
        await _until(platform, "bad", "denied")
        assert platform.host.registry(enabled).enabled == {"core"}
        # A higher serial number is another word of the same authority.
        denying.write(3, versions="<0.5")
        await _until(platform, "bad", "available")
        assert platform.host.registry(enabled).enabled == {"core", "bad"}


@pytest.mark.commit
async def test_what_was_denied_at_the_start_says_that_it_waits_for_the_next(
    denying: Denying,
) -> None:
    denying.write(1)
    async with denying.serving() as platform:
        denying.write(2, versions="<0.5")
        async with asyncio.timeout(5):
            while "restart" not in platform.host.get("bad").reason:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
        assert (platform.host.get("bad").state, denying.imported("bad")) == ("denied", False)
        # Whoever asks another process is told as well: that one has loaded it.
        patient = {**denying.environment, "JINGWEI_DENY_LIST_CHECK_S": "60"}
        words = ("plugin", "health", "bad", "--json")
        told = await in_a_process(denying.settings, *words, **patient)
        (line,) = json.loads(told.out)
        assert (line["plugin"], line["tenant"], line["point"]) == ("bad", "*", "load")
        assert (line["state"], line["last_error"]) == ("failing", "RESTART_NEEDED")
        denying.write(3)
        async with asyncio.timeout(5):
            while platform.host.get("bad").link != LINK:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
    denying.write(4, versions="<0.5")
    async with denying.serving() as platform:
        assert (platform.host.get("bad").state, denying.imported("bad")) == ("available", True)


@pytest.mark.commit
async def test_what_is_older_forged_or_gone_leaves_the_last_good_list_in_force(
    denying: Denying,
) -> None:
    denying.write(5)
    async with denying.serving() as platform:
        assert platform.host.get("bad").state == "denied"
        tampered = denying.file.read_text(encoding="utf-8").replace('"bad"', '"good"')
        for text in (tampered, "", "not a list"):
            denying.file.write_text(text, encoding="utf-8")
            await asyncio.sleep(0.2)
            assert platform.host.get("bad").state == "denied"
            assert platform.host.get("good").state == "available"
        denying.write(6, plugin="good", key=STRANGER)
        await asyncio.sleep(0.2)
        assert platform.host.get("good").state == "available"
        denying.write(4, plugin="good")
        await asyncio.sleep(0.2)
        assert platform.host.get("bad").state == "denied"
        assert platform.host.get("good").state == "available"
    # The next process has no file at all, and knows the list from the database.
    denying.file.unlink()
    denying.imported("bad")
    async with denying.serving() as platform:
        assert platform.host.get("bad").state == "denied"
        assert not denying.imported("bad")


@pytest.mark.commit
async def test_a_deployment_whose_list_was_never_readable_does_not_serve_without_it(
    denying: Denying,
) -> None:
    for content in (None, "", signed(LIST, STRANGER)):
        if content is not None:
            denying.file.write_text(content, encoding="utf-8")
        with pytest.raises(Unavailable) as refusal:
            async with denying.serving():
                pass
        assert refusal.value.code == "DENY_LIST_UNREADABLE"
    # The command line goes on: somebody has to put it right.
    async with open_database(denying.settings) as database, database.platform() as unit:
        assert await unit.fetchval("SELECT count(*) FROM platform.plugin_fault") == 0
    async with open_platform(denying.settings) as platform:
        assert platform.host.get("bad").state == "available"


@pytest.mark.commit
async def test_an_operator_signs_a_list_and_sees_whom_it_meets(
    denying: Denying, tmp_path: Path
) -> None:
    key, content = tmp_path / "deny.pem", tmp_path / "list.toml"
    public = new_key(key)
    content.write_text(
        LIST.format(serial=9, plugin="bad", versions="<2", link=LINK), encoding="utf-8"
    )
    words = ("plugin", "sign-deny-list", str(content), "--key", str(key))
    told = await in_a_process(denying.settings, *words, "--out", str(denying.file))
    assert told.code == 0, told.err
    trusting = {**denying.environment, "JINGWEI_DENY_LIST_KEYS": json.dumps([public])}
    told = await in_a_process(denying.settings, "plugin", "deny-list", "--json", **trusting)
    assert told.code == 0, told.err
    shown = json.loads(told.out)
    assert (shown["serial"], shown["met"], shown["problem"]) == (9, ["bad"], "")
    assert [line["link"] for line in shown["denied"]] == [LINK]
    # Whoever does not trust the key sees that there is a list that does not count.
    told = await in_a_process(
        denying.settings, "plugin", "deny-list", "--json", **denying.environment
    )
    shown = json.loads(told.out)
    assert (shown["serial"], shown["met"]) == (0, [])
    assert shown["problem"] == "its signature is not of a trusted key"
    # What cannot be read is not signed.
    content.write_text("serial = 'nine'", encoding="utf-8")
    told = await in_a_process(denying.settings, *words, "--out", str(tmp_path / "none.toml"))
    assert (told.code, "DENY_LIST_UNREADABLE" in told.err) == (1, True)
    assert not (tmp_path / "none.toml").exists()
