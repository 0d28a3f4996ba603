"""Literals (字面量): values in the text of a statement, for messages that carry no parameters.

A message of several statements is one round trip and has no parameters. Each value is written in
an alphabet that cannot end a literal: digits, letters of hexadecimal, and the few signs of a UUID
or an instant. No text of a caller appears as it is, whatever the session says about backslashes.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from jingwei_sdk.errors import Invalid

_MICROSECOND = timedelta(microseconds=1)


def text_literal(text: str | None) -> str:
    """A text; raises ``Invalid`` (``VALUE_UNSTORABLE``) for half a surrogate pair."""
    if text is None:
        return "NULL::text"
    try:
        return f"convert_from({bytes_literal(text.encode())},'UTF8')"
    except UnicodeEncodeError as error:
        raise Invalid("VALUE_UNSTORABLE") from error


def bytes_literal(data: bytes) -> str:
    """A ``bytea``."""
    return f"decode('{data.hex()}','hex')"


def uuid_literal(value: UUID | None) -> str:
    """A ``uuid``; made of a number, so that nothing else can come in its place."""
    return "NULL::uuid" if value is None else f"'{UUID(int=value.int)}'::uuid"


def integer_literal(value: int) -> str:
    """A ``bigint``."""
    return f"({int(value):d})::bigint"


def interval_literal(value: timedelta) -> str:
    """An ``interval``, exact to the microsecond."""
    return f"({value // _MICROSECOND:d} * interval '1 microsecond')"


def instant_literal(value: datetime) -> str:
    """A ``timestamptz``; ``value`` is aware."""
    return f"'{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}+00'::timestamptz"


def texts_literal(texts: Iterable[str]) -> str:
    """A ``text[]``."""
    return f"ARRAY[{','.join(text_literal(text) for text in texts)}]::text[]"
