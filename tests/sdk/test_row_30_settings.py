"""Row 30: typed settings, secrets marked, per tenant; a secret never leaves; versions migrate.

A secret is planted and looked for everywhere that anybody could see it: the database as the
operators dump it, the audit log, what commands and the command line answer, GraphQL, job payloads,
the log, the context.
"""

import io
import json
import logging
import pickle
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any, cast

import msgspec
import pytest
import structlog
from pydantic import SecretStr

from jingwei_api.execution.errors import ErrorTexts
from jingwei_api.execution.executor import Executor
from jingwei_api.execution.operation import Caller, Document, Runtime
from jingwei_api.settings import ApiSettings
from jingwei_core.contribution import core_contribution
from jingwei_core.plugins.host import PluginHost, discover
from jingwei_core.plugins.sealing import Place, Vault
from jingwei_core.plugins.switching import (
    Switching,
    configure_plugin,
    enable_plugin,
    switch_audited,
)
from jingwei_core.plugins.tenant_settings import SettingsChange
from jingwei_core.session import Identity, Request
from jingwei_core.settings import Settings
from jingwei_sdk.errors import Invalid, Refused
from jingwei_sdk.settings import Secret, SettingsOf
from tests.fixtures.command_line import CommandLine
from tests.plugins.lifecycle.ward_book.book import (
    ID,
    BookSettings,
    OldSettings,
    first_release,
    installed,
)
from tests.plugins.lifecycle.world import Ward, Wards
from tests.servers.databases import environment

PLANTED = "sk-planted-7f3a9c"

pytestmark = pytest.mark.commit


def change(secret: str = "", **values: object) -> Switching:
    secrets = {"gateway_key": Secret(secret)} if secret else {}
    return Switching(SettingsChange(values, secrets))


async def everything_stored(wards: Wards) -> str:
    """Each row of each table of every schema, as text."""
    tables = await wards.owner(
        "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    )
    found = []
    for table in tables:
        found += await wards.owner(f"SELECT t::text AS line FROM {table['name']} t")
    payloads = await wards.owner("SELECT convert_from(payload, 'UTF8') AS line FROM jobs.pgqueuer")
    return "\n".join(row["line"] for row in (*found, *payloads))


async def asked_of_graphql(ward: Ward, text: str) -> str:
    """The whole answer to a document."""
    runtime = Runtime(ward.platform, cast(Any, None), cast(Any, None))
    executor = Executor(runtime, ApiSettings(), ErrorTexts(ward.platform.catalogue))
    caller = Caller(ward.tenant, Identity(ward.keeper, 0), Request("zh", "test"))
    return str((await executor.run(caller, Document(text, {}))).body)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged, at every level."""
    written, kept = io.StringIO(), structlog.get_config()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        logger_factory=structlog.PrintLoggerFactory(written),
    )
    yield written
    structlog.configure(**kept)


async def test_a_secret_is_read_by_the_code_it_is_for_and_shown_nowhere(
    wards: Wards, log: io.StringIO
) -> None:
    east = wards.east
    done = await enable_plugin(east.platform, "east", ID, change(PLANTED, hours=12))
    answer = await east.run("ward.note", topic="lift")
    in_graphql = await asked_of_graphql(
        east,
        'mutation { wardNote(idempotencyKey: "k", input: {topic: "stairs"})'
        " { result { hasKey length } } }",
    )
    names = await asked_of_graphql(east, "{ __schema { types { name fields { name } } } }")
    with pytest.raises(Invalid) as refusal:
        await configure_plugin(east.platform, "east", ID, change(PLANTED, hours=0))
    async with east.account() as ctx:
        read = ctx.settings_of(BookSettings)
        shown = ctx.settings[ID]
        seen = [repr(ctx), repr(read), str(read), repr(ctx.typed_settings), repr(done)]

    assert (read.hours, read.gateway_key) == (12, Secret(PLANTED))
    assert answer.values == {"has_key": True, "length": len(PLANTED)}
    assert shown == {"hours": 12}
    assert f"'hasKey': True, 'length': {len(PLANTED)}" in in_graphql
    told = [
        *seen,
        in_graphql,
        names,
        str(answer),
        str(refusal.value),
        json.dumps(dict(shown)),
        log.getvalue(),
    ]
    told.append(await everything_stored(wards))
    assert not [text for text in told if PLANTED in text]
    assert "gatewayKey" not in names


async def test_whoever_serialises_a_secret_gets_an_error_and_no_text(wards: Wards) -> None:
    await enable_plugin(wards.east.platform, "east", ID, change(PLANTED))
    async with wards.east.account() as ctx:
        read = ctx.settings_of(BookSettings)
        with pytest.raises(Invalid) as refusal:
            await ctx.signals.enqueue(f"{ID}.tell", {"key": read.gateway_key})
    assert refusal.value.code == "JOB_PAYLOAD_UNFIT"
    for spill in (msgspec.json.encode, msgspec.to_builtins, json.dumps, pickle.dumps):
        with pytest.raises(TypeError):
            spill(read)
    assert await wards.owner("SELECT 1 FROM jobs.pgqueuer") == []


async def test_the_audit_log_names_secrets_and_quotes_none(wards: Wards) -> None:
    await enable_plugin(wards.east.platform, "east", ID, change(PLANTED, hours=12))
    audited = await wards.east.value(
        "SELECT c->'after' FROM core.audit_entry, jsonb_array_elements(changes) c"
        " WHERE command = 'plugin.enable' AND c->>'table' = 'plugin_state'"
    )
    assert json.loads(audited) | {"version": None, "data_version": None} == {
        "plugin": ID,
        "enabled": True,
        "version": None,
        "data_version": None,
        "settings": {"hours": 12},
        "secrets": ["gateway_key"],
    }


async def test_a_sealed_secret_opens_for_its_tenant_plugin_and_name_only(
    wards: Wards, settings: Settings
) -> None:
    east, west = wards.east, wards.west
    await enable_plugin(east.platform, "east", ID, change(PLANTED))
    await enable_plugin(east.platform, "west", ID, change("another"))
    await wards.owner(
        "UPDATE platform.plugin_state SET sealed = (SELECT sealed FROM platform.plugin_state"
        " WHERE tenant_id = $1) WHERE tenant_id = $2",
        east.tenant.id,
        west.tenant.id,
    )
    east.platform.forget()
    async with west.account() as ctx:
        assert ctx.settings[ID] == {}
        with pytest.raises(Refused) as refusal:
            ctx.settings_of(BookSettings)
    assert refusal.value.code == "SECRET_SEALED_ELSEWHERE"
    # Nothing else is changed on top of it; whoever sets it anew, as the refusal says, has it again.
    with pytest.raises(Refused):
        await configure_plugin(east.platform, "west", ID, change(hours=3))
    row = await configure_plugin(east.platform, "west", ID, change("set anew", hours=3))
    assert row.settings.values == {"hours": 3}
    async with west.account() as ctx:
        assert ctx.settings_of(BookSettings).gateway_key == Secret("set anew")
    # The same texts in a deployment with another secret.
    vault = Vault(settings)
    place = Place(east.tenant.id, ID, "gateway_key")
    sealed = vault.seal(place, Secret(PLANTED))
    assert PLANTED not in sealed
    assert vault.seal(place, Secret(PLANTED)) != sealed
    assert vault.open(place, sealed).reveal() == PLANTED
    other = Vault(
        settings.model_copy(
            update={"secret_key": SecretStr("another secret of another deployment")}
        )
    )
    for opener, where in ((other, place), (vault, Place(None, ID, "gateway_key"))):
        with pytest.raises(Refused):
            opener.open(where, sealed)


async def test_settings_of_an_older_version_are_brought_along(wards: Wards) -> None:
    old = wards.platform_of(first_release())
    asked = Switching(SettingsChange({"days": 3}, {"key": Secret(PLANTED)}))
    await enable_plugin(old, "east", ID, asked)
    old_ward = wards.east.seen_by(old)
    async with old_ward.account() as ctx:
        assert ctx.settings_of(OldSettings).days == 3

    # The new code reads them before anybody has stored them anew …
    # The declarations of 2.0 under a number that has no data migration to run.
    new = wards.platform_of(installed(version="1.0.0"))
    async with wards.east.seen_by(new).account() as ctx:
        assert ctx.settings_of(BookSettings) == BookSettings(hours=72, gateway_key=Secret(PLANTED))
    # … and storing them is one step that keeps the secret under its new name.
    row = await configure_plugin(new, "east", ID, change())
    assert (row.settings.version, row.settings.values) == (2, {"hours": 72})
    assert list(row.settings.sealed) == ["gateway_key"]

    # Code that is older than the settings neither serves the plugin to this tenant nor writes.
    before = await wards.owner("SELECT p::text FROM platform.plugin_state p")
    old.forget()
    state = await old.state("east")
    assert ID not in state.enabled
    assert "SETTINGS_NEWER" in state.held_back[ID].reason
    with pytest.raises(Refused) as refusal:
        await configure_plugin(old, "east", ID, Switching(SettingsChange({"days": 1})))
    assert refusal.value.code == "SETTINGS_NEWER"
    assert await wards.owner("SELECT p::text FROM platform.plugin_state p") == before


@pytest.mark.parametrize(
    ("asked", "code", "field"),
    [
        (change(hours=0), "PLUGIN_SETTINGS", "hours"),
        (change(hours="ten"), "PLUGIN_SETTINGS", "hours"),
        (change(colour="red"), "PLUGIN_SETTINGS", "colour"),
        (change(gateway_key=PLANTED), "PLUGIN_SETTING_SECRET", "gateway_key"),
        (
            Switching(SettingsChange(secrets={"hours": Secret("3")})),
            "PLUGIN_SETTING_SECRET",
            "hours",
        ),
    ],
)
async def test_what_does_not_fit_changes_nothing(
    wards: Wards, asked: Switching, code: str, field: str
) -> None:
    platform = wards.east.platform
    await enable_plugin(platform, "east", ID, change(PLANTED, hours=5))
    before = await wards.owner("SELECT p::text FROM platform.plugin_state p")
    with pytest.raises(Invalid) as refusal:
        await configure_plugin(platform, "east", ID, asked)
    assert (refusal.value.code, refusal.value.field) == (code, field)
    assert PLANTED not in str(refusal.value)
    assert await wards.owner("SELECT p::text FROM platform.plugin_state p") == before


async def test_the_command_line_takes_a_secret_unseen(
    wards: Wards, settings: Settings, jingwei: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [*discover(), installed()]
    monkeypatch.setattr("jingwei_core.platform.discover", lambda **_: found)
    host = PluginHost(core_contribution(), found)
    assert host.get(ID).state == "available"
    words = ("plugin", "enable", "east", ID, "--set", "hours=9", "--secret", "gateway_key")
    for more in ((), ("--json",)):
        told = await jingwei(settings, *words, *more, typed=f"{PLANTED}\n")
        assert told.code == 0, told.err
        assert PLANTED not in told.out + told.err
    assert json.loads(told.out)["secrets"] == ["gateway_key"]
    shown = await jingwei(settings, "plugin", "configure", "east", ID)
    assert "gateway_key = ***" in shown.out
    on_the_line = await jingwei(
        settings, "plugin", "configure", "east", ID, "--secret", f"gateway_key={PLANTED}"
    )
    assert on_the_line.code == 2
    assert PLANTED not in on_the_line.out + on_the_line.err
    for command in (("plugin", "show", ID), ("plugin", "list", "--tenant", "east")):
        told = await jingwei(settings, *command)
        assert PLANTED not in told.out + told.err
    assert PLANTED not in json.dumps(environment(settings))
    wards.east.platform.forget()
    async with wards.east.account() as ctx:
        assert ctx.settings_of(BookSettings).gateway_key == Secret(PLANTED)


async def test_settings_of_sdk_0_1_keep_working(wards: Wards) -> None:
    """A JSON Schema in the manifest instead of a struct; its defaults fill what is not set."""
    days = {"type": "integer", "minimum": 1, "default": 15}
    schema = {"type": "object", "properties": {"general": days, "major": days}}
    release = first_release()
    assert release.plugin is not None
    assert release.manifest is not None
    old = replace(
        release,
        plugin=replace(release.plugin, settings=None),
        manifest=msgspec.structs.replace(release.manifest, settings=schema),
    )
    east = wards.east.seen_by(wards.platform_of(old))
    stored = await switch_audited(east.platform, "east", ID, enabled=True, settings={"major": 2})
    assert stored == {"major": 2}
    async with east.account() as ctx:
        assert ctx.settings[ID] == {"general": 15, "major": 2}


def test_a_declaration_that_could_leak_or_fail_is_refused() -> None:
    class Inner(msgspec.Struct):
        key: Secret | None = None

    class Deep(msgspec.Struct):
        inner: list[Inner] = []

    class Needed(msgspec.Struct):
        days: int

    class Fine(msgspec.Struct):
        days: int = 1
        key: Annotated[Secret | None, msgspec.Meta(description="密钥 · a key")] = None

    assert SettingsOf(Fine).secrets == {"key"}

    for schema, version in ((Deep, 1), (Needed, 1), (Fine, 2)):
        with pytest.raises(Refused) as refusal:
            SettingsOf(schema, version=version)
        assert refusal.value.code == "SETTINGS_DECLARATION"
