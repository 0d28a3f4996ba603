"""Expressions (表达式): calls of database functions with their values, said in either of two ways.

    Expression("core.place_must_be({uuid}, {text})", (place_id, made_by))

Each ``{type}`` stands for the next value. In a message of several statements, which has no
parameters, the values are literals; in a statement of its own they are parameters.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from jingwei_core.database.literals import (
    bytes_literal,
    instant_literal,
    integer_literal,
    interval_literal,
    text_literal,
    texts_literal,
    uuid_literal,
)

_VALUE = re.compile(r"\{([a-z]+[0-9]*(?:\[\])?)\}")
_COLUMNS = 1000
"""Columns of one answer; the server takes 1664."""

_TEXTS = 512
_LITERALS: Mapping[str, Callable[[Any], str]] = {
    "bigint": integer_literal,
    "bytea": bytes_literal,
    "interval": interval_literal,
    "text": text_literal,
    "text[]": texts_literal,
    "timestamptz": instant_literal,
    "uuid": uuid_literal,
}


class Expression(msgspec.Struct, frozen=True, gc=False):
    """An expression without the values, and the values; no text of a caller is in ``text``."""

    text: str
    values: tuple[Any, ...] = ()

    @property
    def literal(self) -> str:
        """With its values as literals.

        Raises ``Invalid`` (``VALUE_UNSTORABLE``) for half a surrogate pair.
        """
        parts = _split(self.text)
        said = [parts[0]]
        for at, value in enumerate(self.values):
            said += (_LITERALS[parts[2 * at + 1]](value), parts[2 * at + 2])
        return "".join(said)


def bound_call(expressions: Sequence[Expression]) -> str:
    """A statement that binds the tenant ``$1`` and works the expressions out in their order; their
    values are its other parameters."""
    return _bound(tuple(expression.text for expression in expressions))


def selects(expressions: Sequence[str]) -> list[str]:
    """Statements that work the expressions out in their order: one, unless they are very many."""
    starts = range(0, len(expressions), _COLUMNS)
    return [f"SELECT {', '.join(expressions[at : at + _COLUMNS])}" for at in starts]


@lru_cache(_TEXTS)
def _bound(texts: tuple[str, ...]) -> str:
    number, said = 1, ["set_config('app.tenant', $1, true)"]
    for text in texts:
        parts = list(_split(text))
        for at in range(1, len(parts), 2):
            number += 1
            parts[at] = f"${number}::{parts[at]}"
        said.append("".join(parts))
    # One list of columns, which are looked at from left to right.
    return f"SELECT {', '.join(said)}"


@lru_cache(_TEXTS)
def _split(text: str) -> tuple[str, ...]:
    """What is between the values, and their types, by turns."""
    return tuple(_VALUE.split(text))
