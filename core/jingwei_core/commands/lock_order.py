"""Lock order (锁序): commands that lock the row which their own row belongs to before that one.

Whoever changes a part under the lock of its whole has to take the two in one order, or two of them
wait for each other: the whole first, as whoever begins with the whole does.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from jingwei_sdk.commands import Command, declaration
from jingwei_sdk.tables import TenantTable

Handler = TypeVar("Handler", bound=Callable[..., Any])
_WHOLES: dict[str, tuple[type[TenantTable], str]] = {}


def locked_after(whole: type[TenantTable], column: str) -> Callable[[Handler], Handler]:
    """Mark a command: the row of ``whole`` that its row names in ``column`` is locked first, if its
    row is in sight. The reference never changes, or the command has locked another row."""

    def mark(handler: Handler) -> Handler:
        _WHOLES[declaration(handler).name] = (whole, column)
        return handler

    return mark


def whole_of(command: Command) -> tuple[type[TenantTable], str] | None:
    """The table and the column by which a row is locked before the command's own."""
    return _WHOLES.get(command.name)
