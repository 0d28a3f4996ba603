"""What a caller asks of the reader, and what comes back."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Operator = Literal["eq", "in", "gte", "gt", "lte", "lt", "is_null", "starts_with"]
Direction = Literal["asc", "desc"]
MAX_PAGE = 100


@dataclass(frozen=True, slots=True)
class Condition:
    """``column op value``; ``in`` takes a sequence, ``is_null`` a bool."""

    column: str
    op: Operator
    value: Any


@dataclass(frozen=True, slots=True)
class AnyCondition:
    """True when one of its groups holds in full; used by queues such as 我的待办."""

    groups: tuple[tuple["Condition | PathCondition", ...], ...]


@dataclass(frozen=True, slots=True)
class PathCondition:
    """The path ``column`` lies in one of the subtrees ``prefixes``; none means never."""

    column: str
    prefixes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Relay paging: ``first``/``after`` forwards or ``last``/``before`` backwards."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """Which rows of a record, in which order, and which page of them."""

    where: tuple[Condition | AnyCondition | PathCondition, ...] = ()
    search: str | None = None
    under: uuid.UUID | None = None
    sort: tuple[tuple[str, Direction], ...] = ()
    page: PageRequest = PageRequest()


@dataclass(frozen=True, slots=True)
class Edge:
    """A row with the cursor that continues after (or before) it."""

    cursor: str
    row: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Connection:
    """A page of rows."""

    edges: tuple[Edge, ...]
    has_next: bool
    has_previous: bool


EMPTY = Connection((), has_next=False, has_previous=False)
