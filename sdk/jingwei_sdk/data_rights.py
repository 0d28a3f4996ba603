"""Rights of the people whose data a plugin holds, and what becomes of its rows in a copy.

个人信息保护法 §45 (a copy for the person), §47 (deletion). A plugin with a table that declares
``PERSONAL`` columns or refers to an account says how it answers; without it is not registered.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from jingwei_sdk.context import Context
from jingwei_sdk.tables import CoreRef, TenantTable, columns_of

ACCOUNT = "Account"
"""The record that stands for a person who signs in."""


@dataclass(frozen=True, slots=True)
class DataRights:
    """How a plugin answers a person whose record ``subject`` (a type name) it refers to.

    ``export(ctx, id)`` answers all it holds about them, by topic, as plain values.
    ``erase(ctx, id)`` removes or pseudonymises it and answers how many rows it changed; what a law
    keeps stays, and the plugin's docs say which. Both run for disabled plugins too.
    """

    subject: str
    export: Callable[[Context, UUID], Awaitable[Mapping[str, Any]]]
    erase: Callable[[Context, UUID], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class CloneRule:
    """What ``jingwei tenant clone`` does with the rows of a table; configuration is copied, what
    happened in the city is not. Without a rule rows of ``IS_SMALL`` tables are copied."""

    table: type[TenantTable]
    rows: Literal["copy", "skip"]


def holds_persons(table: type[TenantTable]) -> bool:
    """Whether rows of the table say something of a person: a ``PERSONAL`` column, or a reference
    to an account."""
    references = (column for column in columns_of(table) if isinstance(column, CoreRef))
    return bool(table.PERSONAL) or any(column.target == ACCOUNT for column in references)


def unanswered(
    tables: Iterable[type[TenantTable]],
    rights: Iterable[DataRights],
    rules: Iterable[CloneRule],
) -> Iterator[str]:
    """What a plugin with these tables leaves open, as sentences for its author: rights of the
    people in them, and what becomes of their rows in a copy of the tenant."""
    personal = [table for table in tables if holds_persons(table)]
    if personal and not list(rights):
        names = ", ".join(table.__name__ for table in personal)
        yield f"{names} holds something of persons: declare data_rights"
    ruled = {rule.table for rule in rules}
    for table in personal:
        if table not in ruled:
            yield f"{table.__name__} holds something of persons: declare a CloneRule for it"
