"""Generated mutation attempts: each id that a mutation takes, put to a row out of sight.

Everything else in the call is as good as the caller could make it, so that only the one foreign id
can be the reason of a refusal.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

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
Extent = Literal["needed", "ids", "all"]
"""How much of the input is given: what must be, every id beside it, or everything."""
_SAMPLES: Mapping[str, Any] = {
    "String": "attack",
    "Int": 1,
    "Long": 1,
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
    field: str
    position: Place = ()
    foreign: Planted | None = None
    given: Mapping[str, Any] = field(default_factory=dict)
    """The arguments, as ``field`` spells them."""
    fragment: str = ""
    """What ``field`` spreads."""

    @property
    def names(self) -> list[str]:
        """How the foreign row may be called in an answer."""
        row = self.foreign
        return [global_id(row.record, row.id), str(row.id)] if row else []

    def twin(self) -> "MutationAttempt":
        """The same call with the id of nothing."""
        assert self.foreign is not None
        nothing = uuid.uuid5(uuid.NAMESPACE_OID, str(self.foreign.id))
        absent = replace(self.foreign, id=nothing)
        name = global_id(absent.record, nothing)
        field = self.field.replace(self.names[0], name)
        return replace(self, field=field, foreign=absent)


def together(attempts: Sequence[MutationAttempt]) -> str:
    """Several calls in one document, as ``m0``, ``m1`` and so on; each is a transaction."""
    fields = " ".join(f"m{at}: {attempt.field}" for at, attempt in enumerate(attempts))
    fragments = sorted({attempt.fragment for attempt in attempts})
    return " ".join([f"mutation Attack {{ {fields} }}", *fragments])


@dataclass
class Sampler:
    """Makes arguments for mutations; ``own`` finds a row that the caller may use."""

    registry: Registry
    own: Callable[[str], Planted | None]
    extent: Extent = "needed"
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
            elif self.extent == "all" or is_required_argument(argument):
                given[key] = _SAMPLES[kind.name]
        merged = _merged(given, RECIPES.get(name, {}))
        return {key: self._named(value) for key, value in merged.items()}

    def _named(self, value: Any) -> Any:
        """Values with ``@Record`` as the id of a row of the caller's own; ``@Record:value`` is one
        that has the value."""
        if isinstance(value, dict):
            return {key: self._named(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._named(item) for item in value]
        if isinstance(value, str) and value.startswith("@"):
            row = self.own(value[1:])
            assert row is not None
            return global_id(row.record, row.id)
        return value

    def _object(self, kind: GraphQLInputObjectType, struct: Any, at: Place) -> dict[str, Any]:
        fields = {camel(f.name): f for f in msgspec.structs.fields(struct)} if struct else {}
        given: dict[str, Any] = {}
        for key, told in kind.fields.items():
            inner = get_named_type(told.type)
            shape = shape_of(fields[key].type) if key in fields else None
            is_object = isinstance(inner, GraphQLInputObjectType)
            names_rows = inner.name == "ID" or (is_object and _holds_ids(inner))
            is_needed = is_required_input_field(told)
            if not (is_needed or self.extent == "all" or (self.extent == "ids" and names_rows)):
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
        return near_row(world, caller, record)

    found: list[MutationAttempt] = []
    assert schema.mutation_type is not None
    for name, mutation in schema.mutation_type.fields.items():
        extents: tuple[Extent, ...] = ("needed", "ids", "all")
        for extent in extents:
            sampler = Sampler(registry, own, extent)
            given = sampler.call(name, mutation)
            found.append(_attempt(name, mutation, given))
            if extent == "ids":
                found += list(_aimed(name, mutation, given, sampler.ids, world, target))
    return found


def plain_calls(schema: GraphQLSchema, registry: Registry, world: World) -> dict[str, str]:
    """Each mutation once, as someone who may do everything would call it on rows of near: in the
    order of the schema, but by their ``turn`` those that find nothing to do any more after it."""

    def own(record: str) -> Planted | None:
        return near_row(world, "a", record)

    assert schema.mutation_type is not None
    mutations = schema.mutation_type.fields
    return {
        name: f"mutation Attack {{ {_field(name, mutations[name], Sampler(registry, own))} }}"
        for name in sorted(mutations, key=lambda name: RECIPES.get(name, {}).get("turn", 0))
    }


def near_row(world: World, tenant: str, wanted: str) -> Planted | None:
    """The first row of a record that lies in near, else anywhere; ``Leave:approved`` is the first
    that has such a value."""
    record, _, value = wanted.partition(":")
    rows = [
        r for r in world.of(record, tenant) if not value or value in map(str, r.values.values())
    ]
    return next((row for row in rows if row.home == "near"), next(iter(rows), None))


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
            yield _attempt(name, mutation, call, position, row)


def _attempt(
    name: str,
    mutation: Any,
    given: Mapping[str, Any],
    position: Place = (),
    foreign: Planted | None = None,
) -> MutationAttempt:
    payload = _payload(mutation)
    # Whatever a call that names a foreign row is answered is a failure, so its values are enough.
    levels = 0 if foreign else 1
    # A fragment is parsed and validated once, however many calls of a document answer with it.
    told = f"Told{levels}{payload.name}"
    field = f"{name}{arguments(dict(given))} {{ ...{told} }}"
    fragment = f"fragment {told} on {payload.name} {{ {deep(payload, levels)} }}"
    return MutationAttempt(name, field, position, foreign, given, fragment)


def _field(name: str, mutation: Any, sampler: Sampler) -> str:
    given = sampler.call(name, mutation)
    return f"{name}{arguments(given)} {{ {deep(_payload(mutation), 1)} }}"


def _payload(mutation: Any) -> GraphQLObjectType:
    payload = get_named_type(mutation.type)
    assert isinstance(payload, GraphQLObjectType)
    return payload


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
        if key in ("not_live", "turn"):
            continue
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = {**merged[key], **value}
        else:
            merged[key] = value
    return merged


def _holds_ids(kind: GraphQLInputObjectType) -> bool:
    return any(get_named_type(each.type).name == "ID" for each in kind.fields.values())
