"""What ``plugin show`` tells is made from the declaration: no contribution can be forgotten."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from piccolo.columns import Text

from jingwei_core.database import Database
from jingwei_core.plugins.description import contributions, description
from jingwei_core.plugins.host import Installed, discover
from jingwei_sdk.channels import Channel, Delivered, Message, Outcome
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.data_rights import CloneRule, DataRights
from jingwei_sdk.demo import Demo
from jingwei_sdk.events import Consumer, EventType
from jingwei_sdk.hook_specs import on_event_transitioned
from jingwei_sdk.indicators import Indicator
from jingwei_sdk.manifest import Manifest, PermissionText, Requirement, RoleText, manifest_schema
from jingwei_sdk.payloads import EventTransition
from jingwei_sdk.plugin import EventKindDeclaration, Job, Plugin
from jingwei_sdk.presence import MapLayer, NavigationItem, PublicForm, PublicPage
from jingwei_sdk.questions import Question
from jingwei_sdk.records import Extension, Record, TenantWide
from jingwei_sdk.reminders import Reminder
from jingwei_sdk.settings import Secret, SettingsOf
from jingwei_sdk.subscriptions import Subscription
from jingwei_sdk.tables import TenantTable
from jingwei_sdk.upgrades import DataMigration
from jingwei_sdk.workflows import DeadlineFile, WorkflowFile
from tests.fixtures.command_line import CommandLine


class Lamp(TenantTable, tablename="lamp", schema="lamps"):
    """A lamp."""

    code = Text()


LAMP = Record(Lamp, read="lamps.read", scope=(TenantWide(),))


class Sent(msgspec.Struct, frozen=True):
    """A payload and an answer."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Settings."""

    days: int = 7
    gateway_key: Secret | None = None


@command("lamps.add", permission="lamps.write", tenant_wide=True)
async def add(ctx: Context) -> Sent:
    """A command."""
    return Sent()


@on_event_transitioned
async def look(ctx: Context, given: EventTransition) -> None:
    """A reaction."""


async def run(ctx: Context, given: Any) -> None:
    """A job, a consumer."""


async def find(ctx: Context) -> Sequence[Any]:
    return ()


async def ask(ctx: Context) -> Sent:
    return Sent()


async def fill(ctx: Context, random: Any) -> int:
    return 0


async def copied(ctx: Context, subject: UUID) -> Mapping[str, Any]:
    return {}


async def erased(ctx: Context, subject: UUID) -> int:
    return 0


async def upgraded(ctx: Context) -> int:
    return 0


async def flare(ctx: Context, message: Message) -> Outcome:
    return Delivered()


async def page(ctx: Context, query: Mapping[str, str]) -> Mapping[str, Any]:
    return {}


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: str


async def taken(ctx: Context, given: Told) -> Mapping[str, Any]:
    return {}


PLUGIN = Plugin(
    id="lamps",
    package="x",
    tables=(Lamp,),
    records=(LAMP,),
    commands=(add,),
    extensions=(Extension("Event"),),
    jobs=(Job("lamps.count", run, schedule="0 3 * * *"),),
    event_kinds=(EventKindDeclaration("city.lamp", "灯", "Lamp"),),
    hooks=(look,),
    hears=frozenset({"city.lamp"}),
    requires=("forms",),
    questions=(Question("dark", Sent, ask, permission="lamps.read"),),
    workflows=(WorkflowFile(Path("workflows/lamp.toml")),),
    deadlines=(DeadlineFile(Path("deadlines.toml")),),
    event_types=(EventType("lamps.lamp_lit.v1", Sent),),
    consumers=(Consumer("lamps.lamp_lit.v1", "counter", Sent, run),),
    reminders=(Reminder("lamps.due", "0 8 * * *", find, "LAMP_DUE"),),
    indicators=(Indicator("lamps.dark", "Lamp", "灭", "Dark", "lamps.read"),),
    settings=SettingsOf(Wanted),
    upgrades=(DataMigration("1.1", upgraded),),
    navigation=(NavigationItem("lamps.list", "灯", "Lamps", "Lamp", "lamps.read"),),
    map_layers=(MapLayer("lamps.layer", "灯", "Lamps", "Lamp", "lamps.read"),),
    public_pages=(PublicPage("dark", "灯", "Lamps", page, "public"),),
    public_forms=(PublicForm("tell", "灯", "Lamps", Told, taken, "public"),),
    demo=Demo(fill),
    data_rights=(DataRights("Account", copied, erased),),
    clone_rules=(CloneRule(Lamp, "copy"),),
    channels=(Channel("flare", "信号灯", "Flare", flare),),
    subscriptions=(Subscription("lamp_changes", LAMP),),
)
TOLD = {
    "id": "lamps",
    "package": "x",
    "tables": ["lamps.lamp"],
    "records": ["Lamp"],
    "commands": ["lamps.add"],
    "extensions": ["Event"],
    "jobs": {"lamps.count": "0 3 * * *"},
    "event_kinds": ["city.lamp"],
    "hooks": ["on_event_transitioned: look"],
    "hears": ["city.lamp"],
    "requires": ["forms"],
    "questions": ["dark"],
    "workflows": ["workflows/lamp.toml"],
    "deadlines": ["deadlines.toml"],
    "event_types": ["lamps.lamp_lit.v1"],
    "consumers": ["counter"],
    "reminders": ["lamps.due"],
    "indicators": ["lamps.dark"],
    "settings": "Wanted, version 1",
    "upgrades": ["1.1"],
    "navigation": ["lamps.list"],
    "map_layers": ["lamps.layer"],
    "public_pages": ["dark"],
    "public_forms": ["tell"],
    "demo": "fill",
    "data_rights": ["Account"],
    "clone_rules": ["lamps.lamp"],
    "channels": ["flare"],
    "subscriptions": ["lamp_changes"],
}


def test_every_field_of_a_declaration_is_told_by_name() -> None:
    told = contributions(PLUGIN)
    fields = [field.name for field in dataclasses.fields(Plugin)]
    assert [name for name in fields if not getattr(PLUGIN, name)] == [], "fill the new field here"
    assert sorted(told) == sorted(fields)
    assert told == TOLD


def test_the_manifest_is_told_and_secrets_by_name_only(tmp_path: Path) -> None:
    (tmp_path / "messages.toml").write_text('[LAMP_DUE]\nzh = "到期"\nen = "Due"\n', "utf-8")
    manifest = Manifest(
        id="lamps",
        version="1.2.0",
        sdk=">=1,<2",
        name_zh="路灯",
        name_en="Lamps",
        description_zh="路灯",
        description_en="Lamps",
        licence="Apache-2.0",
        requires=("forms", Requirement("maps", ">=2", optional=True)),
        permissions=(PermissionText("lamps.read", "查看", "Read"),),
        roles=(RoleText("lamps-keeper", "管理员", "Keeper", ("lamps.read",)),),
    )
    told = description(Installed("lamps", "available", manifest, PLUGIN, tmp_path))
    assert {field.name for field in msgspec.structs.fields(Manifest)} <= told.keys()
    assert told["permissions"] == {"lamps.read": "查看 · Read"}
    assert told["roles"] == {"lamps-keeper": "管理员 · Keeper: lamps.read"}
    assert told["scope"] == "tenant"
    assert told["settings"] == {"days": 7}
    assert told["secrets"] == ["gateway_key"]
    assert told["translations"] == ["LAMP_DUE"]
    assert json.loads(json.dumps(told)) == told


@pytest.mark.parametrize("found", discover(), ids=lambda found: found.id)
def test_what_is_installed_is_told_without_a_bare_object(found: Installed) -> None:
    assert found.plugin is not None
    told = json.dumps(description(found), ensure_ascii=False)
    assert " object at 0x" not in told


async def test_the_command_line_prints_the_schema_of_the_manifest(
    database: Database, jingwei: CommandLine
) -> None:
    told = await jingwei(database.settings, "plugin", "schema")
    assert (told.code, json.loads(told.out)) == (0, json.loads(json.dumps(manifest_schema())))
    told = await jingwei(database.settings, "plugin", "show", "safety-production")
    assert told.code == 0
    assert "safety.hazard.report" in told.out
