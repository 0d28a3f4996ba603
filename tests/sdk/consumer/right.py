"""A plugin as a stranger writes it: every declaration once, nothing silenced."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from piccolo.columns import Integer, Text

from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict
from jingwei_sdk.hook_specs import before_event_transition, on_event_transitioned
from jingwei_sdk.hooks import EventTransition, Veto
from jingwei_sdk.plugin import Job, Plugin
from jingwei_sdk.records import AtPlace, Computed, Record, row_id
from jingwei_sdk.tables import CoreRef, PlacedTable, TenantTable


class Lamp(PlacedTable, tablename="lamp", schema="consumer"):
    """A street lamp."""

    code = Text(default=None, null=False)
    watts = Integer(default=0, null=False)
    event = CoreRef("Event", null=True)


async def label(ctx: Context, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """One label a row."""
    known = await ctx.records.many(ctx, "Lamp", [row_id(row) for row in rows])
    return [f"{row['code']} of {len(known)}" for row in rows]


LAMP = Record(
    Lamp,
    read="consumer.lamp.read",
    scope=(AtPlace(),),
    filters=("code",),
    computed={"label": Computed(str, ("id", "code"), label, permission="consumer.lamp.read")},
)


class NewLamp(msgspec.Struct, frozen=True):
    """What is given."""

    code: str
    place_id: str
    watts: int = 0


@command("consumer.lamp.add", permission="consumer.lamp.write", at="place_id", returns=LAMP)
async def add(ctx: Context, new: NewLamp) -> Lamp:
    """Add a lamp."""
    if await ctx.data.find(Lamp, code=new.code):
        raise Conflict("CONSUMER_LAMP_EXISTS", field="code")
    return await ctx.data.insert(Lamp(code=new.code, watts=new.watts))


@before_event_transition
def veto(ctx: Context, given: EventTransition) -> Veto | None:
    """A hook may be sync."""
    return Veto("CONSUMER_NOT_YET") if given.is_final else None


@on_event_transitioned
async def follow(ctx: Context, given: EventTransition) -> None:
    """Or async."""
    await ctx.signals.enqueue("consumer.count", {"event": str(given.event_id)})


async def count(ctx: Context, payload: Mapping[str, Any]) -> None:
    """A job."""
    lamps: list[Lamp] = await ctx.data.find(Lamp)
    await ctx.data.fetchval("SELECT $1::int", len(lamps))


TABLES: tuple[type[TenantTable], ...] = (Lamp,)
plugin = Plugin(
    id="consumer",
    package="consumer",
    tables=TABLES,
    records=(LAMP,),
    commands=(add,),
    jobs=(Job("consumer.count", count, schedule="0 8 * * *"),),
    hooks=(veto, follow),
)
