"""one group; name = plugin id, mismatch is an error"""

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from jingwei_core.contribution import core_contribution
from jingwei_core.database import Database
from jingwei_core.plugins.host import PluginHost, discover
from jingwei_sdk.plugin import ENTRY_POINT_GROUP
from tests.core.plugins.packages import MANIFEST, Package
from tests.sdk.installation import Installation, lines_of


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    return Installation.make(tmp_path, monkeypatch)


async def test_a_package_is_found_by_its_entry_point_and_the_name_has_to_be_its_id(
    installation: Installation, database: Database
) -> None:
    installation.add(Package(id="sound"))
    installation.add(Package(id="other", manifest=MANIFEST.format(id="another")))
    installation.add(Package(id="stray", group="console_scripts"))

    found = {one.id: one for one in discover()}

    assert found["sound"].state == "available"
    assert found["other"].state == "failed"
    assert found["other"].reason == "entry point 'other' names a plugin 'another'"
    # Nobody is called by the other name, and other groups are none of ours.
    assert not found.keys() & {"another", "stray"}
    told = await lines_of(database.settings)
    assert {name: (line["state"], line["reason"]) for name, line in told.items()} == {
        name: (one.state, one.reason) for name, one in found.items()
    }


def test_what_is_no_id_or_is_claimed_twice_serves_nobody(installation: Installation) -> None:
    first = Package(id="permits").write(installation.folder)
    upper = Package(id="Upper", manifest=MANIFEST.format(id="Upper")).write(installation.folder)
    second = EntryPoint("permits", "elsewhere.plugin:plugin", ENTRY_POINT_GROUP)
    # The core's own schemas are not to be had by naming a plugin after them.
    core = Package(id="core").write(installation.folder)
    platform = Package(id="platform").write(installation.folder)

    found = discover([first, second, upper, core, platform])

    assert {one.id: one.state for one in found} == dict.fromkeys(
        ("Upper", "core", "permits", "platform"), "failed"
    )
    host = PluginHost(core_contribution(), found)
    everything = frozenset({"permits", "Upper", "core", "platform"})
    assert host.registry(everything).enabled == {"core"}
    reasons = {one.id: one.reason for one in host.installed()}
    assert "the id is claimed by" in reasons["permits"]
    assert "id 'Upper'" in reasons["Upper"]
    assert reasons["core"] == reasons["platform"] == "its id is the platform's own"
