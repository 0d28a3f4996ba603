"""Plugins made by number, each with three tables, to be served beside one another in any set."""

import types
from collections.abc import Sequence
from typing import Any

import msgspec
from piccolo.columns import Integer, Text

from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.records import AtPlace, Computed, Extension, Many, Record
from jingwei_sdk.tables import CoreRef, PlacedTable, TenantFK, choice


def generated(number: int, beside: int | None = None, extends: str = "Event") -> Plugin:
    """A plugin of its own names; it refers to the first record of the plugin ``beside``, which may
    be absent, and adds a relation and a computed field to the record ``extends``."""
    stem, schema = f"Made{number}", f"made{number}"
    first = _table(f"{stem}Thing", schema, event=CoreRef(extends, null=True), count=Integer())
    other = f"Made{number if beside is None else beside}Thing"
    second = _table(f"{stem}Part", schema, thing=TenantFK(first), other=CoreRef(other, null=True))
    third = _table(f"{stem}Note", schema, level=choice(_levels(stem), None, null=True))
    things = _record(first, ("name", "event", "count"), measures=("count",))
    records = (things, _record(second, ("other", "thing")), _record(third, ("level",)))
    return Plugin(
        id=schema,
        package=schema,
        tables=(first, second, third),
        records=records,
        commands=(_command(stem, things),),
        extensions=(
            Extension(
                extends,
                relations={f"{schema}_things": Many(f"{stem}Thing", "event")},
                computed={f"{schema}_count": _counted(schema)},
            ),
        ),
    )


def _counted(schema: str) -> Computed:
    async def count(ctx: Context, rows: Sequence[Any]) -> list[int]:
        return [len(rows) for _ in rows]

    return Computed(int, ("id",), count, permission=f"{schema}.read")


def _table(name: str, schema: str, **columns: Any) -> type[PlacedTable]:
    body = {"name": Text(), **columns, "__module__": __name__, "__doc__": f"What {name} is."}
    found: type[PlacedTable] = types.new_class(
        name,
        (PlacedTable,),
        {"tablename": name.lower(), "schema": schema},
        lambda ns: ns.update(body),
    )
    return found


def _record(table: type[PlacedTable], dimensions: tuple[str, ...], **told: Any) -> Record:
    return Record(
        table,
        read=f"{table._meta.schema}.read",
        scope=(AtPlace(),),
        filters=("name", "created_at"),
        sort=("name", "created_at"),
        dimensions=dimensions,
        **told,
    )


def _levels(stem: str) -> Any:
    import enum

    return enum.Enum(f"{stem}Level", {"LOW": "low", "HIGH": "high"}, module=__name__)


def _command(stem: str, record: Record) -> Any:
    given = msgspec.defstruct(f"{stem}Detail", [("text", str)], frozen=True)
    told = msgspec.defstruct(f"{stem}Given", [("name", str), ("details", list[given], [])])  # type: ignore[valid-type]

    async def make(ctx: Context, given: Any) -> Any:
        """Make a thing."""

    make.__annotations__ = {"ctx": Context, "given": told, "return": record.table}
    permission = f"{stem.lower()}.write"
    return command(f"{stem.lower()}.make", permission=permission, tenant_wide=True, returns=record)(
        make
    )
