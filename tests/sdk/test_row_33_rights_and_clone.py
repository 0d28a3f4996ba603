"""Row 33: tenant clone and personal-data export and erase, mandatory for plugins that own tables.

A person's copy and its erasure go over the core and every plugin, those that are off among them;
a cloned tenant has the configuration and nobody's data.
"""

import json
import stat
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from jingwei_core.database.security_rules import table_key
from jingwei_core.plugins.conformance import objection
from jingwei_core.plugins.host import Installed, discover
from jingwei_core.plugins.switching import Switching, disable_plugin, enable_plugin
from jingwei_core.plugins.tenant_settings import SettingsChange
from jingwei_core.privacy.subject import erase_subject, export_subject
from jingwei_core.settings import Settings
from jingwei_core.tables import core_tables
from jingwei_core.tenants.cloning import clone_tenant
from jingwei_sdk.context import Context
from jingwei_sdk.data_rights import CloneRule, DataRights, holds_persons
from jingwei_sdk.errors import Conflict, Invalid, NotFound
from jingwei_sdk.settings import Secret
from jingwei_sdk.tables import CoreRef, TenantTable
from tests.fixtures.command_line import CommandLine
from tests.plugins.lifecycle.ward_book.book import (
    ID,
    TWO,
    BookSettings,
    CallOn,
    erase,
    export,
    installed,
    manifest,
)
from tests.plugins.lifecycle.world import Ward, Wards

PHONE = "13900000001"
_TABLES = (
    "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables"
    " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
)
WORDS = ("east keeper", PHONE, "reason-33", "note-33", "number-33")
"""What the east keeper said, or others said of them."""


async def stored(wards: Wards, tenant: object = None) -> dict[str, list[str]]:
    """Every row of every table with a tenant, of one tenant if it is said."""
    found = {}
    async with wards.database.owner() as unit:
        for table in await unit.fetch(_TABLES):
            name = table["name"]
            rows = await unit.fetch(
                f"SELECT t::text AS line FROM {name} t"
                " WHERE $1::text IS NULL OR to_jsonb(t) ->> 'tenant_id' = $1 ORDER BY 1",
                None if tenant is None else str(tenant),
            )
            found[name] = [row["line"] for row in rows]
    return found


async def noted(ward: Ward) -> None:
    """The book on, with a call by the keeper, and off again."""
    asked = Switching(SettingsChange({"hours": 5}, {"gateway_key": Secret("sk-33")}))
    await enable_plugin(ward.platform, ward.tenant.slug, ID, asked)
    await ward.run("ward.note", topic="lift")
    await ward.fetch("UPDATE ward_book.call_on SET phone = '13700000007'")
    await ward.fetch("INSERT INTO ward_book.topic (code) VALUES ('lift')")


async def away(ward: Ward) -> None:
    """The keeper certified, on duty, and away for a reason of their own."""
    who, since = (ward.keeper, ward.place), "now() - interval '1 day', now() + interval '1 day'"
    await ward.fetch(
        "INSERT INTO core.leave (account, place_id, kind, begins_at, ends_at, asked_until,"
        " substitute, reason, state, decision_note)"
        f" VALUES ($1, $2, 'sick', {since}, now(), $1, 'reason-33', 'approved', 'note-33')",
        *who,
    )
    await ward.fetch(
        "INSERT INTO core.certificate (account, kind, number, issuer, valid_from)"
        " VALUES ($1, 'enforcement', 'number-33', 'i', '2026-01-01')",
        ward.keeper,
    )
    await ward.fetch(
        "INSERT INTO core.duty_shift (account, place_id, duty, begins_at, ends_at)"
        f" VALUES ($1, $2, 'night', {since})",
        *who,
    )


def test_a_plugin_that_keeps_something_of_persons_must_answer_for_it() -> None:
    told = manifest("2.0.0")
    assert objection(TWO, told) == ""
    silent = objection(replace(TWO, data_rights=()), told)
    unsaid = "{} holds something of persons: declare data_rights of Account with it in tables"
    assert silent == unsaid.format("CallOn")
    without_rule = objection(replace(TWO, clone_rules=()), told)
    assert without_rule == "CallOn holds something of persons: declare a CloneRule for it"
    # SDK 0.1 had no way to say so.
    old = msgspec.structs.replace(told, sdk=">=0.1,<1")
    assert objection(replace(TWO, data_rights=(), clone_rules=()), old) == ""


def test_rights_of_one_table_do_not_speak_for_another() -> None:
    """Each table of persons is named by rights that look at it, and by a rule for copies."""
    told = manifest("2.0.0")

    class Visitor(TenantTable, tablename="visitor", schema="ward_book"):
        account = CoreRef("Account", null=False)

    both = replace(
        TWO,
        tables=(*TWO.tables, Visitor),
        clone_rules=(*TWO.clone_rules, CloneRule(Visitor, "skip")),
    )
    unsaid = "{} holds something of persons: declare data_rights of Account with it in tables"
    cases: list[tuple[tuple[DataRights, ...], str]] = [
        # What spoke for the only table speaks for neither of two.
        (TWO.data_rights, "CallOn"),
        ((replace(TWO.data_rights[0], tables=(CallOn,)),), "Visitor"),
        # A row of one's own does not lead from an account to the rows that refer to it.
        (
            (
                replace(TWO.data_rights[0], tables=(CallOn,)),
                DataRights("WardVisitor", export, erase, (Visitor,)),
            ),
            "Visitor",
        ),
        ((replace(TWO.data_rights[0], tables=(CallOn, Visitor)),), ""),
    ]
    for rights, silent in cases:
        expected = unsaid.format(silent) if silent else ""
        assert objection(replace(both, data_rights=rights), told) == expected


@pytest.mark.commit
async def test_a_copy_and_an_erasure_go_over_plugins_that_are_off(wards: Wards) -> None:
    east, west, platform = wards.east, wards.west, wards.east.platform
    await noted(east)
    await noted(west)
    await away(east)
    await disable_plugin(platform, "east", ID)
    neighbour = await stored(wards, west.tenant.id)

    copy = (await export_subject(platform, "east", "keeper")).told()
    assert copy["packages"]["core"]["account"][0]["phone"] == PHONE
    assert copy["packages"]["core"]["posts"][0]["role"] == "all"
    assert copy["packages"][ID] == {"calls": ["lift"]}
    (leave,) = copy["packages"]["core"]["leaves"]
    assert (leave["reason"], leave["decision_note"]) == ("reason-33", "note-33")
    assert copy["packages"]["core"]["certificates"][0]["number"] == "number-33"
    assert copy["packages"]["core"]["duty_shifts"][0]["duty"] == "night"
    assert "west keeper" not in json.dumps(copy)

    erased = await erase_subject(platform, "east", "keeper")
    assert erased[ID] == 1
    assert erased["core"] == 5
    left = await stored(wards, east.tenant.id)
    evidence = {"core.audit_entry", "core.event_step"}
    assert [
        name
        for name, rows in left.items()
        if name not in evidence and any(word in row for row in rows for word in WORDS)
    ] == []
    assert left["ward_book.call_on"] == []
    # The log says that it was done, and quotes nothing.
    audited = await east.fetch(
        "SELECT command, changes::text FROM core.audit_entry ORDER BY sequence DESC LIMIT 2"
    )
    assert [row[0] for row in audited] == ["privacy.erase", "privacy.export"]
    assert not [row for row in audited if PHONE in row[1] or "keeper" in row[1] or "lift" in row[1]]
    with pytest.raises(NotFound) as gone:
        await export_subject(platform, "east", "keeper")
    assert gone.value.code == "ACCOUNT_UNKNOWN"
    assert await stored(wards, west.tenant.id) == neighbour


@pytest.mark.commit
async def test_what_a_plugin_refuses_erases_nothing(wards: Wards) -> None:
    await noted(wards.east)

    async def refuses(ctx: object, account: object) -> int:
        raise Conflict("WARD_CALL_RUNNING")

    stubborn = replace(TWO, data_rights=(DataRights("Account", export, refuses),))
    other = wards.platform_of(Installed(ID, "available", manifest("2.0.0"), stubborn))
    before = await stored(wards)
    with pytest.raises(Conflict):
        await erase_subject(other, "east", "keeper")
    assert await stored(wards) == before
    # Nor can anybody answer for tables whose plugin is not there.
    without = wards.platform_of()
    with pytest.raises(Conflict) as refusal:
        await erase_subject(without, "east", "keeper")
    assert refusal.value.code == "SUBJECT_CODE_MISSING"
    assert refusal.value.params["tables"] == "ward_book.call_on, ward_book.topic"
    assert await stored(wards) == before
    assert erase is not refuses


@pytest.mark.commit
async def test_people_without_an_account_have_the_same_rights(wards: Wards) -> None:
    """Whom a plugin keeps in a record of its own: asked for by the id of the row."""
    await noted(wards.east)
    rows = await wards.east.fetch("SELECT id FROM ward_book.call_on")
    row = rows[0]["id"]

    async def copied(ctx: Context, call: UUID) -> dict[str, object]:
        return {"phone": (await ctx.data.get(CallOn, call)).phone}

    async def forgotten(ctx: Context, call: UUID) -> int:
        await ctx.data.update(await ctx.data.lock(CallOn, call), phone="")
        return 1

    rights = (*TWO.data_rights, DataRights("WardCall", copied, forgotten))
    book = Installed(ID, "available", manifest("2.0.0"), replace(TWO, data_rights=rights))
    platform = wards.platform_of(book)
    copy = await export_subject(platform, "east", str(row), record="WardCall")
    assert copy.told()["packages"] == {ID: {"phone": "13700000007"}}
    before = await stored(wards)
    unknown = (
        (str(row), "WardBed", "SUBJECT_UNKNOWN"),
        ("lift", "WardCall", "SUBJECT_UNKNOWN"),
        (str(UUID(int=7)), "WardCall", "ROW_NOT_FOUND"),
    )
    for who, record, code in unknown:
        with pytest.raises(NotFound) as refusal:
            await erase_subject(platform, "east", who, record=record)
        assert refusal.value.code == code
    assert await stored(wards) == before
    assert await erase_subject(platform, "east", str(row), record="WardCall") == {ID: 1}
    left = await wards.east.fetch("SELECT phone FROM ward_book.call_on")
    assert [each["phone"] for each in left] == [""]


@pytest.mark.commit
async def test_a_clone_has_the_configuration_and_nobody(wards: Wards) -> None:
    east, platform = wards.east, wards.east.platform
    await noted(east)
    source = await stored(wards, east.tenant.id)

    done = await clone_tenant(platform, "east", "north", "北区")

    assert await stored(wards, east.tenant.id) == source
    state = await platform.state("north")
    assert (state.tenant.name, state.enabled, done.left_out) == ("北区", {ID}, ())
    new = await stored(wards, done.tenant)
    for table in [*core_tables(), *TWO.tables]:
        if holds_persons(table) and table_key(table) != ("core", "audit_entry"):
            assert new[".".join(table_key(table))] == [], table
    for name in ("core.place", "core.role", "core.event_kind", "ward_book.topic"):
        assert len(new[name]) == len(source[name]) > 0
    assert [row for rows in new.values() for row in rows if "east keeper" in row] == []
    assert json.loads(
        (await wards.owner("SELECT changes FROM core.audit_entry WHERE command = 'tenant.clone'"))[
            0
        ]["changes"]
    )[0]["after"] == {"of": "east"}
    await works_by_itself(wards)
    assert await stored(wards, east.tenant.id) == source


@pytest.mark.commit
async def test_a_clone_has_the_configuration_of_what_is_on_for_everybody(wards: Wards) -> None:
    """Such a plugin has no row of the tenant's own that would speak of it."""
    await wards.owner(
        "INSERT INTO platform.plugin_deployment (plugin_id, enabled, version)"
        " VALUES ($1, true, '2.0.0')",
        ID,
    )
    await wards.east.fetch("INSERT INTO ward_book.topic (code) VALUES ('lift')")

    done = await clone_tenant(wards.east.platform, "east", "north", "北区")

    new = await stored(wards, done.tenant)
    assert len(new["ward_book.topic"]) == done.rows["ward_book.topic"] == 1
    assert done.left_out == ()


@pytest.mark.commit
async def test_what_is_on_in_a_clone_hears_that_it_was_switched_on(wards: Wards) -> None:
    """As in any tenant: what a plugin prepares for its start cannot be left to a copy."""
    platform = wards.east.platform
    # Its workflow wants somebody who may take its steps.
    await wards.east.fetch("UPDATE core.role SET permissions = permissions || '{event.*}'")
    await enable_plugin(platform, "east", ID)
    await enable_plugin(platform, "east", "safety-production")
    await enable_plugin(platform, "west", ID)

    done = await clone_tenant(platform, "east", "north", "北区")

    queued = await wards.owner(
        "SELECT entrypoint, convert_from(payload, 'UTF8')::jsonb #>> '{}' AS given"
        " FROM jobs.pgqueuer WHERE tenant_id = $1 ORDER BY id",
        done.tenant,
    )
    told = [(row["entrypoint"], json.loads(row["given"])) for row in queued]
    hosted = {found.id: found.manifest for found in platform.host.installed() if found.manifest}
    # Only the one has ears for it, and it is told of both.
    assert told == [
        (
            "core.plugin-reaction",
            {
                "plugin": "safety-production",
                "hook": "on_plugin_enabled",
                "given": {"plugin": plugin, "version": hosted[plugin].version, "before": None},
            },
        )
        for plugin in ("safety-production", ID)
    ]


async def works_by_itself(wards: Wards) -> None:
    """The clone's secret is its own, and what happens there stays there."""
    keeper = await north_keeper(wards)
    async with keeper.account() as ctx:
        assert ctx.settings_of(BookSettings) == BookSettings(hours=5, gateway_key=Secret("sk-33"))
    sealed = await wards.owner(
        "SELECT DISTINCT sealed ->> 'gateway_key' AS text FROM platform.plugin_state"
    )
    assert len(sealed) == 2
    await keeper.run("ward.note", topic="roof")
    assert await keeper.value("SELECT count(*) FROM ward_book.call_on") == 1


@pytest.mark.commit
async def test_a_clone_that_cannot_be_named_so_leaves_nothing(wards: Wards) -> None:
    for slug, error, code in (
        ("west", Conflict, "TENANT_SLUG_TAKEN"),
        ("North County", Invalid, "TENANT_SLUG"),
    ):
        before = await stored(wards)
        with pytest.raises(error) as refusal:
            await clone_tenant(wards.east.platform, "east", slug, "x")
        assert refusal.value.code == code
        assert await stored(wards) == before


async def north_keeper(wards: Wards) -> Ward:
    """An account in the cloned tenant, with the role that came along."""
    platform = wards.east.platform
    tenant = (await platform.state("north")).tenant
    north = Ward(platform, tenant, wards.east.keeper, wards.east.place)
    north.keeper = await north.value(
        "INSERT INTO core.account (login, name) VALUES ('n', 'north') RETURNING id"
    )
    await north.fetch(
        "INSERT INTO core.post (account, role, place_id, valid_from)"
        " SELECT $1, r.id, p.id, now() - interval '1 day' FROM core.role r, core.place p"
        " WHERE r.code = 'all'",
        north.keeper,
    )
    return north


@pytest.mark.commit
async def test_the_command_line_does_all_three(
    wards: Wards,
    settings: Settings,
    jingwei: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr("jingwei_core.platform.discover", lambda **_: [*discover(), installed()])
    await noted(wards.east)
    file = tmp_path / "copy.json"
    told = await jingwei(settings, "privacy", "export", "east", "keeper", "--out", str(file))
    assert (told.code, PHONE in told.out) == (0, False)
    assert json.loads(file.read_text())["packages"][ID] == {"calls": ["lift"]}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    cloned = await jingwei(settings, "tenant", "clone", "east", "north", "--json")
    assert json.loads(cloned.out)["plugins"] == [ID]
    assert (await jingwei(settings, "privacy", "erase", "east", "keeper")).code == 2
    erased = await jingwei(settings, "privacy", "erase", "east", "keeper", "--yes", "--json")
    assert json.loads(erased.out)["erased"][ID] == 1
