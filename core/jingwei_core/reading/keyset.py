"""Keyset paging: signed cursors, and the condition that continues after one."""

import datetime as dt
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from itsdangerous import BadData, URLSafeSerializer
from piccolo.columns import UUID, BigInt, Boolean, Date, Integer, Timestamptz

from jingwei_core.reading.request import MAX_PAGE, Direction, PageRequest
from jingwei_core.reading.sight import Arguments
from jingwei_sdk.errors import Invalid
from jingwei_sdk.records import Record

Sort = tuple[tuple[str, Direction], ...]
DEFAULT_PAGE = 20


class Cursors:
    """Makes and reads the cursors of one tenant, record and order; others are refused."""

    def __init__(self, secret: bytes, tenant: uuid.UUID, record: Record, sort: Sort) -> None:
        order = ",".join(f"{column}:{direction}" for column, direction in sort)
        self._record = record
        self._sort = sort
        self._signer = URLSafeSerializer(secret, salt=f"cursor|{tenant}|{record.name}|{order}")

    def write(self, row: Mapping[str, Any]) -> str:
        """The cursor of a row."""
        return str(self._signer.dumps([_text(row[column]) for column, _ in self._sort]))

    def read(self, cursor: str, field: str) -> list[Any]:
        """The sort values in a cursor; raises ``Invalid`` (``CURSOR_INVALID``)."""
        try:
            texts = self._signer.loads(cursor)
            # The last letter of a base64 text holds bits that mean nothing: two spellings of one
            # cursor would pass. Only the one that was given out does.
            if self._signer.dumps(texts) != cursor:
                raise BadData(cursor)
            return [
                _value(self._record.column(column), text)
                for (column, _), text in zip(self._sort, texts, strict=True)
            ]
        except (BadData, ValueError, TypeError) as error:
            raise Invalid("CURSOR_INVALID", field=field) from error


def full_sort(record: Record, sort: Sort) -> Sort:
    """The order with the record's default and the id as the last tie-break.

    Raises ``Invalid`` (``SORT_UNKNOWN``) for a column that the record does not offer.
    """
    for column, _ in sort:
        if column not in record.sort:
            raise Invalid("SORT_UNKNOWN", field="orderBy", column=column)
    chosen = sort or ((record.sort[0], "desc" if record.sort[0] == "created_at" else "asc"),)
    last: Direction = chosen[-1][1]
    return (*chosen, ("id", last))


def page_size(page: PageRequest) -> tuple[int, bool]:
    """How many rows, and whether the page runs backwards.

    Raises ``Invalid`` (``PAGE_SIZE_INVALID``, ``PAGE_BOTH_WAYS``).
    """
    if (page.first is not None or page.after) and (page.last is not None or page.before):
        raise Invalid("PAGE_BOTH_WAYS", field="first")
    backwards = page.last is not None or page.before is not None
    size = page.last if backwards else page.first
    field = "last" if backwards else "first"
    if size is None:
        size = DEFAULT_PAGE
    if not 0 <= size <= MAX_PAGE:
        raise Invalid("PAGE_SIZE_INVALID", field=field, size=size, limit=MAX_PAGE)
    return size, backwards


def reverse(sort: Sort) -> Sort:
    """The opposite order."""
    return tuple((column, "asc" if way == "desc" else "desc") for column, way in sort)


def order_by(sort: Sort, alias: str) -> str:
    """The ORDER BY list: NULL comes last ascending and first descending, PostgreSQL's default."""
    return ", ".join(f'{alias}."{column}" {direction}' for column, direction in sort)


def continue_after(sort: Sort, values: Sequence[Any], alias: str, arguments: Arguments) -> str:
    """The condition of the rows that follow ``values`` in the order ``sort``."""
    branches: list[str] = []
    equal: list[str] = []
    for position, ((name, direction), value) in enumerate(zip(sort, values, strict=True)):
        column = f'{alias}."{name}"'
        beyond = _beyond(column, direction, value, arguments)
        if beyond:
            branches.append(" AND ".join([*equal, beyond]))
        if position < len(sort) - 1:  # an argument that no branch uses is refused by the server
            same = f"{column} IS NULL" if value is None else f"{column} = {arguments.add(value)}"
            equal.append(same)
    return "(" + " OR ".join(f"({branch})" for branch in branches) + ")"


def _beyond(column: str, direction: Direction, value: object, arguments: Arguments) -> str:
    if value is None:
        return "" if direction == "asc" else f"{column} IS NOT NULL"
    if direction == "asc":
        return f"({column} > {arguments.add(value)} OR {column} IS NULL)"
    return f"{column} < {arguments.add(value)}"


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, (dt.datetime, dt.date)):
        return value.isoformat()
    return json.dumps(value) if isinstance(value, (int, bool)) else str(value)


def _value(column: Any, text: str | None) -> Any:
    if text is None:
        return None
    if isinstance(column, Timestamptz):
        return dt.datetime.fromisoformat(text)
    if isinstance(column, Date):
        return dt.date.fromisoformat(text)
    if isinstance(column, (Integer, BigInt, Boolean)):
        return json.loads(text)
    if isinstance(column, UUID):
        return uuid.UUID(text)
    return text
