"""JSON as SQL text (JSON 文本): the pieces from which a statement puts an answer together.

``concat`` over constants and columns is the cheapest way to make JSON in PostgreSQL: it looks types
up once for a statement, where ``json_build_object`` does so for every row and column. Only what
may hold a character that JSON escapes goes through ``to_json``.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

_MOST_ARGUMENTS = 90
"""PostgreSQL takes at most 100 arguments."""


@dataclass(frozen=True, slots=True)
class Text:
    """JSON text that is known already."""

    text: str


@dataclass(frozen=True, slots=True)
class Made:
    """An SQL expression whose text is part of the JSON; it is never null."""

    sql: str


Piece = Text | Made
Pieces = tuple[Piece, ...]
NULL: Pieces = (Text("null"),)


def constant(value: Any) -> Pieces:
    """The JSON of a value that is known already."""
    return (Text(json.dumps(value, ensure_ascii=False, separators=(",", ":"))),)


def made(sql: str) -> Pieces:
    """An expression that is JSON and never null."""
    return (Made(sql),)


def or_null(sql: str) -> Pieces:
    """An expression of type text that is JSON, or null."""
    return (Made(f"coalesce({sql}, 'null')"),)


def member_list(members: Iterable[tuple[str, Pieces]]) -> Pieces:
    """An object's members without the braces."""
    pieces: list[Piece] = []
    for position, (key, value) in enumerate(members):
        comma = "," if position else ""
        pieces += [Text(f"{comma}{json.dumps(key, ensure_ascii=False)}:"), *value]
    return tuple(pieces)


def an_object(members: Iterable[tuple[str, Pieces]]) -> Pieces:
    """A JSON object."""
    return (Text("{"), *member_list(members), Text("}"))


def a_list(entries: Sequence[Pieces]) -> Pieces:
    """A JSON array."""
    pieces: list[Piece] = []
    for position, entry in enumerate(entries):
        pieces += [Text("," if position else ""), *entry]
    return (Text("["), *pieces, Text("]"))


def sql_of(pieces: Pieces) -> str:
    """The pieces as one SQL expression of type text."""
    parts = [
        literal(piece.text) if isinstance(piece, Text) else piece.sql for piece in _joined(pieces)
    ]
    if not parts:
        return "''"
    while len(parts) > _MOST_ARGUMENTS:
        parts = [
            f"concat({', '.join(parts[start : start + _MOST_ARGUMENTS])})"
            for start in range(0, len(parts), _MOST_ARGUMENTS)
        ]
    return f"concat({', '.join(parts)})"


def literal(text: str) -> str:
    """An SQL text constant."""
    return "'" + text.replace("'", "''") + "'"


def _joined(pieces: Pieces) -> list[Piece]:
    """The pieces with neighbouring constants as one."""
    found: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, Text):
            if not piece.text:
                continue
            if found and isinstance(found[-1], Text):
                found[-1] = Text(found[-1].text + piece.text)
                continue
        found.append(piece)
    return found
