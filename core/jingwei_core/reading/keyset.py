"""Keyset paging: signed cursors, and the condition that continues after one."""

import base64
import datetime as dt
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from piccolo.columns import (
    UUID,
    BigInt,
    Boolean,
    Column,
    Date,
    DoublePrecision,
    ForeignKey,
    Integer,
    Real,
    Text,
    Timestamptz,
    Varchar,
)

from jingwei_core.reading.columns import day_json
from jingwei_core.reading.request import MAX_PAGE, Direction, PageRequest
from jingwei_sdk.errors import Invalid
from jingwei_sdk.records import Record

Sort = tuple[tuple[str, Direction], ...]
DEFAULT_PAGE = 20
_KEY_AND_ID = 2
_SEAL = 16
"""Bytes of SHA-256: beyond guessing, and too few to continue the sum without the key."""


class Cursors:
    """Makes and reads the cursors of one tenant, record and order; others are refused.

    A cursor is base64 of a seal and, after it, the row's sort values as a JSON list of texts.
    :func:`cursor_sql` has the database write the very same.
    """

    def __init__(self, secret: bytes, tenant: uuid.UUID, record: Record, sort: Sort) -> None:
        self._record = record
        self._sort = sort
        self._key = cursor_key(secret, tenant, record, sort)

    def write(self, row: Mapping[str, Any]) -> str:
        """The cursor of a row."""
        texts = [_text(row[column]) for column, _ in self._sort]
        said = json.dumps(texts, ensure_ascii=False, separators=(",", ":")).encode()
        return base64.b64encode(self._seal(said) + said).decode()

    def read(self, cursor: str, field: str) -> list[Any]:
        """The sort values in a cursor; raises ``Invalid`` (``CURSOR_INVALID``)."""
        try:
            decoded = base64.b64decode(cursor, validate=True)
            seal, said = decoded[:_SEAL], decoded[_SEAL:]
            if not hmac.compare_digest(seal, self._seal(said)):
                raise ValueError(cursor)
            # The last letters of a base64 text hold bits that mean nothing: several spellings of
            # one cursor would pass. Only the one that was given out does.
            if base64.b64encode(decoded).decode() != cursor:
                raise ValueError(cursor)
            return [
                _value(self._record.column(column), text)
                for (column, _), text in zip(self._sort, json.loads(said), strict=True)
            ]
        except (ValueError, TypeError) as error:
            raise Invalid("CURSOR_INVALID", field=field) from error

    def _seal(self, said: bytes) -> bytes:
        return hashlib.sha256(self._key + said).digest()[:_SEAL]


def cursor_key(secret: bytes, tenant: uuid.UUID, record: Record, sort: Sort) -> bytes:
    """The key that seals the cursors of one tenant, record and order."""
    order = ",".join(f"{column}:{direction}" for column, direction in sort)
    return hmac.digest(secret, f"cursor|{tenant}|{record.name}|{order}".encode(), "sha256")


def cursor_sql(record: Record, sort: Sort, columns: Sequence[str], key: str) -> str:
    """The cursor of a row, written by the database: ``columns`` is the SQL of its sort values,
    ``key`` the placeholder of :func:`cursor_key`."""
    values = [record.column(name) for name, _ in sort]
    texts = [
        _text_sql(column, sql, last=at == len(values) - 1)
        for at, (column, sql) in enumerate(zip(values, columns, strict=True))
    ]
    said = f"concat('[', {', '.join(texts)}, ']')"
    has_letters = any(isinstance(column, (Text, Varchar)) for column in values)
    # The client's encoding is UTF-8 as a rule; what is more than ASCII does not rely on it.
    said = f"convert_to({said}, 'UTF8')" if has_letters else f"textsend({said})"
    sealed = f"substr(sha256({key} || {said}), 1, {_SEAL}) || {said}"
    # PostgreSQL breaks base64 into lines.
    return f"replace(encode({sealed}, 'base64'), E'\\n', '')"


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


Marks = tuple[str | None, ...]
"""Placeholders of sort values; ``None`` for null."""


def stretches_after(record: Record, sort: Sort, marks: Marks, alias: str) -> tuple[str, ...]:
    """The conditions of the rows that follow the row with these sort values.

    Each tells a stretch of the list that lies together in an index of its order; they follow one
    another and have no row in common.
    """
    way = sort[0][1]
    if any(other != way for _, other in sort):
        return (_continue_after(record, sort, marks, alias),)
    beyond = ">" if way == "asc" else "<"
    columns = ", ".join(f'{alias}."{name}"' for name, _ in sort)
    whole = f"({columns}) {beyond} ({', '.join(mark or 'NULL' for mark in marks)})"
    nullable = [name for name, _ in sort if record.column(name)._meta.null]
    if not nullable:
        return (whole,)
    if nullable != [sort[0][0]] or len(sort) > _KEY_AND_ID:
        return (_continue_after(record, sort, marks, alias),)
    column, (mark, last) = f'{alias}."{sort[0][0]}"', marks
    if mark is not None:
        # Nulls are the end of an ascending list; no comparison of rows is true of them.
        return (whole, f"{column} IS NULL") if way == "asc" else (whole,)
    rest = f'{column} IS NULL AND {alias}."{sort[1][0]}" {beyond} {last}'
    return (rest,) if way == "asc" else (rest, f"{column} IS NOT NULL")


def _continue_after(record: Record, sort: Sort, marks: Marks, alias: str) -> str:
    branches: list[str] = []
    equal: list[str] = []
    for (name, direction), mark in zip(sort, marks, strict=True):
        column = f'{alias}."{name}"'
        beyond = _beyond(column, direction, mark)
        if beyond:
            branches.append(" AND ".join([*equal, beyond]))
        equal.append(f"{column} IS NULL" if mark is None else f"{column} = {mark}")
    found = "(" + " OR ".join(f"({branch})" for branch in branches) + ")"
    name, way = sort[0]
    if marks[0] is None or (way == "asc" and record.column(name)._meta.null):
        return found
    # Follows from the rest; it finds its place in an index.
    return f'{alias}."{name}" {">=" if way == "asc" else "<="} {marks[0]} AND {found}'


def _beyond(column: str, direction: Direction, mark: str | None) -> str:
    if mark is None:
        return "" if direction == "asc" else f"{column} IS NOT NULL"
    if direction == "asc":
        return f"({column} > {mark} OR {column} IS NULL)"
    return f"{column} < {mark}"


def _text_sql(column: Column, sql: str, *, last: bool) -> str:
    """A sort value as a JSON text, spelled as :func:`_text` does, as arguments of ``concat``."""
    comma = "" if last else ","
    if isinstance(column, Date):
        text = day_json(sql)
    elif isinstance(column, (Timestamptz, Text, Varchar)):
        text = f"to_json({sql})"
    elif column._meta.null:
        text = f"to_json({sql}::text)"
    else:
        return f"'\"', {sql}::text, '\"{comma}'"
    text = f"coalesce({text}, 'null')" if column._meta.null else text
    return f"{text}, '{comma}'" if comma else text


def instant_text(value: dt.datetime) -> str:
    """An instant in ISO 8601 as PostgreSQL spells it: no zeros at the end of a fraction."""
    text = value.isoformat()
    if value.microsecond == 0:
        return text
    fraction = f"{value.microsecond:06}"
    return text.replace(fraction, fraction.rstrip("0"), 1) if fraction.endswith("0") else text


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, dt.datetime):
        return instant_text(value)
    if isinstance(value, dt.date):
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
    if isinstance(column, (DoublePrecision, Real)):
        return float(text)
    if isinstance(column, (UUID, ForeignKey)):
        return uuid.UUID(text)
    return text
