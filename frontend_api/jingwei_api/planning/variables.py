"""Variables (变量): checked values, by the names that Python has for the fields of inputs.

Checking is compiled once for each operation. Only when something does not fit, the standard
library of GraphQL is asked what to say about it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    VariableDefinitionNode,
    type_from_ast,
)
from graphql.execution.values import get_variable_values

from jingwei_api.planning.index import SchemaIndex
from jingwei_api.planning.inputs import Literals, read

Check = Callable[[Any], Any]
_MOST_ERRORS = 50


class VariablesRefused(Exception):
    """The variables do not fit their declarations; ``errors`` says where."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__(len(errors))
        self.errors = list(errors)


class Variables:
    """The variables of one operation."""

    def __init__(self, index: SchemaIndex, nodes: Sequence[VariableDefinitionNode]) -> None:
        self._index = index
        self._nodes = nodes
        literals = Literals(index)
        self._checks: list[tuple[str, Check, bool]] = []
        self._defaults: dict[str, Any] = {}
        for node in nodes:
            name = node.variable.name.value
            kind: Any = type_from_ast(index.schema, node.type)
            if node.default_value is not None:
                self._defaults[name] = read(literals.literal(node.default_value, kind), {})
            needed = isinstance(kind, GraphQLNonNull) and name not in self._defaults
            self._checks.append((name, checker(index, kind), needed))

    def checked(self, given: Mapping[str, Any], conditions: Collection[str] = ()) -> dict[str, Any]:
        """The variables of a request, a new mapping; raises :class:`VariablesRefused`.

        Those that ``conditions`` look at (``@skip``, ``@include``) say yes or no: null, which one
        with a default may be, is refused before anything is done.
        """
        found = dict(self._defaults)
        try:
            for name, check, needed in self._checks:
                if name in given:
                    found[name] = check(given[name])
                elif needed:
                    raise ValueError(name)
        except Exception as error:
            raise VariablesRefused(self._errors(given)) from error
        empty = [name for name in conditions if found.get(name) is None]
        if empty:
            raise VariablesRefused([self._null(name) for name in empty])
        return found

    def _null(self, name: str) -> GraphQLError:
        nodes = [node for node in self._nodes if node.variable.name.value == name]
        return GraphQLError(f"Variable '${name}' must not be null.", nodes)

    def _errors(self, given: Mapping[str, Any]) -> list[GraphQLError]:
        found = get_variable_values(
            self._index.schema, self._nodes, dict(given), max_errors=_MOST_ERRORS
        )
        return found if isinstance(found, list) else [GraphQLError("A variable does not fit.")]


def checker(index: SchemaIndex, kind: Any) -> Check:
    """A function that answers the value of an input type, or raises."""
    if isinstance(kind, GraphQLNonNull):
        return _needed(checker(index, kind.of_type))
    if isinstance(kind, GraphQLList):
        return _nullable(_listed(checker(index, kind.of_type)))
    if isinstance(kind, GraphQLInputObjectType):
        return _nullable(_object(index, kind))
    check: Check = kind.coerce_input_value
    return _nullable(check)


def _needed(check: Check) -> Check:
    def checked(value: Any) -> Any:
        if value is None:
            raise ValueError("null")
        return check(value)

    return checked


def _nullable(check: Check) -> Check:
    return lambda value: None if value is None else check(value)


def _listed(check: Check) -> Check:
    def checked(value: Any) -> Any:
        return [check(item) for item in value] if isinstance(value, list) else [check(value)]

    return checked


def _object(index: SchemaIndex, kind: GraphQLInputObjectType) -> Check:
    known: dict[str, tuple[str, Check]] = {}
    needed: list[str] = []

    def prepare() -> None:
        # Only when the first value comes: input types may hold themselves.
        for name, field in index.inputs(kind).items():
            known[name] = (field.python, checker(index, field.told.type))
            if isinstance(field.told.type, GraphQLNonNull):
                needed.append(name)

    def checked(value: Any) -> Any:
        if not known:
            prepare()
        if not isinstance(value, dict):
            raise TypeError(kind.name)
        found = {}
        for name, item in value.items():
            python, check = known[name]
            found[python] = check(item)
        for name in needed:
            if name not in value:
                raise ValueError(name)
        return found

    return checked
