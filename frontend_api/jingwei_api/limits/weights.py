"""Weights (权重): what each field of one schema costs, worked out from the declarations.

The unit is the reading of one row. ``docs/graphql.md`` tells the numbers to clients.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_composite_type,
)

from jingwei_api.schema.filters import filter_name
from jingwei_api.schema.meanings import (
    BatchField,
    CommandField,
    ComputedField,
    ListField,
    LookupField,
    ManyField,
    OneField,
    QuestionField,
    ToldRelation,
    meaning_of,
)
from jingwei_api.schema.references import Declarations
from jingwei_core.offline.batch import MOST_ACTIONS
from jingwei_sdk.indexes import indexes_of
from jingwei_sdk.questions import MOST_ROWS
from jingwei_sdk.records import Record

ROW = 1
"""A row of a page, or the row that a to-one relation or a look-up names."""
LIST = 2
"""Opening a list, whatever its page."""
COUNT = 10
"""``totalCount``: it looks at every row in sight."""
AGGREGATE = 20
"""Counts and sums: they look at every row in sight; each group of them counts as a row more."""
SEARCH = 10
"""A list narrowed by a search text."""
SCAN = 5
"""A filter or a sort key that no index begins with."""
WORKED = 2
"""A computed field: Python works it out for each row."""
INTROSPECTION = 10
"""``__schema`` or ``__type``; each ten objects that they tell of count one more."""
TOLD_FOR_ONE = 10
COMMAND = 10
"""A mutation: its transaction, its audit entry and its own statements."""
LISTEN = 10
"""A subscription."""

OBJECTS = 20
"""How many objects a list without pages is taken to hold, unless its question says how many rows it
answers at most."""

Kind = Literal["plain", "row", "page", "groups", "ids", "objects", "introspection", "told"]
ROWS = ("edges", "nodes", "groups")
"""Fields of a list or an aggregate that are answered once for each of its rows."""

Columns = Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class Weight:
    """What a field costs each time it is answered, and how its selection multiplies.

    ``filters`` and ``sorts`` say of each filter field and sort key whether an index begins with
    it; ``count`` is how many objects of a schema are told of, or a list without pages holds.
    """

    kind: Kind
    own: int
    type: Any = None
    filters: Columns | None = None
    sorts: Columns | None = None
    count: int = 1


class Weights:
    """The weights of one schema; each field's is worked out when it is first asked for."""

    def __init__(self, schema: GraphQLSchema, declarations: Declarations) -> None:
        self.schema = schema
        self._declarations = declarations
        self._known: dict[tuple[str, str], Weight | None] = {}
        self._indexed: dict[str, tuple[Columns, Columns]] = {}
        self._told = told_of(schema)

    def of(self, parent: Any, name: str) -> Weight | None:
        """The weight of a field; ``None`` for what the type does not have."""
        key = (parent.name if parent is not None else "", name)
        if key not in self._known:
            self._known[key] = self._worked_out(parent, name)
        return self._known[key]

    def is_many(self, kind: Any) -> bool:
        """Whether a type stands for many: a Relay connection, or the groups of an aggregate."""
        return is_connection(kind) or _is_aggregate(kind)

    def root(self, kind: Any) -> int:
        """What each field directly below an operation costs before anything is read."""
        if kind is self.schema.mutation_type:
            return COMMAND
        return LISTEN if kind is self.schema.subscription_type else 0

    def _worked_out(self, parent: Any, name: str) -> Weight | None:
        if name.startswith("__"):
            kind = self.schema.get_type({"__schema": "__Schema", "__type": "__Type"}.get(name, ""))
            return Weight("introspection", INTROSPECTION, kind) if kind else Weight("plain", 0)
        if not isinstance(parent, (GraphQLObjectType, GraphQLInterfaceType)):
            return None
        field = parent.fields.get(name)
        if field is None:
            return None
        own = self._declared(field, parent)
        kind = get_named_type(field.type)
        if parent.name.startswith("__"):
            is_told = is_composite_type(kind)
            count = self._told.get(name, 1)
            return Weight("told" if is_told else "plain", 0, kind, count=count)
        if _is_aggregate(kind):
            return Weight("groups", own + AGGREGATE, kind)
        if self.is_many(parent):
            return Weight("plain", own + (COUNT if name == "totalCount" else 0), kind)
        if not is_composite_type(kind):
            return Weight("plain", own, kind)
        if is_connection(kind):
            filters, sorts = self._columns(kind.name.removesuffix("Connection"))
            return Weight("page", own + LIST, kind, filters, sorts)
        if name == "node" and "cursor" in parent.fields:
            return Weight("plain", own, kind)  # its row is counted with its edge
        return self._object(field, own, kind)

    def _object(self, field: Any, own: int, kind: Any) -> Weight:
        is_row = kind.name in self._declarations.records or kind.name == "Node"
        if isinstance(get_nullable_type(field.type), GraphQLList):
            if "ids" in field.args:
                return Weight("ids", own, kind)
            return Weight("objects", own, kind, count=_most_of(meaning_of(field)))
        return Weight("row", own + ROW, kind) if is_row else Weight("plain", own, kind)

    def _declared(self, field: GraphQLField, parent: Any) -> int:
        """What the declaration behind a field says that it costs."""
        meaning = meaning_of(field)
        if isinstance(meaning, CommandField):
            return self.root(parent) if meaning.command.cost is None else meaning.command.cost
        if isinstance(meaning, BatchField):
            return MOST_ACTIONS * COMMAND
        own = self.root(parent)
        if isinstance(meaning, QuestionField):
            own += meaning.question.cost
        elif isinstance(meaning, (ListField, LookupField)):
            own += meaning.record.cost
        elif isinstance(meaning, (OneField, ManyField, ToldRelation)):
            own += self._declarations.records[meaning.relation.record].cost
        elif isinstance(meaning, ComputedField):
            record = self._declarations.records[parent.name]
            computed = self._declarations.computed(record)[meaning.name]
            own += WORKED if computed.cost is None else computed.cost
        return own

    def _columns(self, type_name: str) -> tuple[Columns, Columns]:
        record = self._declarations.records.get(type_name)
        if record is None:
            return {}, {}
        if type_name not in self._indexed:
            led = indexed(record)
            self._indexed[type_name] = (
                {filter_name(record, column): column in led for column in record.filters},
                {column.upper(): column in led for column in record.sort},
            )
        return self._indexed[type_name]


def _most_of(meaning: Any) -> int:
    """How many entries a list without pages has at most, or is taken to have."""
    if not isinstance(meaning, QuestionField):
        return OBJECTS
    question = meaning.question
    if question.about is not None:
        return question.about.most
    return MOST_ROWS if isinstance(question.answers, Record) else OBJECTS


def is_connection(kind: Any) -> bool:
    """Whether a type is a Relay connection."""
    return isinstance(kind, GraphQLObjectType) and {"edges", "pageInfo"} <= set(kind.fields)


def _is_aggregate(kind: Any) -> bool:
    return isinstance(kind, GraphQLObjectType) and {"groups", "count"} <= set(kind.fields)


def indexed(record: Record) -> frozenset[str]:
    """The columns of a record that an index begins with, behind the tenant."""
    return frozenset({"id"} | {key[0] for key in indexes_of(record) if key})


def told_of(schema: GraphQLSchema) -> Mapping[str, int]:
    """How many objects a list of introspection holds on the average, by the field's name."""
    kinds = [kind for kind in schema.type_map.values() if not kind.name.startswith("__")]
    fields = [field for kind in kinds for field in getattr(kind, "fields", {}).values()]
    totals = {
        "fields": len(fields),
        "inputFields": len(fields),
        "enumValues": sum(len(getattr(kind, "values", ())) for kind in kinds),
        "possibleTypes": len(kinds),
        "interfaces": sum(len(getattr(kind, "interfaces", ())) for kind in kinds),
    }
    found = {name: math.ceil(total / len(kinds)) for name, total in totals.items()}
    arguments = sum(len(getattr(field, "args", ())) for field in fields)
    found["args"] = math.ceil(arguments / max(len(fields), 1))
    return {**found, "types": len(kinds), "directives": len(schema.directives)}
