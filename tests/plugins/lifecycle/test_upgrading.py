"""Upgrading: a tenant's settings and rows follow the code, batch by batch, wherever it stopped."""

import asyncio
import json
from contextvars import Context as Empty
from dataclasses import replace

import msgspec
import pytest

from jingwei_core.platform import Platform
from jingwei_core.plugins.deployment import enable_everywhere
from jingwei_core.plugins.discovery import Installed
from jingwei_core.plugins.switching import Switching, disable_plugin, enable_plugin
from jingwei_core.plugins.tenant_settings import SettingsChange
from jingwei_core.plugins.upgrading import plan_upgrade, plugins_in_use, upgrade_plugin
from jingwei_core.settings import Settings
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, NotFound, Refused
from jingwei_sdk.manifest import Scope
from jingwei_sdk.plugin import EventKindDeclaration
from jingwei_sdk.settings import Secret
from jingwei_sdk.upgrades import DataMigration
from tests.fixtures.command_line import CommandLine
from tests.plugins.lifecycle.ward_book.book import (
    ID,
    TWO,
    BookSettings,
    OldSettings,
    count_words,
    first_release,
    installed,
    manifest,
)
from tests.plugins.lifecycle.world import Ward, Wards

pytestmark = pytest.mark.commit

CALLS = 5
_STATE = "SELECT data_version, progress->>'rows' AS rows FROM platform.plugin_state"


async def with_calls(wards: Wards) -> Ward:
    """The first ward with release 1.0.0 and some calls; seen by a process of that release."""
    old = wards.platform_of(first_release())
    asked = Switching(SettingsChange({"days": 2}, {"key": Secret("sk-1")}))
    await enable_plugin(old, "east", ID, asked)
    east = wards.east.seen_by(old)
    for number in range(CALLS):
        await east.fetch(
            "INSERT INTO ward_book.call_on (account, topic) VALUES ($1, $2)",
            east.keeper,
            f"topic {number}",
        )
    return east


def failing_once(after: int) -> tuple[Installed, list[int]]:
    """Release 2.0.0 whose data migration raises once, after so many batches."""
    calls: list[int] = []

    async def run(ctx: Context) -> int:
        calls.append(1)
        if len(calls) == after + 1:
            raise RuntimeError("13900000001")
        return await count_words(ctx)

    plugin = replace(TWO, upgrades=(DataMigration("2.0.0", run, "count words"),))
    return installed(plugin), calls


async def test_new_code_leaves_rows_alone_that_it_has_not_brought_along(wards: Wards) -> None:
    await with_calls(wards)
    new = wards.platform_of(installed())
    state = await new.state("east")
    assert (ID in state.enabled, state.held_back[ID].state) == (False, "not_migrated")
    with pytest.raises(Conflict) as pending:
        await enable_plugin(new, "east", ID)
    assert pending.value.code == "PLUGIN_UPGRADE_PENDING"
    planned = (await plan_upgrade(new, "east", ID)).told()
    assert planned == {
        "tenant": "east",
        "plugin": ID,
        "from": "1.0.0",
        "to": "2.0.0",
        "settings": [1, 2],
        "steps": [{"to": "2.0.0", "description": ""}],
        "puts": [],
        "misfits": [],
    }
    assert await wards.east.value("SELECT max(words) FROM ward_book.call_on") == 0


async def test_where_it_is_off_nothing_is_put_and_none_is_announced(wards: Wards) -> None:
    old = await with_calls(wards)
    await disable_plugin(old.platform, "east", ID)
    new = wards.platform_of(installed())
    assert (await plan_upgrade(new, "east", ID)).puts == ()
    await upgrade_plugin(new, "east", ID)
    assert await wards.east.fetch("SELECT 1 FROM core.role WHERE owner_plugin = $1", ID) == []
    audited = await wards.east.fetch(
        "SELECT changes->0->'before'->>'data_version', changes->0->'after'->>'data_version'"
        " FROM core.audit_entry WHERE command = 'plugin.upgrade' ORDER BY sequence"
    )
    assert ("1.0.0", "2.0.0") in [tuple(row) for row in audited]


async def test_a_kind_is_brought_up_to_the_release_and_its_routing_stays_the_tenants(
    wards: Wards,
) -> None:
    await with_calls(wards)
    await wards.east.fetch(
        "UPDATE core.event_kind SET deadline_profile = 'our_own' WHERE owner_plugin = $1", ID
    )
    form = {"type": "object", "title": "走访", "properties": {"found": {"type": "string"}}}
    kind = EventKindDeclaration("ward.finding", "走访所见", "Seen on a call", form_schema=form)
    new = wards.platform_of(installed(replace(TWO, event_kinds=(kind,))))
    planned = (await plan_upgrade(new, "east", ID)).told()["puts"]
    assert [(put["what"], put["name"], put["effect"]) for put in planned] == [
        ("kind", "ward.finding", "changed")
    ]
    assert "+ name: 走访所见" in planned[0]["lines"]
    await upgrade_plugin(new, "east", ID)
    rows = await wards.east.fetch(
        "SELECT name, form_schema->>'title' AS form, deadline_profile FROM core.event_kind"
        " WHERE code = 'ward.finding'"
    )
    assert [tuple(row) for row in rows] == [("走访所见", "走访", "our_own")]
    assert (await plan_upgrade(new, "east", ID)).puts == ()


async def test_an_interrupted_upgrade_goes_on_where_it_stood(wards: Wards) -> None:
    old = await with_calls(wards)
    release, calls = failing_once(after=1)
    new = wards.platform_of(release)
    with pytest.raises(Conflict) as failure:
        await upgrade_plugin(new, "east", ID)
    assert (failure.value.code, failure.value.params["cause"]) == (
        "PLUGIN_UPGRADE_FAILED",
        "RuntimeError",
    )
    counted = "SELECT count(*) FROM ward_book.call_on WHERE words > 0"
    assert await wards.east.value(counted) == 2
    assert [tuple(row) for row in await wards.owner(_STATE)] == [("1.0.0", "2")]

    done = await upgrade_plugin(new, "east", ID)
    assert done.rows == CALLS - 2
    # A batch, the failure, two batches; an empty look, and one more when old code has heard.
    assert len(calls) == 1 + 1 + 2 + 2
    assert await wards.east.value(counted) == CALLS
    assert [tuple(row) for row in await wards.owner(_STATE)] == [("2.0.0", None)]
    assert (await upgrade_plugin(new, "east", ID)).plan.is_empty
    audited = await wards.east.fetch("SELECT changes::text FROM core.audit_entry")
    assert not [row for row in audited if "13900000001" in row[0] or "sk-1" in row[0]]
    await serves_from_now_on(wards, new)
    await is_too_old(old)


async def serves_from_now_on(wards: Wards, new: Platform) -> None:
    """The new code has the plugin for the tenant, with its settings brought along."""
    async with wards.east.seen_by(new).account() as ctx:
        read = ctx.settings_of(BookSettings)
        assert (read.hours, read.gateway_key) == (48, Secret("sk-1"))
        assert f"{ID}.tell" in ctx.registry.jobs


async def is_too_old(old: Ward) -> None:
    """A process that still runs the old code leaves the plugin off and its rows alone."""
    old.platform.forget()
    held = (await old.platform.state("east")).held_back[ID]
    assert (held.state, "2.0.0" in held.reason) == ("outdated", True)
    async with old.account() as ctx:
        with pytest.raises(Refused):
            ctx.settings_of(OldSettings)
    with pytest.raises(Conflict) as newer:
        await upgrade_plugin(old.platform, "east", ID)
    assert newer.value.code == "PLUGIN_DATA_NEWER"


async def test_code_of_before_is_held_back_also_where_the_settings_stay_as_they_are(
    wards: Wards,
) -> None:
    """Otherwise it would write rows as before that nobody looks at any more."""
    old = wards.platform_of(installed(replace(TWO, upgrades=()), "1.9.0"))
    await enable_plugin(old, "east", ID)
    east = wards.east.seen_by(old)
    await east.run("ward.note", topic="before")
    notes: list[str] = []

    async def run(ctx: Context) -> int:
        # The process of before looks at each batch whether it may go on, and does while it may.
        if ID in (await old.state("east")).enabled and len(notes) < CALLS:
            notes.append(f"meanwhile {len(notes)}")
            await asyncio.create_task(east.run("ward.note", topic=notes[-1]), context=Empty())
        return await count_words(ctx)

    release = replace(TWO, upgrades=(DataMigration("2.0.0", run, "count words"),))
    done = await upgrade_plugin(wards.platform_of(installed(release)), "east", ID)
    assert notes
    assert done.rows == 1 + len(notes)
    with pytest.raises(KeyError):
        await east.run("ward.note", topic="after")
    assert await wards.east.value("SELECT count(*) FROM ward_book.call_on WHERE words = 0") == 0
    assert [tuple(row) for row in await wards.owner(_STATE)] == [("2.0.0", None)]


async def test_two_processes_upgrade_at_once_and_each_row_once(wards: Wards) -> None:
    await with_calls(wards)
    first, second = wards.platform_of(installed()), wards.platform_of(installed())
    done = await asyncio.gather(*(upgrade_plugin(each, "east", ID) for each in (first, second)))
    assert sum(each.rows for each in done) == CALLS
    versions = await wards.east.fetch("SELECT DISTINCT version FROM ward_book.call_on")
    assert [row[0] for row in versions] == [2]
    assert [tuple(row) for row in await wards.owner(_STATE)] == [("2.0.0", None)]


async def test_only_tenants_that_have_it_are_upgraded(
    wards: Wards, settings: Settings, jingwei: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await with_calls(wards)
    monkeypatch.setattr("jingwei_core.platform.discover", lambda **_: [installed()])
    planned = json.loads(
        (await jingwei(settings, "plugin", "upgrade", "--all", "--plan", "--json")).out
    )
    assert [each["tenant"] for each in planned["upgraded"]] == ["east"]
    assert await wards.east.value("SELECT max(words) FROM ward_book.call_on") == 0
    done = json.loads((await jingwei(settings, "plugin", "upgrade", "--all", "--json")).out)
    assert [(each["tenant"], each["rows"]) for each in done["upgraded"]] == [("east", CALLS)]
    again = await jingwei(settings, "plugin", "upgrade", "east", ID)
    assert "Everything is up to date" in again.out
    refused = await jingwei(settings, "plugin", "upgrade", "west", ID)
    assert (refused.code, "PLUGIN_NOT_USED" in refused.err) == (1, True)
    with pytest.raises(NotFound):
        await plan_upgrade(wards.platform_of(installed()), "west", ID)


async def test_rows_of_a_plugin_that_everybody_has_are_brought_along_too(wards: Wards) -> None:
    told = msgspec.structs.replace(manifest("1.0.0"), scope=Scope.BOTH)
    old = wards.platform_of(replace(first_release(), manifest=told))
    await enable_everywhere(old, ID)
    for ward in (wards.east, wards.west):
        await ward.fetch(
            "INSERT INTO ward_book.call_on (account, topic) VALUES ($1, 'x')", ward.keeper
        )
    new = wards.platform_of(
        replace(installed(), manifest=msgspec.structs.replace(manifest("2.0.0"), scope=Scope.BOTH))
    )
    for slug in ("east", "west"):
        assert (await new.state(slug)).held_back[ID].state == "not_migrated"

    assert (await upgrade_plugin(new, "east", ID)).rows == 1
    assert ID in (await new.state("east")).enabled
    assert ID not in (await new.state("west")).enabled
    version = "SELECT version FROM platform.plugin_deployment"
    assert [row["version"] for row in await wards.owner(version)] == ["1.0.0"]
    assert [slug for slug, _ in await plugins_in_use(new, plugin_id=ID)] == ["east", "west"]

    assert (await upgrade_plugin(new, "west", ID)).rows == 1
    assert ID in (await new.state("west")).enabled
    # A tenant that comes now has nothing to bring along.
    assert [row["version"] for row in await wards.owner(version)] == ["2.0.0"]
    old.forget()
    assert (await old.state("east")).held_back[ID].state == "outdated"
