"""What a command is about (目标): the row or place that a call names, and the permission there."""

import uuid
from typing import Any

from jingwei_core.commands.lock_order import whole_of
from jingwei_core.commands.shapes import shape_of
from jingwei_core.places.known import KnownPlace
from jingwei_core.reading.guards import own_place
from jingwei_core.reading.sight import Arguments, Present, Sight
from jingwei_core.session import CoreContext
from jingwei_sdk.commands import Command
from jingwei_sdk.errors import Conflict, Denied, Invalid, NotFound
from jingwei_sdk.records import Record
from jingwei_sdk.tables import TenantTable

# Not FOR UPDATE: keys never change, and that would make every reference to the row wait.
_LOCKED = "FOR NO KEY UPDATE OF"


async def target_row(
    ctx: CoreContext, command: Command, row_id: uuid.UUID | None, version: int | None
) -> TenantTable:
    """The row that a command is ``on``, locked; one statement, and one more for a command that
    locks another row before.

    Raises ``NotFound`` (``ROW_NOT_FOUND``): out of sight reads like absent; ``Conflict``
    (``ROW_CHANGED``) when its version is not the one expected; ``Denied``.
    """
    record, sql, values = in_sight(ctx, command, row_id)
    first = whole_of(command)
    if first is not None:
        whole, column = shape_of(first[0]).source, first[1]
        seen = f'SELECT seen."{column}" FROM ({sql}) seen'
        await ctx.unit.fetch(f"SELECT 1 FROM {whole} w WHERE w.id = ({seen}) {_LOCKED} w", *values)
    found = await ctx.unit.fetchrow(f"{sql} {_LOCKED} t", *values)
    is_held = found is not None and found["is_held"]
    row = found and shape_of(record.table).named(found)
    return checked_row(ctx, command, (row, is_held), row_id, version)


def in_sight(
    ctx: CoreContext, command: Command, row_id: uuid.UUID | None, first: int = 1
) -> tuple[Record, str, list[Any]]:
    """The record that a command is ``on``, and the statement that finds the row if it is in sight,
    with its parameters from ``$first`` on.

    Its columns are those of the table, and ``is_held``: whether the permission is held where the
    row lies, which is said of a row that lies where another one does.
    """
    assert command.on is not None
    record, permission = ctx.registry.record(command.on), command.permission
    if row_id is None:
        raise Invalid("INPUT_INVALID", field="id", cause="missing")
    arguments = Arguments(first=first)
    own = arguments.add(row_id, "uuid")
    sight = Sight(Present(ctx), ctx.registry, arguments)
    seen = sight.condition(record, "t")
    asks = permission != record.read and _place_column(record) is None
    held = sight.held(record, "t", permission) if asks else None
    sql = (
        f"SELECT t.*, {held or 'true'} AS is_held FROM {shape_of(record.table).source} t"
        f" WHERE t.id = {own} AND {seen}"
    )
    return record, sql, arguments.values


def checked_row(
    ctx: CoreContext,
    command: Command,
    found: tuple[TenantTable | None, bool],
    row_id: uuid.UUID | None,
    version: int | None,
) -> TenantTable:
    """The row that was found, and whether the permission is held there, if the command may go on
    with it; raises as :func:`target_row` does."""
    row, is_held = found
    assert command.on is not None
    record = ctx.registry.record(command.on)
    if row is None:
        raise NotFound("ROW_NOT_FOUND", field="id", record=record.name, id=str(row_id))
    if version is not None and row.version != version:
        raise Conflict("ROW_CHANGED", record=record.name, id=str(row.id))
    # Where the permission to read is all that is asked, being in sight is having it: the row may be
    # seen as one's own or one's department's, and the handler asks for more.
    if command.permission == record.read:
        return row
    place = _place_column(record)
    if place is not None:
        ctx.require(command.permission, getattr(row, place))
    elif not is_held:
        raise Denied("PERMISSION_DENIED", permission=command.permission)
    return row


def _place_column(record: Record) -> str | None:
    """Where a row lies counts also for a record that is in sight in the whole tenant: who may write
    in one place would write in all of them."""
    at = own_place(record)
    return None if at is None else at.column


async def named_place(
    ctx: CoreContext, command: Command, place_id: uuid.UUID | None
) -> KnownPlace | None:
    """The place that the input names, where the permission must be held.

    A field left out is the handler's to resolve: it checks the place that it finds. Raises
    ``NotFound`` (``PLACE_NOT_FOUND``), ``Denied``.
    """
    if place_id is None:
        return None
    place = await ctx.platform.places.find(ctx.unit, place_id)
    if place is None or not ctx.permissions.allows("place.read", place.path):
        raise NotFound("PLACE_NOT_FOUND", field=command.at, id=str(place_id))
    ctx.require(command.permission, place.path)
    return place
