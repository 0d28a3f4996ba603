"""Row 2: `sdk = ">=1.2,<2"` names the SDK's version; the current and the previous major are served.

``frozen/notice_boards`` was written for SDK 0.1 and is never edited again: its files are checked by
their digests, and it is used here as a city would use it.
"""

import hashlib
import sys
from collections.abc import AsyncIterator, Mapping
from importlib.metadata import EntryPoint, version
from pathlib import Path
from typing import Any, cast

import pytest
from packaging.version import Version

from jingwei_api.execution.errors import ErrorTexts
from jingwei_api.execution.executor import Executor
from jingwei_api.execution.operation import Caller, Document, Runtime
from jingwei_api.settings import ApiSettings
from jingwei_core.contribution import core_contribution
from jingwei_core.database import open_database
from jingwei_core.database.migrate import migrate
from jingwei_core.database.migration_apps import installed_apps
from jingwei_core.evidence.opening import open_store
from jingwei_core.platform import Platform
from jingwei_core.plugins.conformance import objections
from jingwei_core.plugins.host import PluginHost, discover
from jingwei_core.plugins.switching import switch_audited
from jingwei_core.session import Identity, Request
from jingwei_core.tenants.apply import apply_package
from jingwei_core.tenants.package import load_package
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict
from jingwei_sdk.manifest import Manifest
from jingwei_sdk.plugin import ENTRY_POINT_GROUP, Job, Plugin
from jingwei_sdk.versions import SDK_VERSION, SERVED, served
from tests.plugins.world import DISTRICT, GRID, TENANTS, City, Clock, add_people
from tests.servers.databases import NewDatabase
from tests.tenants.staff import add_role, employ

FROZEN = Path(__file__).parent / "frozen"
PACKAGE = FROZEN / "notice_boards"
PLUGIN = "notice-boards"
_BOARDS = """
{ noticeBoards { boards(filter: {condition: {eq: BROKEN}}) { edges { node {
    code place { name } visits { edges { node { note } } }
} } } } }
"""


@pytest.fixture
def entry_point(monkeypatch: pytest.MonkeyPatch) -> EntryPoint:
    """The frozen package as its wheel's metadata names it."""
    monkeypatch.syspath_prepend(str(PACKAGE))
    return EntryPoint(PLUGIN, "jingwei_notice_boards.plugin:plugin", ENTRY_POINT_GROUP)


@pytest.fixture
async def city(new_database: NewDatabase, entry_point: EntryPoint) -> AsyncIterator[City]:
    """宜昌 with the frozen plugin switched on."""
    installed = [*discover(), *discover([entry_point])]
    plugins = [found.plugin for found in installed if found.plugin is not None]
    assert PLUGIN in {plugin.id for plugin in plugins}, installed
    async with new_database() as settings:
        await migrate(settings, installed_apps(plugins))
        async with open_database(settings) as database:
            host = PluginHost(core_contribution(), installed)
            platform = Platform(database, host, open_store(settings))
            await apply_package(platform, load_package(TENANTS / "yichang"))
            given = {"days_between_visits": 10}
            await switch_audited(platform, "yichang", PLUGIN, enabled=True, settings=given)
            platform.clock = clock = Clock()
            city = City(platform, await platform.tenant("yichang"), clock)
            await add_people(city)
            await _keeper(city)
            yield city
    for name in [name for name in sys.modules if name.startswith("jingwei_notice_boards")]:
        del sys.modules[name]


async def _keeper(city: City) -> None:
    role = await add_role(city, "boards", ["board.read", "board.write", "place.read"])
    await employ(city, "boards", role, await city.place(DISTRICT))


async def _answer(city: City, query: str) -> Any:
    runtime = Runtime(city.platform, cast(Any, None), cast(Any, None))
    executor = Executor(runtime, ApiSettings(), ErrorTexts(city.platform.catalogue))
    caller = Caller(city.tenant, Identity(city.people["boards"], 0), Request("zh", "test"))
    return (await executor.run(caller, Document(query, {}))).body


def test_nobody_has_touched_the_frozen_plugin() -> None:
    told = (FROZEN / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    kept = {name: digest for digest, name in (line.split("  ") for line in told)}
    found = {
        path.relative_to(FROZEN).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert found == kept


async def test_a_plugin_of_the_previous_major_does_all_its_work(city: City) -> None:
    board = await city.made(
        "boards", "board.enter", place_id=str(await city.place(GRID)), code="B-01"
    )
    await city.run("boards", "board.visit", board, note="玻璃碎了", is_broken=True)
    event = await city.value("SELECT event FROM notice_boards.board")

    body = await _answer(city, _BOARDS)
    assert "errors" not in body, body
    (node,) = [e["node"] for e in body["data"]["noticeBoards"]["boards"]["edges"]]
    assert (node["code"], node["visits"]["edges"]) == ("B-01", [{"node": {"note": "玻璃碎了"}}])

    # Its veto, by a method marked as 0.1 has it.
    await city.act(event, "file", "verify", "dispatch", "handle", "check")
    with pytest.raises(Conflict) as refusal:
        await city.act(event, "close")
    assert refusal.value.code == "BOARD_EVENT_STILL_OPEN"
    assert await city.value("SELECT state FROM core.event WHERE id = $1", event) != "closed"

    # Its job, with the settings that its JSON Schema describes.
    await city.made("boards", "board.enter", place_id=str(await city.place(GRID)), code="B-02")
    job = (await city.platform.registry(city.tenant.id)).jobs["notice-boards.count-unvisited"]
    async with city.system() as ctx:
        await job.run(ctx, {})
    notes = await city.fetch(
        "SELECT note FROM notice_boards.visit ORDER BY created_at DESC LIMIT 1"
    )
    assert notes[0]["note"] == "unseen for 10 days"

    # Off again: nothing of it is left to be seen, its rows stay.
    await switch_audited(city.platform, "yichang", PLUGIN, enabled=False, settings={})
    assert "errors" in await _answer(city, _BOARDS)
    assert await city.value("SELECT count(*) FROM notice_boards.board") == 2


@pytest.mark.parametrize(
    ("wanted", "answer"),
    [
        (">=0.1,<1", "0.1.0"),
        (f">={SDK_VERSION},<2", SDK_VERSION),
        (">=0.1", SDK_VERSION),
        (">=2", None),
        (">=0.2,<1", None),
        ("<0.1", None),
        ("==99.*", None),
    ],
)
def test_a_range_is_served_by_the_newest_version_in_it(wanted: str, answer: str | None) -> None:
    assert served(wanted) == answer


def test_the_current_and_the_previous_major_are_served() -> None:
    assert Version(SDK_VERSION) == Version(version("jingwei-sdk"))
    majors = [Version(each).major for each in SERVED]
    assert majors == [Version(SDK_VERSION).major - 1, Version(SDK_VERSION).major]


@pytest.mark.parametrize("wanted", [">=1.0,<2", ">=0.1,<2", ">=0.1"])
def test_whoever_may_be_served_as_1_keeps_to_what_1_asks(wanted: str):
    """A range that begins earlier is no way around it."""

    async def run(ctx: Context, payload: Mapping[str, Any]) -> None:
        raise AssertionError

    jobs = (Job("elsewhere.sweep", run), Job("lamps.daily", run, schedule="every day"))
    lamps = Plugin(id="lamps", package="jingwei_sdk", jobs=jobs)
    texts = dict.fromkeys(("name_zh", "name_en", "description_zh", "description_en"), "灯")
    manifest = Manifest(id="lamps", version="1.0.0", sdk=wanted, licence="MIT", **texts)
    assert list(objections(lamps, manifest)) == [
        "jobs whose names do not begin with lamps.: ['elsewhere.sweep']",
        "the schedule of lamps.daily is no cron expression",
    ]
