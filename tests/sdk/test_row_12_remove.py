"""Row 12: `plugin remove --plan`, export, drop, reinstall clean; migration rows and permissions go.

Two tenants used the plugin, another plugin stands beside it. What the plan says is what goes; what
stays is the audit log, and an event kind that an event refers to.
"""

import asyncio
import hashlib
import json
import uuid
from collections import Counter
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from jingwei_core.contribution import core_contribution
from jingwei_core.database.drift import problems
from jingwei_core.database.migrate import migrate
from jingwei_core.database.migration_apps import installed_apps
from jingwei_core.evidence.opening import open_store
from jingwei_core.jobs.core_jobs import EVENT_CONSUMER
from jingwei_core.jobs.worker import Worker
from jingwei_core.outbox.delivery import deliver
from jingwei_core.platform import Platform
from jingwei_core.plugins.exporting import export_plugin
from jingwei_core.plugins.host import Installed, PluginHost
from jingwei_core.plugins.removing import plan_removal, remove_plugin
from jingwei_core.plugins.switching import Switching, disable_plugin, enable_plugin
from jingwei_core.plugins.tenant_settings import SettingsChange
from jingwei_core.settings import Settings
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict
from jingwei_sdk.events import Consumer, EventType
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.settings import Secret
from tests.core.jobs.cities import FAST
from tests.fixtures.command_line import CommandLine
from tests.plugins.lifecycle.ward_book.book import ID, TWO, installed, manifest
from tests.plugins.lifecycle.world import Ward, Wards

pytestmark = pytest.mark.commit

_TABLES = (
    "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables"
    " WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1"
)
_KEEPERS = "SELECT permissions FROM core.role WHERE code = 'ward_keeper'"


async def dump(wards: Wards) -> dict[str, Counter[str]]:
    """Every row of every table, as text."""
    return {
        table["name"]: Counter(
            row["line"]
            for row in await wards.owner(f"SELECT t::text AS line FROM {table['name']} t")
        )
        for table in await wards.owner(_TABLES)
    }


async def use(ward: Ward, calls: int) -> None:
    """Switch the book on and leave traces of it everywhere a plugin can leave them."""
    asked = Switching(SettingsChange({"hours": 5}, {"gateway_key": Secret("sk-row-12")}))
    await enable_plugin(ward.platform, ward.tenant.slug, ID, asked)
    for number in range(calls):
        await ward.run("ward.note", topic=f"topic {number}")
    await ward.fetch("INSERT INTO ward_book.topic (code) VALUES ('lift')")
    await ward.fetch(
        "INSERT INTO core.role (code, name, permissions)"
        " VALUES ('mixed', 'mixed', ARRAY['ward.*', 'event.read'])"
    )
    await ward.fetch(
        "INSERT INTO core.consumed (consumer, event_id) VALUES ($1, $2)", f"{ID}:x", uuid.uuid4()
    )
    await ward.fetch(
        "INSERT INTO jobs.tick VALUES ($1, 'ward-book.daily', '0 8 * * *', now())", ward.tenant.id
    )
    async with ward.system() as ctx:
        told = {"event": str(uuid.uuid4()), "consumer": f"{ID}:watch"}
        await ctx.signals.enqueue(EVENT_CONSUMER, told)
    await ward.fetch(
        "UPDATE jobs.pgqueuer SET status = 'failed', headers = headers || '{\"parked\": \"off\"}'"
        " WHERE tenant_id = $1 AND id = (SELECT min(id) FROM jobs.pgqueuer WHERE tenant_id = $1)",
        ward.tenant.id,
    )


async def with_keeper(ward: Ward) -> None:
    """Somebody holds the role that the plugin brings: it has to stay."""
    await ward.fetch(
        "INSERT INTO core.post (account, role, place_id, valid_from)"
        " SELECT $1, id, $2, now() FROM core.role WHERE code = 'ward_keeper'",
        ward.keeper,
        ward.place,
    )


async def with_event(ward: Ward) -> None:
    """An event of the plugin's kind: the kind has to stay."""
    workflow = await ward.value(
        "INSERT INTO core.workflow (code, number, digest, definition)"
        " VALUES ('standard', 1, 'x', '{}') RETURNING id"
    )
    await ward.fetch(
        "INSERT INTO core.event (number, kind, workflow, state, title, place_id, state_since)"
        " SELECT '1', k.id, $1, 'filed', 't', $2, now() FROM core.event_kind k"
        " WHERE k.code = 'ward.finding'",
        workflow,
        ward.place,
    )


PLANNED = {
    "tables": {"call_on": {"east": 3, "west": 1}, "topic": {"east": 1, "west": 1}},
    "parts": {
        "roles_kept": {"east": 1},
        "grants": {"east": 2, "west": 2},
        "kinds": {"west": 1},
        "kinds_kept": {"east": 1},
        "consumed": {"east": 1, "west": 1},
        "jobs": {"east": 4, "west": 2},
        "schedules": {"east": 1, "west": 1},
        "states": {"east": 1, "west": 1},
        "migrations": {"": 1},
    },
}


async def used_by_both(wards: Wards) -> None:
    """Both tenants use the book; in one an event is of its kind, and somebody has its role."""
    await use(wards.east, calls=3)
    await use(wards.west, calls=1)
    await with_event(wards.east)
    await with_keeper(wards.east)


async def test_it_is_told_exported_dropped_and_begins_anew(
    wards: Wards, settings: Settings, tmp_path: Path
) -> None:
    platform = wards.east.platform
    untouched = await dump(wards)
    await used_by_both(wards)
    for slug in ("east", "west"):
        await disable_plugin(platform, slug, ID)
    before = await dump(wards)
    told = (await plan_removal(platform, ID)).told()
    assert await dump(wards) == before
    assert {"tables": told["tables"], "parts": told["parts"]} == PLANNED

    plan, exported = await remove_plugin(platform, ID, tmp_path / "out")

    assert plan.told() == told
    for each in exported:
        is_whole(each.folder)
    await nothing_speaks_of_it(wards, untouched)
    others = [found.plugin for found in platform.host.installed() if found.id != ID]
    assert await problems(settings, installed_apps([each for each in others if each])) == []
    await reinstalled(wards, settings)


def is_whole(folder: Path) -> None:
    """Each file has the rows and the digest that the export says, no secret, and one reader."""
    assert folder.stat().st_mode & 0o077 == 0
    about = json.loads((folder / "plugin.json").read_text())
    assert (about["settings"], about["secrets"]) == ({"hours": 5}, ["gateway_key"])
    for table, file in about["tables"].items():
        content = (folder / f"{table}.ndjson").read_bytes()
        assert hashlib.sha256(content).hexdigest() == file["sha256"]
        assert len(content.splitlines()) == file["rows"]
        assert file["rows"] == PLANNED["tables"][table][folder.name]
    assert "sk-row-12" not in "".join(path.read_text() for path in folder.iterdir())


async def nothing_speaks_of_it(wards: Wards, untouched: dict[str, Counter[str]]) -> None:
    """Only what is history or referred to still does; nobody else lost a row."""
    after = await dump(wards)
    assert [name for name in after if name.startswith("ward_book.")] == []
    speaking = {
        name for name, rows in after.items() if any("ward.finding" in r or ID in r for r in rows)
    }
    kept = {"core.event_kind", "core.role"}
    assert speaking == {"core.audit_entry", "jobs.pgqueuer_log", *kept}
    assert not [name for name, rows in after.items() if any("sk-row-12" in row for row in rows)]
    assert await wards.east.value("SELECT is_active FROM core.event_kind") is False
    granted = await wards.owner("SELECT DISTINCT unnest(permissions) AS code FROM core.role")
    assert {row["code"] for row in granted} == {"place.read", "event.read"}
    changed = ("ward_book.", "platform.migration", "core.role", "core.policy", "platform.plugin_")
    for name, rows in untouched.items():
        if not name.startswith(changed):
            assert rows <= after[name], name
    for ward in (wards.east, wards.west):
        audited = await ward.value(
            "SELECT changes->0->'before'->'rows' FROM core.audit_entry"
            " WHERE command = 'plugin.remove'"
        )
        assert json.loads(audited)["topic"] == 1


async def test_an_export_waits_for_nobody_and_holds_up_nobody(wards: Wards, tmp_path: Path) -> None:
    """It may take an hour; the tenant's plugins are switched and upgraded meanwhile."""
    await use(wards.east, calls=1)
    is_held, is_over = asyncio.Event(), asyncio.Event()

    async def switching() -> None:
        async with wards.database.owner() as unit:
            await unit.execute("SELECT 1 FROM platform.plugin_state FOR UPDATE")
            is_held.set()
            await is_over.wait()

    other = asyncio.create_task(switching())
    await is_held.wait()
    try:
        async with asyncio.timeout(30):
            done = await export_plugin(wards.east.platform, "east", ID, tmp_path)
    finally:
        is_over.set()
        await other
    assert done.tables == {"call_on": 1, "topic": 1}


async def test_what_is_on_stays(wards: Wards, tmp_path: Path) -> None:
    await used_by_both(wards)
    before = await dump(wards)
    with pytest.raises(Conflict) as refusal:
        await remove_plugin(wards.east.platform, ID, tmp_path / "out")
    assert refusal.value.code == "PLUGIN_STILL_ENABLED"
    assert refusal.value.params["tenants"] == "east, west"
    assert await dump(wards) == before
    assert not (tmp_path / "out").exists()


async def reinstalled(wards: Wards, settings: Settings) -> None:
    """The same package again: as if it had never been there."""
    east, platform = wards.east, wards.east.platform
    plugins = [found.plugin for found in platform.host.installed() if found.plugin is not None]
    report = await migrate(settings, installed_apps(plugins))
    assert [name for name in report.applied if name.startswith("ward_book")] == list(report.applied)
    assert len(report.applied) == 1
    assert await problems(settings, installed_apps(plugins)) == []
    assert await east.value(_KEEPERS) == []
    row = (await enable_plugin(platform, "east", ID)).row
    assert await east.value(_KEEPERS) == ["ward.read", "ward.write"]
    held = "SELECT count(*) FROM core.post p JOIN core.role r ON r.id = p.role"
    assert await east.value(f"{held} WHERE r.code = 'ward_keeper'") == 1
    assert (row.settings.values, dict(row.settings.sealed)) == ({}, {})
    assert await east.value("SELECT count(*) FROM ward_book.call_on") == 0
    await wards.owner(
        "UPDATE core.role SET permissions = ARRAY['ward.write', 'ward.read'] WHERE code = 'all'"
    )
    assert (await east.run("ward.note", topic="anew")).values == {"has_key": False, "length": 0}
    assert await east.value("SELECT is_active FROM core.event_kind WHERE code = 'ward.finding'")


class Noted(msgspec.Struct, frozen=True):
    """What the book tells of a call."""

    topic: str


NOTED = EventType("ward-book.call_noted.v1", Noted)


async def told_three(platform: Platform, east: Ward) -> None:
    """Of three messages one was heard, one was told to the queue, one is still to be delivered."""

    async def publish(topic: str) -> None:
        async with east.system() as ctx:
            await ctx.signals.publish(NOTED, Noted(topic))

    await publish("heard")
    await Worker(platform, FAST).drain()
    await publish("told")
    async with east.system() as ctx:
        (job,) = await ctx.data.fetch(
            "SELECT convert_from(payload, 'UTF8') AS given FROM jobs.pgqueuer"
        )
        await deliver(ctx, json.loads(job["given"]))
    await publish("awaited")


async def test_what_it_told_and_others_await_is_delivered_and_the_rest_goes(wards: Wards) -> None:
    heard: list[str] = []

    async def hear(ctx: Context, given: Noted) -> None:
        heard.append(given.topic)

    book = Installed(ID, "available", manifest("2.0.0"), replace(TWO, event_types=(NOTED,)))
    reader = Plugin(
        id="reader", package="jingwei_sdk", consumers=(Consumer(NOTED.name, "all", Noted, hear),)
    )
    platform = wards.platform_of(book, Installed("reader", "available", plugin=reader))
    for plugin in (ID, "reader"):
        await enable_plugin(platform, "east", plugin)
    await told_three(platform, wards.east.seen_by(platform))
    await disable_plugin(platform, "east", ID)

    plan, _ = await remove_plugin(platform, ID)

    assert plan.told()["parts"]["events"] == {"east": 1}
    assert plan.told()["parts"]["events_kept"] == {"east": 2}
    assert heard == ["heard"]
    without = wards.platform_of(Installed("reader", "available", plugin=reader))
    await Worker(without, FAST).drain()
    assert sorted(heard) == ["awaited", "heard", "told"]
    rows = await wards.owner(
        "SELECT status, payload #>> '{data,topic}' AS t FROM core.outbox_message"
    )
    assert sorted(map(tuple, rows)) == [("delivered", "awaited"), ("delivered", "told")]


async def test_a_plugin_that_another_needs_stays(wards: Wards) -> None:
    needing = Plugin(id="ward-reports", package="tests", requires=(ID,))
    others = [installed(), Installed("ward-reports", "available", plugin=needing)]
    host = PluginHost(core_contribution(), others)
    platform = Platform(wards.database, host, open_store(wards.database.settings))
    before = await dump(wards)
    with pytest.raises(Conflict) as refusal:
        await remove_plugin(platform, ID)
    assert (refusal.value.code, refusal.value.params["by"]) == (
        "PLUGIN_STILL_NEEDED",
        "ward-reports",
    )
    assert await dump(wards) == before


async def test_the_command_line_asks_for_plan_or_yes(
    wards: Wards,
    settings: Settings,
    jingwei: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr("jingwei_core.platform.discover", lambda **_: [installed()])
    await use(wards.east, calls=2)
    assert (await jingwei(settings, "plugin", "remove", ID)).code == 2
    words = ("plugin", "export", "east", ID, "--out", str(tmp_path / "now"))
    assert "call_on: 2" in (await jingwei(settings, *words)).out
    again = await jingwei(settings, *words)
    assert (again.code, "EXPORT_FOLDER_USED" in again.err) == (1, True)
    refused = await jingwei(settings, "plugin", "remove", ID, "--yes", "--json")
    assert json.loads(refused.out)["error"]["code"] == "PLUGIN_STILL_ENABLED"
    await disable_plugin(wards.east.platform, "east", ID)
    planned = json.loads((await jingwei(settings, "plugin", "remove", ID, "--plan", "--json")).out)
    done = json.loads((await jingwei(settings, "plugin", "remove", ID, "--yes", "--json")).out)
    assert (planned["removed"], done["removed"]) == (False, True)
    assert planned["tables"] == done["tables"] == {"call_on": {"east": 2}, "topic": {"east": 1}}
    assert await wards.owner("SELECT 1 FROM pg_namespace WHERE nspname = 'ward_book'") == []
    assert TWO.id == ID
