"""The schema as the planner reads it (模式索引): what each field means, and its Python names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
)

from jingwei_api.schema.lean import LeanArgument, LeanField, LeanInputField
from jingwei_api.schema.meanings import IntrospectionField, TypenameField

TYPENAME = "__typename"
_INTROSPECTION = frozenset({"__schema", "__type"})


@dataclass(frozen=True, slots=True, eq=False)
class InputName:
    """An argument or a field of an input: its Python name and its type with the default."""

    python: str
    told: Any
    """A ``GraphQLArgument`` or ``GraphQLInputField``."""


@dataclass(frozen=True, slots=True, eq=False)
class FieldOf:
    """A field of an object type: what it means, the type of its value, and its arguments."""

    name: str
    meaning: Any
    type: Any
    named: GraphQLNamedType | None
    arguments: Mapping[str, InputName]


_TYPENAME_FIELD = FieldOf(TYPENAME, TypenameField(), None, None, {})


class SchemaIndex:
    """Looks the declarations behind a schema up; each field once."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = schema
        self._fields: dict[tuple[str, str], FieldOf] = {}
        self._inputs: dict[str, Mapping[str, InputName]] = {}

    def field(self, parent: GraphQLObjectType, name: str) -> FieldOf:
        """The field of an object type; the document was validated, so it exists."""
        if name == TYPENAME:
            return _TYPENAME_FIELD
        key = (parent.name, name)
        found = self._fields.get(key)
        if found is None:
            found = self._fields[key] = self._field(parent, name)
        return found

    def inputs(self, kind: GraphQLInputObjectType) -> Mapping[str, InputName]:
        """The fields of an input object by their GraphQL names."""
        found = self._inputs.get(kind.name)
        if found is None:
            found = self._inputs[kind.name] = _names(kind.fields)
        return found

    def objects(self, kind: GraphQLNamedType) -> tuple[GraphQLObjectType, ...]:
        """The object types that a value of an output type may have."""
        if isinstance(kind, GraphQLObjectType):
            return (kind,)
        return tuple(self.schema.get_possible_types(kind))  # type: ignore[arg-type]

    def object(self, name: str) -> GraphQLObjectType:
        """The object type with this name."""
        kind = self.schema.type_map[name]
        assert isinstance(kind, GraphQLObjectType)
        return kind

    def applies(self, condition: str | None, kind: GraphQLObjectType) -> bool:
        """Whether a fragment on the type ``condition`` speaks of objects of ``kind``."""
        if condition is None or condition == kind.name:
            return True
        wanted = self.schema.type_map[condition]
        return is_abstract_type(wanted) and self.schema.is_sub_type(wanted, kind)

    def _field(self, parent: GraphQLObjectType, name: str) -> FieldOf:
        if name in _INTROSPECTION:
            return FieldOf(name, IntrospectionField(), None, None, {})
        told = parent.fields[name]
        assert isinstance(told, LeanField)
        kind = get_named_type(told.type)
        return FieldOf(name, told.meaning, told.type, kind, _names(told.args))


def _names(told: Mapping[str, Any]) -> dict[str, InputName]:
    """Arguments, or the fields of an input, by their GraphQL names."""
    found = {}
    for name, one in told.items():
        assert isinstance(one, LeanArgument | LeanInputField)
        found[name] = InputName(one.python_name, one)
    return found
