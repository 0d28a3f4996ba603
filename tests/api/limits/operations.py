"""Operations for the tests of limits: written at random over the whole schema, and weighed by
letting graphql-core answer them from lists that are always full."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    execute_sync,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_required_argument,
    print_schema,
)
from graphql import build_schema as parse_schema
from hypothesis import strategies as st

from jingwei_api.limits import weights as w
from jingwei_api.limits.cost import Cost, Measured, compile_cost
from jingwei_api.limits.weights import Weights
from jingwei_api.schema.builder import lean_schema
from jingwei_core.contribution import core_contribution
from jingwei_core.plugins.host import discover
from jingwei_core.registry import build_registry

SIZES = (0, 1, 2, 3)
LONGEST = 3
Info = GraphQLResolveInfo[Any]


@cache
def weights() -> Weights:
    """Those of the core and every shipped plugin."""
    plugins = [found.plugin for found in discover() if found.plugin is not None]
    registry = build_registry([core_contribution(), *plugins])
    return Weights(lean_schema(registry), registry)


@cache
def plain_schema() -> GraphQLSchema:
    """The same schema without resolvers."""
    return parse_schema(print_schema(weights().schema))


@dataclass
class Written:
    """An operation: nested selections, and the fragments that it uses."""

    text: str
    fragments: dict[str, str] = field(default_factory=dict)
    fields: int = 0

    def document(self, variables: str = "") -> str:
        """The whole document."""
        return f"query Q{variables} {self.text} " + " ".join(self.fragments.values())


VARIABLES = "($size: Int, $yes: Boolean!, $ids: [ID!]!, $filter: EventFilter)"


@st.composite
def operations(draw: st.DrawFn, depth: int = 5) -> Written:
    """A query over the whole schema; its variables are declared by :data:`VARIABLES`."""
    written = Written("")
    kind = plain_schema().query_type
    assert kind is not None
    written.text = _selection(draw, written, kind, depth)
    return written


@st.composite
def variables(draw: st.DrawFn) -> dict[str, Any]:
    """Values of :data:`VARIABLES`."""
    return {
        "size": draw(st.sampled_from([None, *SIZES])),
        "yes": draw(st.booleans()),
        "ids": ["x"] * draw(st.integers(0, 3)),
        "filter": draw(st.sampled_from([None, {}, {"state": {"eq": "filed"}}])),
    }


def _selection(draw: st.DrawFn, written: Written, kind: Any, depth: int) -> str:
    if isinstance(kind, GraphQLInterfaceType):
        return "{ __typename id ... on Event { id } }"
    names = [name for name, field in kind.fields.items() if depth or not _is_object(field)]
    chosen = draw(st.lists(st.sampled_from(names), min_size=1, max_size=LONGEST)) if names else []
    parts = [_field(draw, written, kind.fields[name], name, depth) for name in chosen]
    inner = "{ " + " ".join(["__typename", *parts]) + " }"
    form = draw(st.sampled_from(["plain", "plain", "inline", "fragment"]))
    if form == "inline":
        return f"{{ ... on {kind.name} {inner} }}"
    if form == "fragment":
        name = f"F{len(written.fragments)}"
        written.fragments[name] = f"fragment {name} on {kind.name} {inner}"
        return f"{{ ...{name} }}"
    return inner


def _is_object(field: Any) -> bool:
    return is_composite_type(get_named_type(field.type))


def _field(draw: st.DrawFn, written: Written, spec: Any, name: str, depth: int) -> str:
    # Every field has an alias of its own: equal ones with other arguments could not be merged.
    written.fields += 1
    head = f"a{written.fields}: {name}{_arguments(draw, spec)}"
    head += draw(st.sampled_from(["", "", "", " @include(if: $yes)", " @skip(if: $yes)"]))
    if not _is_object(spec):
        return head
    return head + " " + _selection(draw, written, get_named_type(spec.type), depth - 1)


def _arguments(draw: st.DrawFn, spec: Any) -> str:
    given = []
    for name, argument in spec.args.items():
        if name in ("first", "last"):
            size = draw(st.sampled_from(["", *(str(size) for size in SIZES), "$size", "null"]))
            given += [f"{name}: {size}"] if size else []
        elif name == "ids":
            given.append(draw(st.sampled_from(["ids: $ids", 'ids: ["x", "y"]', 'ids: "x"'])))
        elif name == "filter" and str(argument.type) == "EventFilter":
            given += draw(st.sampled_from([[], ["filter: $filter"]]))
        elif name == "search":
            given += draw(st.sampled_from([[], ['search: "x"']]))
        elif is_required_argument(argument):
            given.append(f"{name}: {_value(argument.type)}")
    return f"({', '.join(given)})" if given else ""


def _value(kind: Any) -> str:
    kind = get_nullable_type(kind)
    if isinstance(kind, GraphQLList):
        return f"[{_value(kind.of_type)}]"
    if isinstance(kind, GraphQLEnumType):
        return str(next(iter(kind.values)))
    return {"Int": "1", "Float": "1.5", "Boolean": "true"}.get(get_named_type(kind).name, '"x"')


def measured(document: DocumentNode) -> Measured:
    """The only operation of a document, measured."""
    operation = next(d for d in document.definitions if isinstance(d, OperationDefinitionNode))
    fragments = {
        d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)
    }
    return compile_cost(weights(), operation, fragments)


def figures(document: DocumentNode, given: Mapping[str, Any]) -> Cost:
    """Its figures."""
    return measured(document)(given)


@dataclass
class Weighed:
    """What answering an operation took, when every list is full."""

    rows: int = 0
    cost: int = 0


def weigh(document: DocumentNode, given: Mapping[str, Any]) -> Weighed:
    """Let graphql-core answer and count what it asks for, by the table in ``docs/graphql.md``."""
    found = Weighed()

    def resolve(source: Any, info: Info, **args: Any) -> Any:
        return _answer(found, source, info, args)

    result = execute_sync(
        plain_schema(),
        document,
        root_value={},
        variable_values=dict(given),
        field_resolver=resolve,
        type_resolver=lambda *_: "Event",
    )
    assert not result.errors, result.errors
    return found


def _answer(found: Weighed, source: Any, info: Info, args: Any) -> Any:
    kind, name = get_named_type(info.return_type), info.field_name
    if not is_composite_type(kind):
        found.cost += _leaf_cost(info)
        return _leaf(info.return_type)
    if isinstance(kind, GraphQLObjectType) and {"edges", "pageInfo"} <= set(kind.fields):
        found.cost += w.LIST + (w.SEARCH if args.get("search") else 0) + _own(name)
        return {"size": _page(args, 20)}
    if name in ("edges", "groups") and "size" in source:
        return _many(found, source["size"])
    if {"groups", "count"} <= set(getattr(kind, "fields", {})):
        found.cost += w.AGGREGATE
        return {"size": _page(args, 100)}
    if isinstance(get_nullable_type(info.return_type), GraphQLList):
        found.cost += _own(name)
        return _many(found, len(args["ids"]) if "ids" in args else _MOST.get(name, w.OBJECTS))
    if _is_row(kind) and "cursor" not in info.parent_type.fields:
        found.cost += w.ROW + _own(name)
    return {}


def _many(found: Weighed, count: int) -> list[Any]:
    found.rows += count
    found.cost += count * w.ROW
    return [{}] * count


_OWN = {"placeAt": 5, "eventDuplicates": 10, "myQueue": 5, "platform": 20}
"""As docs/graphql.md says."""
_MOST = {"eventDuplicates": 10}
"""How many rows a question answers at most."""


def _own(name: str) -> int:
    return _OWN.get(name, 0)


def _is_row(kind: Any) -> bool:
    return isinstance(kind, GraphQLInterfaceType) or "Node" in {i.name for i in kind.interfaces}


def _leaf_cost(info: Info) -> int:
    if info.field_name == "totalCount":
        return w.COUNT
    weight = weights().of(weights().schema.get_type(info.parent_type.name), info.field_name)
    assert weight is not None
    return weight.own


def _page(args: Mapping[str, Any], default: int) -> int:
    # Both are refused by the server; the larger one is the bound.
    given = [args[name] for name in ("first", "last") if args.get(name) is not None]
    return max(given, default=default)


def _leaf(kind: Any) -> Any:
    kind = get_nullable_type(kind)
    if isinstance(kind, GraphQLList):
        return []
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values.values())).value
    return {"Int": 1, "Float": 1.5, "Boolean": True}.get(kind.name, "x")
