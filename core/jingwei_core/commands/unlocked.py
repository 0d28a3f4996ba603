"""Commands without a lock (免锁命令): what a row is changed to is worked out before it is locked.

The row that such a command is ``on`` is read like any other read. If the command then needs no
statement but one deferred function, which changes the row only if it still is what was read, the
whole of it is one more message. If it needs more, or the row has changed, it is run anew as every
other command: on the locked row. Nothing was written then.
"""

import uuid
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from jingwei_core.commands.data import UnitData
from jingwei_core.commands.shapes import shape_of
from jingwei_core.commands.targets import checked_row, in_sight
from jingwei_core.database.reading import bound_trip
from jingwei_core.session import CoreContext
from jingwei_sdk.commands import Command, declaration
from jingwei_sdk.context import Context
from jingwei_sdk.tables import TenantTable

Handler = TypeVar("Handler", bound=Callable[..., Any])
_UNLOCKED: set[str] = set()


class NeedsLock(BaseException):
    """The command is to be run on the locked row.

    No ``Exception``: whoever calls plugins keeps their failures from the command, and this is none.
    """


def unlocked(handler: Handler) -> Handler:
    """Mark a command whose handler asks :func:`is_unlocked`, and defers what it writes then."""
    _UNLOCKED.add(declaration(handler).name)
    return handler


def may_be_unlocked(ctx: CoreContext, command: Command) -> bool:
    """Whether the command may begin on a row that is not locked, in this context."""
    return command.name in _UNLOCKED and ctx.unit.is_late and not ctx.unit.has_begun


def is_unlocked(ctx: Context) -> bool:
    """Whether the row that the command is on is not locked: see :class:`NeedsLock`."""
    return isinstance(ctx.data, UnitData) and ctx.data.is_unlocked


def needs_lock() -> None:
    """Raise ``NeedsLock``."""
    raise NeedsLock


async def unlocked_row(
    ctx: CoreContext, command: Command, row_id: uuid.UUID | None, version: int | None
) -> TenantTable:
    """The row as it was committed last; from here on the unit is one message or none.

    Raises as ``target_row`` does.
    """
    record, sql, values = in_sight(ctx, command, row_id, first=2)
    told = await ctx.platform.database.ask(
        ctx.tenant.id, bound_trip(f"SELECT to_json(seen) FROM ({sql}) seen"), values
    )
    found = None if told is None else msgspec.json.decode(told)
    seen = (
        (None, False) if found is None else (shape_of(record.table).told(found), found["is_held"])
    )
    row = checked_row(ctx, command, seen, row_id, version)
    assert isinstance(ctx.data, UnitData)
    ctx.data.is_unlocked = True
    ctx.unit.gives_way = needs_lock
    return row
