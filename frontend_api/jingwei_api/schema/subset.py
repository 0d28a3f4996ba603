"""Subsets (模式子集): the schema of an enabled set, taken out of the schema of all plugins.

Making a schema anew takes a part of a second for each set of plugins; copying what a set keeps of
one that is there takes a few hundredths. Fields know their package, so a copy is what the set's own
declarations would have made (``tests/api/test_subset.py`` holds the two equal).
"""

from typing import Any, TypeVar

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
)

from jingwei_api.schema.aggregates import KeyField, reference_name
from jingwei_api.schema.filters import SortDirection
from jingwei_api.schema.lean import LeanArgument, LeanField, Once
from jingwei_api.schema.meanings import meaning_of
from jingwei_api.schema.references import Declarations

Named = TypeVar("Named", bound=GraphQLNamedType)
_FAMILY = ("", "Connection", "Edge")
_SHARED = (SortDirection.__name__,)
"""Types that are in every schema, whether or not a field leads to them."""


class FullSchema:
    """The schema of many plugins, from which those of smaller sets are taken.

    ``schema`` is what :func:`~jingwei_api.schema.builder.lean_schema` made of ``declarations``.
    """

    def __init__(self, declarations: Declarations, schema: GraphQLSchema) -> None:
        self._declarations = declarations
        self.schema = schema

    def of(self, wanted: Declarations) -> GraphQLSchema | None:
        """The schema of a smaller set; ``None`` when it has to be made anew: it declares something
        else, or a list of its own would lose all that its rows could be grouped by."""
        if not self._covers(wanted):
            return None
        copying = _Copying(self, wanted)
        return copying.schema() if copying.is_whole() else None

    def gone(self, wanted: Declarations) -> frozenset[str]:
        """The records that a smaller set does without."""
        return frozenset(self._declarations.records.keys() - wanted.records.keys())

    def _covers(self, wanted: Declarations) -> bool:
        records, commands = self._declarations.records, self._declarations.commands
        return (
            all(records.get(name) is one for name, one in wanted.records.items())
            and all(commands.get(name) is one for name, one in wanted.commands.items())
            and all(self._declarations.owners.get(what) == who for what, who in _owned(wanted))
        )


def _owned(declarations: Declarations) -> Any:
    return declarations.owners.items()


class _Copying:
    """Copies what one set keeps; a type is copied when it is first asked for.

    Leaves, inputs and ``Node`` lead to nothing that could be gone, so they are the same objects as
    in the whole schema, but for what rows may be grouped by.
    """

    def __init__(self, full: FullSchema, wanted: Declarations) -> None:
        self._full = full.schema
        self._wanted = wanted
        self._enabled = {"", "core", *wanted.owners.values()}
        self._gone = {f"{name}{part}" for name in full.gone(wanted) for part in _FAMILY}
        self._copied: dict[str, Any] = {}
        self._wrappings: dict[Any, Any] = {}
        self._enums = self._fewer_groupings()

    def is_whole(self) -> bool:
        """Whether every enum keeps a member."""
        return all(kind.values for kind in self._enums.values())

    def schema(self) -> GraphQLSchema:
        full = self._full
        records = [self._named(self._kind(name)) for name in self._wanted.records]
        shared = [self._kind(name) for name in _SHARED]
        return GraphQLSchema(
            query=self._root(full.query_type),
            mutation=self._root(full.mutation_type),
            subscription=self._root(full.subscription_type),
            types=[*records, *shared],
            directives=full.directives,
            description=full.description,
            extensions=full.extensions,
            # The whole was checked; what is left of it has no other faults.
            assume_valid=True,
        )

    def _kind(self, name: str) -> GraphQLNamedType:
        return self._full.type_map[name]

    def _root(self, kind: GraphQLObjectType | None) -> GraphQLObjectType | None:
        """A root type, ``None`` if it has no fields left."""
        if kind is None:
            return None
        copied = self._named(kind)
        return copied if copied.fields else None

    def _named(self, kind: Named) -> Named:
        """The type as the set has it."""
        if isinstance(kind, GraphQLEnumType):
            return self._enums.get(kind.name, kind)  # type: ignore[return-value]
        if not isinstance(kind, (GraphQLObjectType, GraphQLUnionType)):
            return kind
        found: Named | None = self._copied.get(kind.name)
        if found is None:
            found = self._copied[kind.name] = self._copy(kind)
        return found

    def _copy(self, kind: Any) -> Any:
        text = kind.description
        if isinstance(kind, GraphQLUnionType):
            return GraphQLUnionType(kind.name, Once(self._members, kind), description=text)
        fields = Once(self._fields, kind)
        return GraphQLObjectType(kind.name, fields, kind.interfaces, description=text)

    def _members(self, kind: GraphQLUnionType) -> list[GraphQLObjectType]:
        return [self._named(one) for one in kind.types if one.name not in self._gone]

    def _fields(self, kind: Any) -> dict[str, GraphQLField]:
        return {
            name: self._field(field) for name, field in kind.fields.items() if self._keeps(field)
        }

    def _keeps(self, field: GraphQLField) -> bool:
        assert isinstance(field, LeanField)
        if field.owner not in self._enabled:
            return False
        return get_named_type(field.type).name not in self._gone

    def _field(self, field: GraphQLField) -> GraphQLField:
        assert isinstance(field, LeanField)
        args = self._args(field.args) if self._enums else field.args
        kind = self._wrapped(field.type)
        if kind is field.type and args is field.args:
            return field
        return LeanField(kind, args, field.description, field.meaning, field.owner)

    def _args(self, args: dict[str, GraphQLArgument]) -> dict[str, GraphQLArgument]:
        changed: dict[str, GraphQLArgument] = {}
        for name, arg in args.items():
            if get_named_type(arg.type).name in self._enums:
                assert isinstance(arg, LeanArgument)
                changed[name] = LeanArgument(arg, self._wrapped(arg.type), arg.python_name)
        return {**args, **changed} if changed else args

    def _wrapped(self, kind: Any) -> Any:
        """The type with its lists and marks of needed values; the same object if nothing of it
        differs."""
        if isinstance(kind, (GraphQLNonNull, GraphQLList)):
            inner = self._wrapped(kind.of_type)
            if inner is kind.of_type:
                return kind
            known = self._wrappings.get(kind)
            if known is None:
                known = self._wrappings[kind] = type(kind)(inner)
            return known
        return self._named(kind)

    def _fewer_groupings(self) -> dict[str, GraphQLEnumType]:
        """The enums of what rows may be grouped by, as far as a member leads to what is gone."""
        found = {}
        for name in self._wanted.records:
            keys = self._full.type_map.get(f"{name}GroupKey")
            fields = getattr(keys, "fields", {}).values()
            lost = {member for field in fields if (member := self._lost(field))}
            if lost:
                enum = self._full.type_map[f"{name}Grouping"]
                assert isinstance(enum, GraphQLEnumType)
                found[enum.name] = _without(enum, lost)
        return found

    def _lost(self, field: GraphQLField) -> str:
        """The member for a key that leads to what is gone; empty for others."""
        meaning = meaning_of(field)
        if not isinstance(meaning, KeyField) or meaning.relation is None:
            return ""
        is_gone = get_named_type(field.type).name in self._gone
        return reference_name(meaning.column).upper() if is_gone else ""


def _without(enum: GraphQLEnumType, members: set[str]) -> GraphQLEnumType:
    kept = {name: value for name, value in enum.values.items() if name not in members}
    told: Any = {**enum.to_kwargs(), "values": kept}
    return GraphQLEnumType(**told)
