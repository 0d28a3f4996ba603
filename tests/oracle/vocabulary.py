"""What may be asked for: values that are stored, values that are not, and odd ones."""

import enum
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from graphql import GraphQLSchema

from jingwei_api.schema.references import reference_targets
from jingwei_core.registry import Registry
from tests.oracle.odd import UNKNOWN_TEXTS
from tests.oracle.pages import column_of, global_id
from tests.oracle.stored import Stored

UNKNOWN = uuid.UUID("12345678-1234-4234-8234-123456789abc")
NO_IDS = (
    "",
    "x",
    "RXZlbnQ6",
    "5",
    "RXZlbnQ6MTIzNDU2NzgtMTIzNC00MjM0LTgyMzQtMTIzNDU2Nzg5YWJ=",
    "事件",
)
GENERAL: Mapping[str, Sequence[Any]] = {
    "Boolean": (False, True),
    "Int": (0, 1, 5, -1, 2**31 - 1, -(2**31)),
    "Float": (0, 0.5, -1.25, 111.25, 1e300),
    "Long": (0, 1, 2**53 - 1, -(2**53 - 1), 1_112_100_000),
    "String": UNKNOWN_TEXTS,
    "DateTime": (
        "2026-06-15T04:30:00Z",
        "2026-06-15T12:30:00.1+08:00",
        "2026-06-14T15:59:59.12+00:00",
        "1970-01-01T00:00:00Z",
        "9999-12-31T00:00:00-12:00",
        "0001-01-02T00:00:00Z",
    ),
    "Date": ("2026-06-15", "9999-12-31", "0001-01-01", "2024-02-29"),
    "UUID": (str(UNKNOWN),),
    "ID": (*NO_IDS, global_id("Event", UNKNOWN), global_id("Nothing", UNKNOWN)),
    "JSON": (None, 1, "一", {}),
}


class Name(str):
    """An enum's value: a bare name in a document, a text among variables."""

    __slots__ = ()


@dataclass(frozen=True, repr=False)
class Vocabulary:
    """The values of one tenant's fields, as a client would write them."""

    schema: GraphQLSchema
    registry: Registry
    stored: Mapping[tuple[str, str], Sequence[Any]]
    ids: Mapping[str, Sequence[str]]
    logins: Sequence[str]

    @classmethod
    def of(
        cls, schema: GraphQLSchema, registry: Registry, mine: Stored, logins: Iterable[str]
    ) -> "Vocabulary":
        """The vocabulary of a tenant."""
        stored: dict[tuple[str, str], Sequence[Any]] = {}
        for name, record in registry.records.items():
            targets = {**reference_targets(registry, record), "id": name}
            for column in {*record.filters, record.search} - {None}:
                assert column is not None
                values = {row[column] for row in mine.rows[name]} - {None}
                choices = record.column(column)._meta.choices
                stored[name, column] = sorted(
                    {_told(value, choices, targets.get(column)) for value in values}, key=str
                )
        ids = {name: [global_id(name, each) for each in ids] for name, ids in mine.ids.items()}
        return cls(schema, registry, stored, ids, sorted(logins))

    def of_field(self, record: str, field: str) -> Sequence[Any]:
        """What is stored in the column that a field of a filter is about."""
        declared = self.registry.record(record)
        return self.stored[record, column_of(declared, field)]


def _told(value: Any, choices: Any, target: str | None) -> Any:
    if isinstance(value, uuid.UUID):
        return global_id(target, value) if target else str(value)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(choices, type) and issubclass(choices, enum.Enum):
        return Name(choices(value).name)
    return value
