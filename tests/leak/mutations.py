"""Generated mutation attempts: each id that a mutation takes, put to a row out of sight.

Everything else in the call is as good as the caller could make it, so that only the one foreign id
can be the reason of a refusal.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_required_argument,
    is_required_input_field,
)

from jingwei_api.schema.inputs import shape_of
from jingwei_api.schema.naming import camel
from jingwei_core.registry import Registry
from tests.leak.judge import global_id
from tests.leak.matrix import RECIPES
from tests.leak.surface import Name, arguments, deep
from tests.leak.world import Planted, World

Place = tuple[str, ...]
_SAMPLES: Mapping[str, Any] = {
    "String": "attack",
    "Int": 1,
    "Long": "1",
    "Float": 111.3,
    "Boolean": False,
    "DateTime": "2999-01-01T00:00:00Z",
    "Date": "2999-01-01",
    "JSON": {},
    "UUID": str(uuid.UUID(int=7)),
}


@dataclass(frozen=True, slots=True)
class MutationAttempt:
    """A call; ``foreign`` is the row it must not reach, and ``position`` where its id stands."""

    mutation: str
    document: str
    position: Place = ()
    foreign: Planted | None = None

    def twin(self) -> str:
        """The same call with the id of nothing."""
        assert self.foreign is not None
        nothing = uuid.uuid5(uuid.NAMESPACE_OID, str(self.foreign.id))
        name = global_id(self.foreign.record, self.foreign.id)
        return self.document.replace(name, global_id(self.foreign.record, nothing))


@dataclass
class Sampler:
    """Makes arguments for mutations; ``own`` finds a row that the caller may use."""

    registry: Registry
    own: Callable[[str], Planted | None]
    full: bool = False
    ids: dict[Place, str] = field(default_factory=dict)

    def call(self, name: str, mutation: Any) -> dict[str, Any]:
        """Arguments of a mutation, and the record of each id in :attr:`ids`."""
        self.ids = {}
        command = {c.mutation: c for c in self.registry.commands.values()}.get(name)
        given: dict[str, Any] = {}
        for key, argument in mutation.args.items():
            kind = get_named_type(argument.type)
            if key == "idempotencyKey":
                given[key] = uuid.uuid4().hex
            elif isinstance(kind, GraphQLInputObjectType):
                given[key] = self._object(kind, command.input if command else None, (key,))
            elif kind.name == "ID":
                on = command.on if command and command.on else "Evidence"
                given[key] = self._id(on, (key,))
            elif self.full or is_required_argument(argument):
                given[key] = _SAMPLES[kind.name]
        return _merged(given, RECIPES.get(name, {}))

    def _object(self, kind: GraphQLInputObjectType, struct: Any, at: Place) -> dict[str, Any]:
        fields = {camel(f.name): f for f in msgspec.structs.fields(struct)} if struct else {}
        given: dict[str, Any] = {}
        for key, told in kind.fields.items():
            inner = get_named_type(told.type)
            shape = shape_of(fields[key].type) if key in fields else None
            is_object = isinstance(inner, GraphQLInputObjectType)
            wanted = self.full or is_required_input_field(told) or inner.name == "ID"
            if not (wanted or (is_object and _holds_ids(inner))):
                continue
            below = shape.bare if shape and is_object else None
            value = self._value(inner, below, shape.record if shape else None, (*at, key))
            listed = isinstance(get_nullable_type(told.type), GraphQLList)
            given[key] = [value] if listed else value
        return given

    def _value(self, kind: Any, struct: Any, record: str | None, at: Place) -> Any:
        if isinstance(kind, GraphQLInputObjectType):
            return self._object(kind, struct, at)
        if kind.name == "ID":
            return self._id(record or "Place", at)
        if isinstance(kind, GraphQLEnumType):
            return Name(next(iter(kind.values)))
        return _SAMPLES[kind.name]

    def _id(self, record: str, at: Place) -> str:
        self.ids[at] = record
        row = self.own(record)
        return global_id(record, row.id if row else uuid.UUID(int=1))


def mutation_attempts(
    schema: GraphQLSchema, registry: Registry, world: World, caller: str, target: str
) -> list[MutationAttempt]:
    """Every mutation with every id in turn naming each row of the tenant ``target``.

    ``caller`` is the tenant whose near rows the rest of the call is made of.
    """

    def own(record: str) -> Planted | None:
        return next((r for r in world.of(record, caller) if r.home == "near"), None) or next(
            iter(world.of(record, caller)), None
        )

    found: list[MutationAttempt] = []
    assert schema.mutation_type is not None
    for name, mutation in schema.mutation_type.fields.items():
        for full in (False, True):
            sampler = Sampler(registry, own, full)
            given = sampler.call(name, mutation)
            document = _document(name, mutation, given)
            found.append(MutationAttempt(name, document))
            if full:
                found += list(_aimed(name, mutation, given, sampler.ids, world, target))
    return found


def plain_calls(schema: GraphQLSchema, registry: Registry, world: World) -> dict[str, str]:
    """Each mutation once, as someone who may do everything would call it on rows of near."""

    def own(record: str) -> Planted | None:
        rows = world.of(record, "a")
        near = [row for row in rows if row.home == "near"]
        return next(iter(near or rows), None)

    assert schema.mutation_type is not None
    return {
        name: _document(name, mutation, Sampler(registry, own).call(name, mutation))
        for name, mutation in schema.mutation_type.fields.items()
    }


def _aimed(
    name: str, mutation: Any, given: dict[str, Any], ids: Mapping[Place, str], *where: Any
) -> Iterator[MutationAttempt]:
    world, target = where
    for position, record in ids.items():
        one_for_each_zone = {(row.zone, row.home): row for row in world.of(record, target)}
        for row in one_for_each_zone.values():
            call = _replaced(given, position, global_id(record, row.id))
            call["idempotencyKey"] = uuid.uuid4().hex
            call = {key: value for key, value in call.items() if key in mutation.args}
            call.pop("expectedVersion", None)
            yield MutationAttempt(name, _document(name, mutation, call), position, row)


def _document(name: str, mutation: Any, given: Mapping[str, Any]) -> str:
    payload = get_named_type(mutation.type)
    assert isinstance(payload, GraphQLObjectType)
    return f"mutation Attack {{ {name}{arguments(dict(given))} {{ {deep(payload)} }} }}"


def _replaced(given: Any, position: Place, value: str) -> Any:
    if not position:
        return value
    if isinstance(given, list):
        return [_replaced(item, position, value) for item in given]
    head, *rest = position
    return {**given, head: _replaced(given[head], tuple(rest), value)}


def _merged(given: dict[str, Any], recipe: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(given)
    for key, value in recipe.items():
        if key in ("not_live",):
            continue
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = {**merged[key], **value}
        else:
            merged[key] = value
    return merged


def _holds_ids(kind: GraphQLInputObjectType) -> bool:
    return any(get_named_type(each.type).name == "ID" for each in kind.fields.values())

