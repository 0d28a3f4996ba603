"""The plain executor: graphql-core over rows in memory, as slow and as simple as can be.

Nothing of the reading room and nothing of the API's planner takes part. The types are those of the
product's own schema, told as text and read back, so that none of its resolvers is left.
"""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, TypeAlias

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionSetNode,
    build_schema,
    execute,
    get_directive_values,
    get_named_type,
    parse,
    print_schema,
    specified_scalar_types,
)

from jingwei_api.schema.meanings import QuestionField, meaning_of
from jingwei_api.schema.naming import camel
from jingwei_api.schema.references import reference_targets, relations_of
from jingwei_core.registry import Registry
from jingwei_sdk.records import Computed, Either, Many, One, Record, Relation
from tests.oracle.figures import Figures
from tests.oracle.own_questions import (
    amber,
    area,
    duplicates,
    lacking_actors,
    me,
    place_at,
    queue,
    reports_waiting,
    tasks,
    visits_due,
)
from tests.oracle.pages import (
    Asking,
    Marks,
    Order,
    Page,
    Told,
    decoded,
    global_id,
    id_problems,
)
from tests.oracle.stored import Row
from tests.oracle.viewer import Viewer

MOST_NODES = 100
NARROWED: Mapping[str, tuple[str, Callable[[Viewer], list[Row]]]] = {
    "myQueue": ("Event", queue),
    "myArea": ("Event", area),
    "eventsAmber": ("Event", amber),
    "reportsWaiting": ("EventReportUp", reports_waiting),
    "myTasks": ("EventTask", tasks),
    "visitsDue": ("VisitNeed", partial(visits_due, days_late=0)),
    "overdueVisits": ("VisitNeed", partial(visits_due, days_late=1)),
}
"""Questions that answer a page of rows: of which record, and which of them."""
MEASURES = ("Sum", "Min", "Max", "Avg")
Info: TypeAlias = "GraphQLResolveInfo[Any]"
_SCALAR_METHODS = (
    *("coerce_output_value", "coerce_input_value"),
    *("coerce_input_literal", "value_to_literal"),
)
CURSOR = "\0cursor"
"""How a cursor of the plain executor begins; no text of a database can."""

Work = Callable[[Viewer, Record, str, Computed, Row], Awaitable[Any]]
"""Works out one computed field of one row."""


@dataclass(frozen=True)
class Shown:
    """A row of a record, to be read by its viewer."""

    record: Record
    row: Row


@dataclass(frozen=True)
class Entry:
    """A row with its place in a list."""

    record: Record
    order: Order
    row: Row


@dataclass
class Plain:
    """Executes documents for the viewers of one tenant."""

    schema: GraphQLSchema
    registry: Registry
    work: Work
    _fields: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def run(
        self,
        viewer: Viewer,
        document: str,
        variables: Mapping[str, Any],
        *,
        operation: str | None = None,
        marks: Marks,
    ) -> ExecutionResult:
        """The answer to a valid document; cursors in it begin with :data:`CURSOR`."""
        asked = _Asked(self, viewer, marks)
        found = execute(
            self.schema,
            _parsed(document),
            root_value=_ROOT,
            variable_values=dict(variables),
            operation_name=operation,
            field_resolver=asked.resolve,
            type_resolver=lambda value, info, kind: value.record.name,
        )
        result = await found if isinstance(found, Awaitable) else found
        assert isinstance(result, ExecutionResult)
        return result

    def fields(self, record: Record) -> Mapping[str, str | Relation | tuple[str, Computed]]:
        """What each field of a record's type stands for."""
        known = self._fields.get(record.name)
        if known is None:
            known = {camel(name): name for name in record.columns}
            known |= {
                camel(name): relation
                for name, relation in relations_of(self.registry, record).items()
            }
            known |= {
                camel(name): (name, computed)
                for name, computed in self.registry.computed(record).items()
            }
            self._fields[record.name] = known
        return known


@lru_cache(1024)
def _parsed(document: str) -> DocumentNode:
    """A document that many ask, parsed once."""
    return parse(document)


def measured(info: Info) -> list[str]:
    """The measures that the selection of an aggregate names, at any depth."""
    found: list[str] = []

    def look(kind: Any, selection: SelectionSetNode | None) -> None:
        for node in selection.selections if selection else ():
            if not _is_included(node, info):
                continue
            if isinstance(node, FragmentSpreadNode):
                inside(kind, info.fragments[node.name.value])
            elif isinstance(node, InlineFragmentNode):
                inside(kind, node)
            elif isinstance(node, FieldNode) and node.name.value != "__typename":
                if kind.name.endswith(MEASURES):
                    found.append(node.name.value)
                look(get_named_type(kind.fields[node.name.value].type), node.selection_set)

    def inside(kind: Any, fragment: FragmentDefinitionNode | InlineFragmentNode) -> None:
        condition = fragment.type_condition
        known = info.schema.type_map[condition.name.value] if condition else kind
        look(known, fragment.selection_set)

    for field_node in info.field_nodes:
        look(get_named_type(info.return_type), field_node.selection_set)
    return found


def _is_included(node: Any, info: Info) -> bool:
    skip = get_directive_values(GraphQLSkipDirective, node, info.variable_values)
    include = get_directive_values(GraphQLIncludeDirective, node, info.variable_values)
    return not (skip and skip["if"]) and not (include and not include["if"])


_ROOT = object()


@dataclass
class _Asked:
    """The resolvers of one operation."""

    plain: Plain
    viewer: Viewer
    marks: Marks

    def resolve(self, source: Any, info: Info, **given: Any) -> Any:
        """The field resolver."""
        name = info.field_name
        if isinstance(source, Shown):
            return self._of_row(source, name, given)
        if isinstance(source, Page):
            return self._of_page(source, info, given)
        if isinstance(source, Entry):
            return _cursor(source) if name == "cursor" else Shown(source.record, source.row)
        if isinstance(source, Mapping):
            return self._readable(source[name], given)
        return self._of_root(name, get_named_type(info.return_type).name, given)

    def _readable(self, value: Any, given: Mapping[str, Any]) -> Any:
        """What a source of several parts holds: plain, a row by its record, or a list to cut."""
        return value(self, given) if callable(value) else value

    def _of_root(self, name: str, kind: str, given: Mapping[str, Any]) -> Any:
        if name == "node":
            return self._node(given["id"])
        if name == "nodes":
            return self._nodes(given["ids"])
        if name == "me":
            return me(self.viewer)
        if name == "placeAt":
            return self.by_column("Place", "id", place_at(self.viewer, given))
        if name == "eventDuplicates":
            return duplicates(self.viewer, given)
        if name in NARROWED:
            record, narrowed = NARROWED[name]
            return self.page(record, narrowed(self.viewer), given)
        if name == "eventsLackingActors":
            return self.page("Event", lacking_actors(self.viewer, _place(given)), given)
        records = self.plain.registry.records
        if kind in records:
            return self._single(records[kind], given["id"])
        record = records.get(kind.removesuffix("Connection"))
        return self.page(record.name, None, given) if record else _ROOT

    def _single(self, record: Record, text: str) -> Shown | None:
        problems = id_problems(text, record.name)
        if problems:
            raise Told(*problems)
        return self.by_column(record.name, "id", decoded(text)[1])

    def _node(self, text: str) -> Shown | None:
        if id_problems(text):
            raise Told("ID_INVALID")
        name, row_id = decoded(text)
        return self.by_column(name, "id", row_id) if name in self.plain.registry.records else None

    def _nodes(self, texts: list[str]) -> list[Shown | None]:
        if len(texts) > MOST_NODES:
            raise Told("PAGE_SIZE_INVALID")
        return [self._node(text) for text in texts]

    def by_column(self, name: str, column: str, value: object) -> Shown | None:
        """The row in sight whose column holds a value."""
        record = self.plain.registry.record(name)
        row = self.viewer.find(record, column, value)
        return None if row is None else Shown(record, row)

    def page(self, name: str, rows: list[Row] | None, given: Mapping[str, Any]) -> Page:
        """A page of the rows in sight, or of some of them."""
        record = self.plain.registry.record(name)
        chosen = self.viewer.rows(record) if rows is None else rows
        return Asking(self.viewer, record, chosen, given, self.marks).page()

    def _of_row(self, source: Shown, name: str, given: Mapping[str, Any]) -> Any:
        record, row = source.record, source.row
        if name == "id":
            return global_id(record.name, row["id"])
        what = self.plain.fields(record)[name]
        if isinstance(what, str):
            return self._column(record, row, what)
        if isinstance(what, One):
            return self.by_column(what.record, "id", self.viewer.value(record, row, what.column))
        if isinstance(what, Many):
            target = self.plain.registry.record(what.record)
            named = self.viewer.stored.where(what.record, what.column, row["id"])
            seen = [each for each in named if self.viewer.sees(target, each)]
            return self.page(what.record, seen, given)
        if isinstance(what, tuple):
            return self._computed(record, row, *what)
        if isinstance(what, Either):
            return self._either(record, row, what)
        return self.by_column(what.record, what.column, row["id"])

    def _either(self, record: Record, row: Row, relation: Either) -> Shown | None:
        name = self.viewer.value(record, row, relation.type_column)
        known = relation.records or tuple(self.plain.registry.records)
        if name not in known or name not in self.plain.registry.records:
            return None
        return self.by_column(name, "id", self.viewer.value(record, row, relation.id_column))

    def _column(self, record: Record, row: Row, name: str) -> Any:
        value = self.viewer.value(record, row, name)
        choices = record.column(name)._meta.choices
        if value is not None and isinstance(choices, type):
            return next(
                key
                for key, member in getattr(choices, "__members__", {}).items()
                if member.value == value
            )
        return value

    async def _computed(self, record: Record, row: Row, name: str, computed: Computed) -> Any:
        permission = computed.permission
        if permission and not self.viewer.holds_where(record, row, permission):
            return None
        return await self.plain.work(self.viewer, record, name, computed, row)

    def named(self, record: Record, column: str, value: object) -> Shown | None:
        """The row in sight that a reference column of a record names by a value."""
        targets = reference_targets(self.plain.registry, record)
        return self.by_column(targets[column], "id", value)

    def _of_page(self, page: Page, info: Info, given: Mapping[str, Any]) -> Any:
        name = info.field_name
        entries = [Entry(page.record, page.order, row) for row in page.rows]
        if name == "edges":
            return entries
        if name == "totalCount":
            return len(page.everything)
        if name == "aggregate":
            figures = Figures(self.viewer, page.record, page.everything)
            return figures.told(given, measured(info))
        return {
            "hasNextPage": page.has_next,
            "hasPreviousPage": page.has_previous,
            "startCursor": _cursor(entries[0]) if entries else None,
            "endCursor": _cursor(entries[-1]) if entries else None,
        }


def _place(given: Mapping[str, Any]) -> uuid.UUID | None:
    """The place that a question names; raises ``Told`` for the id of something else."""
    text = given.get("placeId")
    if text is None:
        return None
    problems = id_problems(text, "Place")
    if problems:
        raise Told(*problems)
    return decoded(text)[1]


def _cursor(entry: Entry) -> str:
    order = ",".join(f"{column}:{direction}" for column, direction in entry.order)
    return f"{CURSOR}|{entry.record.name}|{order}|{entry.row['id']}"


def cursor_parts(text: str) -> tuple[str, Order, uuid.UUID]:
    """Record, order and row of a cursor of the plain executor."""
    _, record, order, row = text.split("|")
    pairs = (each.partition(":") for each in order.split(","))
    return record, tuple((column, way) for column, _, way in pairs), uuid.UUID(row)


def plain_schema(original: GraphQLSchema) -> GraphQLSchema:
    """A schema's types without its resolvers, nor questions: functions would be compared with
    themselves; custom scalars are written as it writes them.

    An enum's values are their names, in and out.
    """
    bare = build_schema(print_schema(original))
    assert original.query_type is not None
    assert bare.query_type is not None
    for name, asked in original.query_type.fields.items():
        meaning = meaning_of(asked)
        if isinstance(meaning, QuestionField) and meaning.question.resolve is not None:
            del bare.query_type.fields[name]
    for name, kind in bare.type_map.items():
        if not isinstance(kind, GraphQLScalarType) or name in specified_scalar_types:
            continue
        theirs = original.type_map[name]
        assert isinstance(theirs, GraphQLScalarType)
        for method in _SCALAR_METHODS:
            setattr(kind, method, getattr(theirs, method))
    return bare
