"""Generated reading attempts: every way the schema offers to a row, aimed at planted rows.

An attempt is one field of ``Query`` as it is written; several go into one document under aliases,
which is an attack of its own: what is refused alone must be refused in company.
"""

import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import product
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_required_argument,
)

from tests.leak.figures import brief, figures
from tests.leak.judge import global_id
from tests.leak.planting_people import NUMBERS
from tests.leak.surface import (
    Name,
    arguments,
    connection,
    deep,
    node_of,
    query_paths,
    record_types,
    shallow,
    within,
)
from tests.leak.world import Planted, World

POSITION = {"lon": 111.3, "lat": 30.69, "crs": "EPSG:4490"}
TOLD = {**POSITION, "kindCode": "canary.leaf", "code": "safety.open-hazards"}
TOLD |= {"ledger": "canary", "first": 100, "most": 100, "ofAll": True}
TOLD |= {"documentType": Name("PASSPORT"), "documentNumber": NUMBERS["far"]}
TOLD |= {"documentCountry": "CHN"}
NARROWED = (
    "my",
    "reportsWaiting",
    "eventsLackingActors",
    "eventsAmber",
    "visitsDue",
    "overdueVisits",
)
"""Questions that answer some of the rows in sight: which, is held by tests of their own."""
OF_A_PLACE = "of a place"
"""A question about a place, whose answer need not name it."""
BATCH = 12
_LOW = {"DateTime": "2000-01-01T00:00:00Z", "Date": "2000-01-01", "Int": -1, "Long": -1}
_HIGH = {"DateTime": "2999-01-01T00:00:00Z", "Date": "2999-01-01", "Int": 10**6, "Long": 10**6}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One field of ``Query``; ``aims`` are the rows that it would show if sight failed."""

    surface: str
    path: tuple[str, ...]
    field: str
    aims: tuple[Planted, ...] = ()
    names: tuple[str, ...] = ()
    """The ids in it; asked for with ids of nothing, the answer must be the same."""
    fragment: str = ""

    def document(self) -> str:
        """The attempt alone."""
        return _whole(within(self.path, self.field), [self])


def batches(attempts: Iterable[Attempt], size: int = BATCH) -> Iterator[tuple[str, list[Attempt]]]:
    """Documents of many attempts under aliases."""
    listed = list(attempts)
    for start in range(0, len(listed), size):
        group = listed[start : start + size]
        fields = [
            within(attempt.path, f"a{at}: {attempt.field}")
            if not attempt.path
            else f"n{at}: " + within(attempt.path, f"a{at}: {attempt.field}")
            for at, attempt in enumerate(group)
        ]
        yield _whole(" ".join(fields), group), group


def _whole(fields: str, attempts: Iterable[Attempt]) -> str:
    """A document with the fragments that its fields spread."""
    fragments = sorted({attempt.fragment for attempt in attempts if attempt.fragment})
    return " ".join([f"query Attack {{ {fields} }}", *fragments])


def twin(document: str, attempts: Sequence[Attempt]) -> str:
    """The same document with ids that belong to nothing."""
    for attempt in attempts:
        for aim in attempt.aims:
            nothing = global_id(aim.record, uuid.uuid5(uuid.NAMESPACE_OID, str(aim.id)))
            document = document.replace(global_id(aim.record, aim.id), nothing)
    return document


def read_attempts(schema: GraphQLSchema, world: World, tenant: str) -> list[Attempt]:
    """Every reading attempt at the rows of a tenant."""
    found: list[Attempt] = []
    types = record_types(schema)
    for name, kind in types.items():
        for row in world.of(name, tenant):
            found += list(_by_id(row, shallow(kind)))
    for row in world.city(tenant).rows:
        if row.record not in types:
            told = global_id(row.record, row.id)
            absent = f'node(id: "{told}") {{ __typename id }}'
            found.append(Attempt("absent type", (), absent, (row,), (told,)))
    for name, kind in types.items():
        parents = {row.zone: row for row in world.of(name, tenant)}.values()
        found += [each for parent in parents for each in _nested(kind, parent, world, tenant)]
    for path, name, field in query_paths(schema):
        node = node_of(field)
        if node is not None:
            rows = world.of(node.name, tenant)
            found += list(_listing(schema, (path, name, field), rows, world, tenant))
            found.append(Attempt("deep", path, f"{name}(first: 20) {{ {connection(deep(node))} }}"))
        elif name not in ("node", "nodes"):
            found += list(_special((path, name, field), types, world, tenant))
    return found


def _by_id(row: Planted, selection: str) -> Iterator[Attempt]:
    told = global_id(row.record, row.id)
    aim, names = (row,), (told,)
    inline = f"{{ __typename id ... on {row.record} {{ {selection} }} }}"
    yield Attempt("node", (), f'node(id: "{told}") {inline}', aim, names)
    yield Attempt("nodes", (), f'nodes(ids: ["{told}", "{told}"]) {inline}', aim, names)
    spread, named = f"{{ ...Seen{row.record} }}", f"fragment Seen{row.record} on {row.record}"
    text = f'node(id: "{told}") {spread}'
    yield Attempt("fragment", (), text, aim, names, f"{named} {{ {selection} }}")


def _special(
    where: tuple[tuple[str, ...], str, GraphQLField], types: Any, world: World, tenant: str
) -> Iterator[Attempt]:
    path, name, field = where
    inner: Any = get_named_type(field.type)
    # Plain answers lead to no rows, but to parts of their own.
    selection = deep(inner, name == "platform") if hasattr(inner, "fields") else ""
    braces = f" {{ {selection} }}" if selection else ""
    given: dict[str, Any] = {key: TOLD[key] for key in field.args if key in TOLD}
    if "id" in field.args and inner.name in types:
        for row in world.of(inner.name, tenant):
            told = global_id(row.record, row.id)
            text = f"{name}{arguments({'id': told})}{braces}"
            yield Attempt("single", path, text, (row,), (told,))
        return
    place = field.args.get("placeId")
    if place is not None and is_required_argument(place):
        for row in world.of("Place", tenant):
            told = global_id(row.record, row.id)
            text = f"{name}{arguments({**given, 'placeId': told})}{braces}"
            yield Attempt(OF_A_PLACE, path, text, (row,), (told,))
        return
    yield Attempt("special", path, f"{name}{arguments(given)}{braces}")
    for below, deeper in getattr(inner, "fields", {}).items():
        node = node_of(deeper)
        for choice in _choices(deeper, world.of(node.name, tenant), world, tenant) if node else ():
            inside = f"{below}{arguments(choice)} {{ {connection('id')} }}"
            yield Attempt("relation", path, f"{name}{arguments(given)} {{ {inside} }}")


def _listing(
    schema: GraphQLSchema,
    where: tuple[tuple[str, ...], str, GraphQLField],
    rows: list[Planted],
    world: World,
    tenant: str,
) -> Iterator[Attempt]:
    path, name, field = where
    node = node_of(field)
    assert node is not None

    def attempt(surface: str, given: dict[str, Any], *aims: Planted) -> Attempt:
        inner = connection(shallow(node) if surface == "list" else "id") + brief(field)
        # A narrowed list (my queue, my area) need not hold what its filter would find.
        aimed = () if name.startswith(NARROWED) else aims
        return Attempt(surface, path, f"{name}{arguments(given)} {{ {inner} }}", aimed)

    for given in ({"first": 100}, {"last": 100}):
        yield attempt("list", given)
    for told in ("", *figures(field)):
        surface = "figures" if told else "count"
        yield Attempt(surface, path, f"{name} {{ totalCount {told} }}")
    for argument in ("under", "placeId"):
        for place in world.of("Place", tenant) if argument in field.args else ():
            yield attempt("under", {"first": 100, argument: global_id("Place", place.id)})
    if "search" in field.args:
        for text in ("canary", "", *sorted({f"canary.{tenant}.hidden.{r.zone}" for r in rows})):
            yield attempt("search", {"first": 100, "search": text})
    if "orderBy" in field.args:
        order = get_named_type(field.args["orderBy"].type)
        assert isinstance(order, GraphQLInputObjectType)
        keys: Any = get_named_type(order.fields["field"].type)
        for key, way in product(keys.values, ("ASC", "DESC")):
            by = [{"field": Name(key), "direction": Name(way)}]
            yield attempt("order", {"first": 100, "orderBy": by})
    if "filter" in field.args:
        kind = get_named_type(field.args["filter"].type)
        assert isinstance(kind, GraphQLInputObjectType)
        for key, operators, aimed in _filters(kind, rows):
            yield attempt("filter", {"first": 100, "filter": {key: operators}}, *aimed)


def _nested(
    kind: GraphQLObjectType, parent: Planted, world: World, tenant: str
) -> Iterator[Attempt]:
    """Each argument of each connection below a row: relations have the same doors as lists."""
    for name, field in kind.fields.items():
        node = node_of(field)
        if node is None:
            continue
        rows = world.of(node.name, tenant)
        for given in _choices(field, rows, world, tenant):
            inner = f"{name}{arguments(given)} {{ {connection('id')}{brief(field)} }}"
            told = f'node(id: "{global_id(parent.record, parent.id)}")'
            yield Attempt("relation", (), f"{told} {{ ... on {kind.name} {{ {inner} }} }}")


def _choices(
    field: GraphQLField, rows: list[Planted], world: World, tenant: str
) -> Iterator[dict[str, Any]]:
    """Arguments of a connection, each once and in its simplest form."""
    yield {"first": 50}
    yield {"last": 50}
    if "search" in field.args:
        yield {"search": "canary"}
    if "under" in field.args:
        (place,) = world.of("Place", tenant, "city")[:1]
        yield {"under": global_id("Place", place.id)}
    if "orderBy" in field.args:
        order: Any = get_named_type(field.args["orderBy"].type)
        key = next(iter(get_named_type(order.fields["field"].type).values))
        yield {"orderBy": [{"field": Name(key)}]}
    if "filter" in field.args:
        filters: Any = get_named_type(field.args["filter"].type)
        for name, operators, _ in _filters(filters, rows):
            yield {"filter": {name: operators}}
            return


def _filters(
    kind: GraphQLInputObjectType, rows: list[Planted]
) -> Iterator[tuple[str, dict[str, Any], tuple[Planted, ...]]]:
    """Each operator of each filter, with values by which planted rows would be found."""
    for key, field in kind.fields.items():
        operators = get_named_type(field.type)
        assert isinstance(operators, GraphQLInputObjectType)
        scalar = get_named_type(operators.fields["eq"].type)
        tried: set[str] = set()
        for row in _distinct(key, rows):
            value = _value(scalar, row, key)
            for each in _operators(operators, scalar.name, value):
                (operator,) = each
                if operator == "eq" or operator not in tried:
                    tried.add(operator)
                    yield key, each, (row,)


def _distinct(key: str, rows: list[Planted]) -> list[Planted]:
    """One row for each zone and value, and one without a value, if there are such."""
    found: dict[tuple[str, bool], Planted] = {}
    for row in sorted(rows, key=lambda row: row.zone != "far"):
        found.setdefault((row.zone, stored(row, key) is None), row)
    return list(found.values())


def _operators(
    operators: GraphQLInputObjectType, scalar: str, value: Any
) -> Iterator[dict[str, Any]]:
    if value is None:
        yield {"isNull": True}
        return
    for name in operators.fields:
        if name in ("eq", "gte", "lte"):
            yield {name: value}
        elif name == "in":
            yield {name: [value]}
        elif name == "gt":
            yield {name: _LOW[scalar]}
        elif name == "lt":
            yield {name: _HIGH[scalar]}
        elif name == "startsWith":
            yield {name: str(value)[:8]}
        elif name == "isNull":
            yield {name: False}


def stored(row: Planted, key: str) -> Any:
    """The planted value of a field by its GraphQL name; ``None`` when there is none."""
    column = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", key).lower()
    for name in (column, f"{column}_id"):
        if name in row.values:
            return row.values[name]
    return DEFAULTS.get((row.record, column))


DEFAULTS: dict[tuple[str, str], Any] = {
    ("Event", "is_final"): False,
    ("Event", "source"): "grid_worker",
    ("EventStep", "was_late"): False,
    ("EventKind", "is_active"): True,
    ("EventKind", "owner_plugin"): "",
    ("EventKind", "rank"): 1,
    ("Workflow", "is_current"): True,
    ("SafetyChecklist", "is_current"): True,
    ("PracticeSwitch", "is_enabled"): False,
    ("Account", "status"): "active",
    ("EventTask", "state"): "open",
    ("EventTask", "is_final"): False,
    ("JointOperation", "state"): "planned",
    ("PatrolPlan", "level"): "",
    ("Visit", "outcome"): "held",
    ("Person", "number_note"): "none",
}


def _value(scalar: Any, row: Planted, key: str) -> Any:
    value = stored(row, key)
    if value is None:
        return None
    if scalar.name == "ID":
        return global_id(target_of(row.record, key), value)
    if isinstance(scalar, GraphQLEnumType):
        return Name(str(value).upper())
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    return value


TARGETS: dict[str, str | dict[str, str]] = {
    "parent": {"Department": "Department", "EventKind": "EventKind", "Place": "Place"},
    "place": "Place",
    "reporter": "Account",
    "assignedAccount": "Account",
    "account": "Account",
    "actor": "Account",
    "assignedDepartment": "Department",
    "department": "Department",
    "role": "Role",
    "kind": "EventKind",
    "workflow": "Workflow",
    "event": "Event",
    "meeting": "Meeting",
    "carriedFrom": "MeetingItem",
    "step": "EventStep",
    "organisation": "Organisation",
    "enterprise": "SafetyEnterprise",
    "inspection": "SafetyInspection",
    "checklist": "SafetyChecklist",
    "inspector": "Account",
    "substitute": "Account",
    "assignee": "Account",
    "lead": "Account",
    "leadDepartment": "Department",
    "operation": "JointOperation",
    "supervisor": "Account",
    "askedBy": "Account",
    "plan": "PatrolPlan",
    "patrol": "Patrol",
    "need": "VisitNeed",
}


def target_of(record: str, key: str) -> str:
    """The record that a reference filter names."""
    told = TARGETS[key]
    return told if isinstance(told, str) else told[record]
