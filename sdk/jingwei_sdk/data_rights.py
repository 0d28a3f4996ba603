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
PERSON = "Person"
"""The record that stands for a resident (居民) in the core's register."""


@dataclass(frozen=True, slots=True)
class DataRights:
    """How a plugin answers a person whose record ``subject`` (a type name) it refers to.

    ``export(ctx, id)`` answers all it holds about them, by topic, as plain values.
    ``erase(ctx, id)`` removes or pseudonymises it and answers how many rows it changed; what a law
    keeps stays, and the plugin's docs say which. Both run for disabled plugins too.
    ``tables`` are those that the two look at; they may be left out where the plugin holds
    something of persons in one table only.
    """

    subject: str
    export: Callable[[Context, UUID], Awaitable[Mapping[str, Any]]]
    erase: Callable[[Context, UUID], Awaitable[int]]
    tables: tuple[type[TenantTable], ...] = ()


@dataclass(frozen=True, slots=True)
class CloneRule:
    """What ``jingwei tenant clone`` does with the rows of a table; configuration is copied, what
    happened in the city is not. Without a rule rows of ``IS_SMALL`` tables are copied."""

    table: type[TenantTable]
    rows: Literal["copy", "skip"]


def holds_persons(table: type[TenantTable]) -> bool:
    """Whether rows of the table say something of a person: a ``PERSONAL`` column, or a reference
    to an account or a resident."""
    return bool(table.PERSONAL) or any(subjects_in(table).values())


def accounts_in(table: type[TenantTable]) -> list[str]:
    """The columns of the table that refer to an account."""
    return subjects_in(table)[ACCOUNT]


def subjects_in(table: type[TenantTable]) -> dict[str, list[str]]:
    """The columns of the table that refer to somebody of the core's, by their record."""
    references = [column for column in columns_of(table) if isinstance(column, CoreRef)]
    return {
        subject: [column._meta.name for column in references if column.target == subject]
        for subject in (ACCOUNT, PERSON)
    }


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A table that holds something of persons, and the declaration that it lacks: either the
    ``subject`` of a :class:`DataRights` (empty for any), or, with ``None``, a
    :class:`CloneRule`."""

    table: type[TenantTable]
    subject: str | None

    def __str__(self) -> str:
        name = self.table.__name__
        if self.subject is None:
            return f"{name} holds something of persons: declare a CloneRule for it"
        whose = f" of {self.subject}" if self.subject else ""
        return f"{name} holds something of persons: declare data_rights{whose} with it in tables"


def unanswered(
    tables: Iterable[type[TenantTable]],
    rights: Iterable[DataRights],
    rules: Iterable[CloneRule],
) -> Iterator[Unanswered]:
    """What a plugin with these tables leaves open, table by table: rights of the people in it,
    and what becomes of its rows in a copy of the tenant.

    A table that refers to an account is answered for by rights of ``Account``, since that is what
    whoever signs in is asked for by, and one that refers to a resident by rights of ``Person``;
    another by rights of any subject.
    """
    personal = [table for table in tables if holds_persons(table)]
    only = tuple(personal) if len(personal) == 1 else ()
    answered = {(table, each.subject) for each in rights for table in each.tables or only}
    ruled = {rule.table for rule in rules}
    for table in personal:
        for subject in [whose for whose, found in subjects_in(table).items() if found] or [""]:
            if not any(table is one and subject in ("", whose) for one, whose in answered):
                yield Unanswered(table, subject)
        if table not in ruled:
            yield Unanswered(table, None)
