"""Meanings (字段含义): what each field of the schema stands for, as the planner reads it.

A field of a type is answered by planning what it means into a statement, not by a function that is
called for each object; so a field says what it is and nothing about how it is fetched.
"""

from dataclasses import dataclass
from typing import Any, Literal

from graphql import GraphQLField

from jingwei_core.reading.selection import Flag, PagePart
from jingwei_sdk.commands import Command
from jingwei_sdk.questions import Question
from jingwei_sdk.records import Either, Many, One, Opposite, Record
from jingwei_sdk.subscriptions import Subscription

# fields of a row


@dataclass(frozen=True, slots=True)
class IdField:
    """The row's global id."""


@dataclass(frozen=True, slots=True)
class ColumnField:
    """A readable column."""

    name: str


@dataclass(frozen=True, slots=True)
class MaskedField:
    """A personal column as its mask shows it."""

    name: str


@dataclass(frozen=True, slots=True)
class MaskedPart:
    """A part of a masked value."""

    flag: Flag


@dataclass(frozen=True, slots=True)
class ComputedField:
    """Worked out in Python for a batch of rows."""

    name: str


@dataclass(frozen=True, slots=True)
class OneField:
    """The row that a reference names, or the one row that names this one."""

    relation: One | Opposite


@dataclass(frozen=True, slots=True)
class EitherField:
    """The row of one of several records."""

    relation: Either


@dataclass(frozen=True, slots=True)
class ManyField:
    """A connection over the rows that name this one."""

    relation: Many


# parts of a connection


@dataclass(frozen=True, slots=True)
class EdgesField:
    """The rows of the page with their cursors."""


@dataclass(frozen=True, slots=True)
class PageInfoField:
    """Where the page lies."""


@dataclass(frozen=True, slots=True)
class CountField:
    """How many rows there are on all pages."""


@dataclass(frozen=True, slots=True)
class CursorField:
    """An edge's cursor."""


@dataclass(frozen=True, slots=True)
class EdgeNodeField:
    """An edge's row."""


@dataclass(frozen=True, slots=True)
class PageInfoPart:
    """A part of the page information."""

    part: PagePart


# questions


@dataclass(frozen=True, slots=True, eq=False)
class ListField:
    """A connection over all rows of a record in sight."""

    record: Record


@dataclass(frozen=True, slots=True, eq=False)
class LookupField:
    """One row of a record by its global id."""

    record: Record


@dataclass(frozen=True, slots=True)
class NodeField:
    """One row of any record by its global id."""


@dataclass(frozen=True, slots=True)
class NodesField:
    """Rows of any records by their global ids."""


@dataclass(frozen=True, slots=True)
class SpaceField:
    """A plugin's namespace."""


@dataclass(frozen=True, slots=True, eq=False)
class QuestionField:
    """The answer to a question of the package ``owner``."""

    question: Question
    owner: str

    def reads(self, argument: str) -> bool:
        """Whether the package's own function reads an argument, and no statement."""
        given = self.question.input
        return given is not None and argument in given.__struct_fields__


@dataclass(frozen=True, slots=True)
class ToldRelation:
    """The row, or a connection over the rows, that what a question tells leads to."""

    relation: One | Many


@dataclass(frozen=True, slots=True)
class AboutPart:
    """A part of what a question tells of a row: the row itself, or the figure of this name."""

    name: str
    is_row: bool


# commands and what they answer


@dataclass(frozen=True, slots=True, eq=False)
class CommandField:
    """Runs a command."""

    command: Command


@dataclass(frozen=True, slots=True)
class BatchField:
    """Runs what a device did offline, command by command."""


@dataclass(frozen=True, slots=True)
class PayloadRow:
    """The row after the command."""

    record: str


@dataclass(frozen=True, slots=True)
class PayloadValue:
    """The plain answer of the command."""


@dataclass(frozen=True, slots=True)
class PayloadReplayed:
    """Whether the command had been done before."""


@dataclass(frozen=True, slots=True)
class StructPart:
    """A field of a plain answer; ``told`` turns its value into what the client reads."""

    name: str
    told: Any


# subscriptions


@dataclass(frozen=True, slots=True, eq=False)
class ChangesField:
    """A stream of changes in the caller's area."""

    subscription: Subscription


@dataclass(frozen=True, slots=True)
class ChangePart:
    """A part of a change."""

    part: Literal["record", "id", "node", "at"]


# what every object has, and what the schema tells about itself


@dataclass(frozen=True, slots=True)
class TypenameField:
    """``__typename``."""


@dataclass(frozen=True, slots=True)
class IntrospectionField:
    """``__schema`` and ``__type``."""


Meaning = Any
"""One of the classes above, or one that another part of the schema adds with its planner."""


def meaning_of(field: GraphQLField) -> Meaning | None:
    """What a field means; ``None`` for those of introspection."""
    return getattr(field, "meaning", None)
