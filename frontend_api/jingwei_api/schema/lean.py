"""Lean schemas (精简模式): what planning, validation and introspection read of a schema.

A schema as Strawberry makes it holds the classes, fields and functions it was made from: five times
what is read of it afterwards. A process keeps a schema for each set of plugins in use, so it keeps
these; equal parts are one object.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Generic, TypeVar

import strawberry
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    is_introspection_type,
)
from strawberry.schema.schema_converter import CustomGraphQLEnumType, GraphQLCoreConverter

Given = TypeVar("Given")
Made = TypeVar("Made")
_NOTHING: dict[str, Any] = {}
"""Stands for the extensions and arguments that there are not; nobody writes into them."""


class Once(Generic[Given, Made]):
    """What a type has, made when it is first asked for; then what it was made from is let go of."""

    __slots__ = ("_given", "_make")

    def __init__(self, make: Callable[[Given], Made], given: Given) -> None:
        self._make: Callable[[Given], Made] | None = make
        self._given: Given | None = given

    def __call__(self) -> Made:
        """What was asked for; a type asks once."""
        make, given = self._make, self._given
        assert make is not None
        assert given is not None
        self._make = self._given = None
        return make(given)


class LeanField(GraphQLField):
    """A field with its meaning (:mod:`~.meanings`) and the package that declares it, which is
    empty for what comes with its type."""

    def __init__(
        self,
        type_: Any,
        args: dict[str, GraphQLArgument],
        description: str | None,
        meaning: Any,
        owner: str,
    ) -> None:
        super().__init__(type_, description=description)
        self.args = args or _NOTHING
        self.extensions = _NOTHING
        self.meaning = meaning
        self.owner = owner


class LeanArgument(GraphQLArgument):
    """An argument with its Python name."""

    def __init__(self, told: GraphQLArgument, type_: Any, python_name: str) -> None:
        super().__init__(type_, told.default_value, told.description)
        self.extensions = _NOTHING
        self.python_name = python_name


class LeanInputField(GraphQLInputField):
    """A field of an input with its Python name."""

    def __init__(self, told: GraphQLInputField, type_: Any, python_name: str) -> None:
        super().__init__(type_, told.default_value, told.description)
        self.extensions = _NOTHING
        self.python_name = python_name


class LeanEnum(GraphQLEnumType):
    """An enum whose values are read as members of its Python enum ``choices``."""

    def __init__(self, choices: Callable[[Any], Any], told: GraphQLEnumType) -> None:
        values = {
            name: GraphQLEnumValue(one.value, one.description, one.deprecation_reason)
            for name, one in told.values.items()
        }
        super().__init__(told.name, values, description=told.description)
        self._choices = choices

    def coerce_input_value(self, input_value: str, hide_suggestions: bool = False) -> Any:
        """The member that a variable names."""
        return self._choices(super().coerce_input_value(input_value, hide_suggestions))

    def coerce_input_literal(self, value_node: Any, hide_suggestions: bool = False) -> Any:
        """The member that a document names."""
        return self._choices(super().coerce_input_literal(value_node, hide_suggestions))


def lean(made: strawberry.Schema) -> GraphQLSchema:
    """The schema without what it was made from; it prints the same."""
    return _Leaning(made._schema).schema()


class _Leaning:
    """Makes each type, and each part that is like another, once."""

    def __init__(self, full: GraphQLSchema) -> None:
        self._full = full
        self._types: dict[str, Any] = {}
        self._parts: dict[Any, Any] = {}

    def schema(self) -> GraphQLSchema:
        full = self._full
        kinds = [kind for kind in full.type_map.values() if not is_introspection_type(kind)]
        return GraphQLSchema(
            query=self._type(full.query_type),
            mutation=self._type(full.mutation_type),
            subscription=self._type(full.subscription_type),
            types=[self._type(kind) for kind in kinds],
            directives=full.directives,
            description=full.description,
            # Strawberry checked it.
            assume_valid=True,
        )

    def _type(self, kind: Any) -> Any:
        if isinstance(kind, (GraphQLNonNull, GraphQLList)):
            inner = self._type(kind.of_type)
            return self._once((type(kind), id(inner)), partial(type(kind), inner))
        if kind is None:
            return None
        found = self._types.get(kind.name)
        if found is None:
            found = self._types[kind.name] = self._named(kind)
        return found

    def _named(self, kind: GraphQLNamedType) -> GraphQLNamedType:
        text = kind.description
        match kind:
            case GraphQLObjectType():
                outer = Once(self._all, kind.interfaces)
                fields = Once(self._fields, kind.fields)
                return GraphQLObjectType(kind.name, fields, outer, description=text)
            case GraphQLInterfaceType():
                fields = Once(self._fields, kind.fields)
                return GraphQLInterfaceType(kind.name, fields, description=text)
            case GraphQLUnionType():
                members = Once(self._all, kind.types)
                return GraphQLUnionType(kind.name, members, description=text)
            case GraphQLInputObjectType():
                inputs = Once(self._inputs, kind.fields)
                return GraphQLInputObjectType(kind.name, inputs, description=text)
            case CustomGraphQLEnumType():
                return LeanEnum(kind.wrapped_cls, kind)
        return kind

    def _all(self, kinds: Iterable[GraphQLNamedType]) -> list[Any]:
        return [self._type(kind) for kind in kinds]

    def _fields(self, fields: Mapping[str, GraphQLField]) -> dict[str, GraphQLField]:
        return {name: self._field(field) for name, field in fields.items()}

    def _field(self, field: GraphQLField) -> GraphQLField:
        declared = field.extensions[GraphQLCoreConverter.DEFINITION_BACKREF]
        args = {name: self._argument(told) for name, told in field.args.items()}
        given = self._once(tuple((name, id(arg)) for name, arg in args.items()), lambda: args)
        meaning, owner = getattr(declared, "meaning", None), getattr(declared, "owner", "")
        return LeanField(self._type(field.type), given, field.description, meaning, owner)

    def _argument(self, told: GraphQLArgument) -> LeanArgument:
        kind, python = self._type(told.type), _python_name(told)
        key = (LeanArgument, id(kind), python, told.description, repr(told.default_value))
        return self._once(key, lambda: LeanArgument(told, kind, python))  # type: ignore[no-any-return]

    def _inputs(self, fields: Mapping[str, GraphQLInputField]) -> dict[str, GraphQLInputField]:
        return {name: self._input(told) for name, told in fields.items()}

    def _input(self, told: GraphQLInputField) -> LeanInputField:
        kind, python = self._type(told.type), _python_name(told)
        key = (LeanInputField, id(kind), python, told.description, repr(told.default_value))
        return self._once(key, lambda: LeanInputField(told, kind, python))  # type: ignore[no-any-return]

    def _once(self, key: Any, make: Callable[[], Any]) -> Any:
        found = self._parts.get(key)
        if found is None:
            found = self._parts[key] = make()
        return found


def _python_name(told: GraphQLArgument | GraphQLInputField) -> str:
    name: str = told.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].python_name
    return name
