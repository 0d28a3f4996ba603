"""Operations drawn from a schema: valid documents of every shape, with what they ask for."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_required_argument,
)
from hypothesis import strategies as st

from tests.oracle.arguments import Arguments
from tests.oracle.vocabulary import Name, Vocabulary

DEEPEST = 4


@dataclass(frozen=True)
class Operation:
    """What is asked, by whom: ``variables`` may hold cursors that are still to be looked up."""

    login: str
    locale: str
    document: str
    variables: Mapping[str, Any]
    name: str | None = None


@dataclass
class Scope:
    """The keys of a selection, and what stands under them: one key means one thing.

    Where objects of several types may stand (``is_shared``), each field has a key of its own: the
    same name is not of the same type everywhere.
    """

    is_shared: bool = False
    keys: dict[str, str] = field(default_factory=dict)
    below: dict[str, "Scope"] = field(default_factory=dict)


@dataclass
class Writer:
    """Writes one operation; every choice is drawn, so that Hypothesis can make it smaller."""

    draw: Callable[[Any], Any]
    words: Vocabulary
    focus: Mapping[str, Sequence[str]] = field(default_factory=dict)
    variables: dict[str, tuple[str, Any]] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    fragments: list[str] = field(default_factory=list)
    by_type: dict[str, list[str]] = field(default_factory=dict)
    numbers: int = 0

    def chance(self, percent: int) -> bool:
        """True so many times of a hundred."""
        return self.number(0, 99) >= 100 - percent

    def some(self, values: Sequence[Any]) -> Any:
        """One of the values; smaller examples have the first."""
        return values[self.number(0, len(values) - 1)]

    def number(self, least: int, most: int) -> int:
        """A number, both ends included."""
        return int(self.draw(_numbers(least, most)))

    def new(self, stem: str) -> str:
        """A name that nothing else has."""
        self.numbers += 1
        return f"{stem}{self.numbers}"

    def narrowed(self, kind: Any, names: Sequence[str]) -> Sequence[str]:
        """Of a type's fields, also of a filter's, those in focus; all where none is."""
        return [name for name in self.focus.get(kind.name, ()) if name in names] or names

    def variable(self, kind: str, value: Any, default: str | None = None) -> str:
        """Declare a variable; answers how it is written. ``ABSENT`` is not sent."""
        name = self.new("v")
        self.variables[name] = (kind, default)
        if value is not ABSENT:
            self.values[name] = value
        return f"${name}"

    def selection(self, kind: Any, depth: int, level: int, scope: Scope | None = None) -> str:
        """A selection set of a type, with at most ``depth`` rows below one another."""
        scope = scope if scope is not None else Scope()
        parts = [self._part(kind, depth, level, scope) for _ in range(self.number(1, 4))]
        if is_connection(kind) and self.chance(80):
            parts.append(self._field(kind, "edges", (depth, level), scope))
        return "{ " + " ".join(parts) + " }"

    def _part(self, kind: Any, depth: int, level: int, scope: Scope) -> str:
        if self.chance(8):
            inner = self.selection(kind, depth, level, scope)
            condition = f" on {kind.name}" if self.chance(50) else ""
            return f"...{condition}{self._directive()} {inner}"
        if self.chance(6) and level:
            return self._spread(kind, depth, level, scope)
        if kind is self.words.schema.query_type and self.chance(2):
            name = self.some(sorted(self.words.schema.type_map))
            told = "kind name fields { name args { name } type { name ofType { name } } }"
            return f'{self.new("k")}: __type(name: "{name}") {{ {told} }}'
        if self.chance(3) and self._is_node(kind):
            node = self.words.schema.type_map["Node"]
            return f"... on Node{self._directive()} {self.selection(node, 0, level, scope)}"
        if is_abstract_type(kind) and self.chance(70):
            name = self.some(sorted(t.name for t in self.words.schema.get_possible_types(kind)))
            target = self.words.schema.type_map[name]
            inner = self.selection(target, depth, level, Scope(is_shared=True))
            return f"... on {name}{self._directive()} {inner}"
        fields = {} if isinstance(kind, GraphQLUnionType) else kind.fields
        names = [n for n, f in fields.items() if depth > 0 or not _is_deep(f)]
        names = self.narrowed(kind, names)
        name = self.some([*names, "__typename"]) if names else "__typename"
        return self._field(kind, name, (depth, level), scope)

    def _is_node(self, kind: Any) -> bool:
        """Whether every object of a type is a node."""
        schema = self.words.schema
        kinds = schema.get_possible_types(kind) if is_abstract_type(kind) else (kind,)
        return all("Node" in {each.name for each in one.interfaces} for one in kinds)

    def _spread(self, kind: Any, depth: int, level: int, scope: Scope) -> str:
        """A fragment spread: of a fragment that is there already, or of a new one."""
        known = self.by_type.setdefault(f"{kind.name} {level} {depth} {scope.is_shared}", [])
        if known and self.chance(50):
            return f"...{self.some(known)}{self._directive()}"
        name = self.new("F")
        inner = self.selection(kind, depth, level, Scope(scope.is_shared))
        self.fragments.append(f"fragment {name} on {kind.name} {inner}")
        known.append(name)
        return f"...{name}{self._directive()}"

    def _field(self, kind: Any, name: str, at: tuple[int, int], scope: Scope) -> str:
        if name == "__typename":
            return "__typename" if self.chance(70) else f"{self.new('t')}: __typename"
        found: GraphQLField = kind.fields[name]
        plain = not found.args and is_leaf_type(get_named_type(found.type))
        if plain:
            is_own = scope.is_shared and name != "id"
            key = self.new("k") if is_own or self.chance(15) else name
            alias = "" if key == name else f"{key}: "
            return f"{alias}{name}{self._directive()}"
        return self._composite(kind, name, at, scope)

    def _composite(self, kind: Any, name: str, at: tuple[int, int], scope: Scope) -> str:
        """A field with arguments or a selection; the same key twice is merged."""
        depth, level = at
        found: GraphQLField = kind.fields[name]
        twice = [key for key, text in scope.keys.items() if text.startswith(f"{name}(")]
        if twice and self.chance(30):
            key = self.some(twice)
            arguments = scope.keys[key][len(name) + 1 :]
        else:
            key = self.new("k")
            arguments = self._arguments(kind, name, found, level)
            scope.keys[key] = f"{name}({arguments}"
        told = f"({arguments})" if arguments else ""
        inner_kind = get_named_type(found.type)
        inner = ""
        if not is_leaf_type(inner_kind):
            deeper = depth - (inner_kind.name in self.words.registry.records)
            lower = level + is_connection(inner_kind)
            below = scope.below.setdefault(key, Scope())
            inner = " " + self.selection(inner_kind, deeper, lower, below)
            if is_connection(inner_kind) and ("filter: " in arguments or "under: " in arguments):
                # What is wrong with a condition is told where rows are asked for.
                inner = inner[:-1] + f"{self.new('k')}: edges {{ __typename }} }}"
        return f"{key}: {name}{told}{self._directive()}{inner}"

    def _arguments(self, kind: Any, name: str, found: GraphQLField, level: int) -> str:
        values = Arguments(self, kind, name, level).of(found)
        return ", ".join(
            f"{argument}: {self._value(value, found.args[argument])}"
            for argument, value in values.items()
        )

    def _value(self, value: Any, argument: GraphQLArgument) -> str:
        """An argument as a literal or by a variable, which may be left out or have a default."""
        kind = str(argument.type)
        if not _is_literal(value):
            return self.variable(kind, value)
        if not self.chance(30):
            return literal(value, pretty=self.chance(50))
        if not is_required_argument(argument) and self.chance(15):
            return self.variable(kind, ABSENT)
        if value is not None and self.chance(15):
            return self.variable(kind, ABSENT, literal(value))
        return self.variable(kind, value)

    def _directive(self) -> str:
        if not self.chance(7):
            return ""
        name, wanted = self.some(["include", "skip"]), self.chance(50)
        told = str(wanted).lower()
        if self.chance(70):
            told = self.variable("Boolean!", wanted)
        return f" @{name}(if: {told})"


class _Absent:
    """A variable that is declared and not sent."""


ABSENT = _Absent()


def literal(value: Any, *, pretty: bool = False) -> str:
    """A value as GraphQL spells it; ``pretty`` leaves what is not ASCII as it is."""
    if isinstance(value, Name):
        return str(value)
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key}: {literal(each, pretty=pretty)}" for key, each in value.items())
        return "{" + inner + "}"
    if isinstance(value, list):
        return "[" + ", ".join(literal(each, pretty=pretty) for each in value) + "]"
    return json.dumps(value, ensure_ascii=not pretty)


def _is_literal(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(_is_literal(each) for each in value.values())
    if isinstance(value, list):
        return all(_is_literal(each) for each in value)
    return value is None or isinstance(value, (bool, int, float, str))


@cache
def _numbers(least: int, most: int) -> st.SearchStrategy[int]:
    return st.integers(least, most)


def is_connection(kind: Any) -> bool:
    """Whether a type is a Relay connection."""
    return isinstance(kind, GraphQLObjectType) and kind.name.endswith("Connection")


def _is_deep(found: GraphQLField) -> bool:
    """Whether a field leads to further rows."""
    kind = found.type
    while isinstance(kind, (GraphQLNonNull, GraphQLList)):
        kind = kind.of_type
    return not is_leaf_type(kind) and kind.name not in ("Masked", "PageInfo")


@st.composite
def operations(
    draw: Callable[[Any], Any],
    words: Vocabulary,
    focus: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Operation:
    """A valid query of one of the tenant's accounts; of a type in ``focus`` only those fields."""
    writer = Writer(draw, words, focus)
    root = words.schema.query_type
    assert root is not None
    login, locale = writer.some(words.logins), writer.some(["zh", "en"])
    body = writer.selection(root, writer.number(1, DEEPEST), 0)
    declared = ", ".join(
        f"${name}: {kind}" + (f" = {default}" if default else "")
        for name, (kind, default) in writer.variables.items()
    )
    header = f"query Asked({declared})" if declared else "query Asked"
    parts = [f"{header} {body}", *writer.fragments]
    name = None
    if writer.chance(5):
        parts.append("query Other { __typename }")
        name = "Asked"
    return Operation(login, locale, "\n".join(parts), dict(writer.values), name)
