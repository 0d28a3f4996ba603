"""Narrowing (收窄): which rows of a record answer a question, as conditions on its columns.

They become part of the one statement that answers an operation, with what the reader may see in it;
values travel as parameters. Which conditions there are, and truth values in them, is part of the
statement: let that depend on little.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from jingwei_sdk.context import Actor, Permissions, Tenant


@dataclass(frozen=True, slots=True)
class Equal:
    """``column`` has this value."""

    column: str
    value: Any


@dataclass(frozen=True, slots=True)
class OneOf:
    """``column`` has one of these values."""

    column: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class AtLeast:
    """``column`` is not less than this value."""

    column: str
    value: Any


@dataclass(frozen=True, slots=True)
class AtMost:
    """``column`` is not more than this value."""

    column: str
    value: Any


@dataclass(frozen=True, slots=True)
class IsNull:
    """``column`` has no value, or has one."""

    column: str
    is_null: bool = True


@dataclass(frozen=True, slots=True)
class Under:
    """The place path ``column`` lies in one of these subtrees; ``/1/2/`` does not cover
    ``/1/22/``."""

    column: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """SQL of one's own: ``{row}`` is the row, every other name in braces one of ``values``.

    ``Written("length({row}.title) > {most}::integer", {"most": 20})``. It may read tables of the
    package and nothing else.
    """

    sql: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """All conditions of one of these groups hold; no group means never."""

    groups: "tuple[tuple[Condition, ...], ...]"


Condition = Equal | OneOf | AtLeast | AtMost | IsNull | Under | Written | AnyOf


@dataclass(frozen=True, slots=True)
class Narrowed:
    """The rows that answer a question: those in sight that meet all of ``where``.

    ``order`` says which comes first where the question asks for one or for a few; ``figures`` are
    numbers about each row, by the names that the question gives them.
    """

    where: tuple[Condition, ...]
    order: Written | None = None
    figures: Mapping[str, Written] = field(default_factory=dict)


class Asker(Protocol):
    """Who asks, and when. ``rules`` are the tenant's kinds of events and workflows, as the core
    keeps them, for a question that ``needs_rules``."""

    @property
    def tenant(self) -> Tenant:
        """Where."""
        ...

    @property
    def actor(self) -> Actor:
        """Whose account."""
        ...

    @property
    def permissions(self) -> Permissions:
        """What it may do, and where."""
        ...

    @property
    def now(self) -> datetime:
        """When, with its offset."""
        ...

    @property
    def locale(self) -> str:
        """In which language the answer is read."""
        ...

    @property
    def rules(self) -> Any:
        """See above."""
        ...
