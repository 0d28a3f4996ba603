"""The schema as the planner reads it (模式索引): what each field means, and its Python names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
)
from strawberry.schema.schema_converter import GraphQLCoreConverter

from jingwei_api.schema.meanings import IntrospectionField, TypenameField, strawberry_field

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
            declared = kind.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].fields
            by_name = {_spelt(field): field.python_name for field in declared}
            found = {name: InputName(by_name[name], told) for name, told in kind.fields.items()}
            self._inputs[kind.name] = found
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
        told: GraphQLField = parent.fields[name]
        declared = strawberry_field(told)
        names = {_spelt(argument): argument.python_name for argument in declared.arguments}
        arguments = {key: InputName(names[key], given) for key, given in told.args.items()}
        return FieldOf(name, declared.meaning, told.type, get_named_type(told.type), arguments)


def _spelt(declared: Any) -> str:
    """Every name of this schema is given in its GraphQL spelling; none is derived."""
    name: str = declared.graphql_name
    return name
