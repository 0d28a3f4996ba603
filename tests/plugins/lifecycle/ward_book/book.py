"""The ward book in two versions, as two releases of one package would bring it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import msgspec
from piccolo.columns import Integer, Text

from jingwei_core.plugins.host import Installed
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.data_rights import CloneRule, DataRights
from jingwei_sdk.figures import Rollup
from jingwei_sdk.manifest import Manifest, PermissionText, RoleText
from jingwei_sdk.personal import Mask, Personal, Sensitivity
from jingwei_sdk.plugin import EventKindDeclaration, Job, Plugin
from jingwei_sdk.records import Record, TenantWide
from jingwei_sdk.settings import Secret, SettingsOf
from jingwei_sdk.tables import CoreRef, TenantTable
from jingwei_sdk.upgrades import DataMigration

ID = "ward-book"
PACKAGE = "tests.plugins.lifecycle.ward_book"
READ, WRITE = "ward.read", "ward.write"


class Topic(TenantTable, tablename="topic", schema="ward_book"):
    """What a call may be about: a tenant's configuration."""

    UNIQUE = (("code",),)
    IS_SMALL = True

    code = Text(default=None, null=False)


class CallOn(TenantTable, tablename="call_on", schema="ward_book"):
    """A call on somebody, by an account."""

    INDEXES = (("account",),)
    PERSONAL = {
        "phone": Personal(
            "回访", "calling back", "PIPL art. 13", Sensitivity.GENERAL, "P1Y", mask=Mask.PHONE
        )
    }

    account = CoreRef("Account", null=False)
    topic = Text(default="", null=False)
    phone = Text(default=None, null=True)
    words = Integer(default=0, null=False)


RECORD = Record(
    CallOn,
    read=READ,
    scope=(TenantWide(),),
    name="WardCall",
    dimensions=("topic",),
    rollups=(Rollup(("topic",)),),
)


class OldSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of 1.0."""

    days: Annotated[
        int, msgspec.Meta(ge=1, le=90, description="回访期限（天） · days to call back")
    ] = 7
    key: Annotated[Secret | None, msgspec.Meta(description="网关密钥 · key of the gateway")] = None


class BookSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of 2.0: hours instead of days, the key under a better name."""

    hours: Annotated[
        int, msgspec.Meta(ge=1, le=2160, description="回访期限（小时） · hours to call back")
    ] = 168
    gateway_key: Annotated[
        Secret | None, msgspec.Meta(description="网关密钥 · key of the gateway")
    ] = None


class WardNoted(msgspec.Struct, frozen=True):
    """A call to note."""

    topic: str


class WardShown(msgspec.Struct, frozen=True):
    """What the gateway was told, without its key."""

    has_key: bool
    length: int


@command("ward.note", permission=WRITE, tenant_wide=True)
async def note(ctx: Context, given: WardNoted) -> WardShown:
    """Note a call, and queue the job that tells the gateway."""
    key = ctx.settings_of(BookSettings).gateway_key
    account = ctx.actor.account_id
    assert account is not None
    await ctx.data.insert(CallOn(account=account, topic=given.topic))
    await ctx.signals.enqueue(f"{ID}.tell", {"topic": given.topic})
    return WardShown(key is not None, len(key.reveal()) if key else 0)


async def tell(ctx: Context, payload: Mapping[str, Any]) -> None:
    """A job that needs the key and leaves no trace of it."""
    key = ctx.settings_of(BookSettings).gateway_key
    if key is None:
        raise ValueError("no key")


async def count_words(ctx: Context) -> int:
    """A data migration in batches of two."""
    rows = await ctx.data.find(CallOn, words=0)
    for row in rows[:2]:
        await ctx.data.update(row, words=len(row.topic) + 1)
    return len(rows[:2])


async def export(ctx: Context, account: UUID) -> Mapping[str, Any]:
    """What the book has of an account."""
    return {"calls": [row.topic for row in await ctx.data.find(CallOn, account=account)]}


async def erase(ctx: Context, account: UUID) -> int:
    """Forget an account."""
    rows = await ctx.data.find(CallOn, account=account)
    for row in rows:
        await ctx.data.delete(row)
    return len(rows)


def _from_one(values: dict[str, Any]) -> dict[str, Any]:
    found = {"hours": values["days"] * 24} if "days" in values else {}
    return {**found, **({"gateway_key": values["key"]} if "key" in values else {})}


def manifest(version: str) -> Manifest:
    """The manifest of a release."""
    return Manifest(
        id=ID,
        version=version,
        sdk=">=1.0,<2",
        name_zh="入户簿",
        name_en="Ward book",
        description_zh="入户走访记录",
        description_en="Calls on residents",
        licence="Apache-2.0",
        graphql_prefix="Ward",
        permissions=(
            PermissionText(READ, "查看", "Read"),
            PermissionText(WRITE, "登记", "Write"),
        ),
        roles=(RoleText("ward_keeper", "走访员", "Ward keeper", (READ, WRITE)),),
    )


ONE = Plugin(
    id=ID,
    package=PACKAGE,
    tables=(Topic, CallOn),
    records=(RECORD,),
    event_kinds=(EventKindDeclaration("ward.finding", "走访发现", "Found on a call"),),
    settings=SettingsOf(OldSettings),
    data_rights=(DataRights("Account", export, erase),),
    clone_rules=(CloneRule(CallOn, "skip"),),
)
TWO = replace(
    ONE,
    commands=(note,),
    jobs=(Job(f"{ID}.tell", tell), Job(f"{ID}.daily", tell, schedule="0 8 * * *")),
    settings=SettingsOf(BookSettings, version=2, migrations={1: _from_one}),
    upgrades=(DataMigration("2.0.0", count_words),),
)


def installed(plugin: Plugin = TWO, version: str = "2.0.0") -> Installed:
    """A release as discovery finds it."""
    return Installed(ID, "available", manifest(version), plugin, Path(__file__).parent)


def first_release() -> Installed:
    """Release 1.0.0."""
    return installed(ONE, "1.0.0")
