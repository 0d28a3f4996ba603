"""Inputs (输入): GraphQL input and output types made from msgspec structs, and values for them.

A field ``Annotated[UUID, msgspec.Meta(extra={"record": "Place"})]`` is a global id of that record
in GraphQL and a plain UUID in the struct; other UUIDs stay plain.
"""

import enum
import types
import typing
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec
import strawberry

from jingwei_api.schema import global_id
from jingwei_api.schema.meanings import StructPart
from jingwei_api.schema.naming import camel
from jingwei_api.schema.scalars import Enums, JsonValue, Long
from jingwei_api.schema.types import Field, TypeSpace, listed, optional
from jingwei_sdk.errors import Invalid, Refused

_SCALARS: Mapping[Any, Any] = {
    str: str,
    bool: bool,
    int: Long,
    float: float,
    datetime: datetime,
    date: date,
    uuid.UUID: uuid.UUID,
    object: JsonValue,
    Any: JsonValue,
}

_AS_THEY_COME = frozenset({str, bool, int, float, datetime, date, uuid.UUID})


@dataclass(frozen=True, slots=True)
class Shape:
    """How one struct field travels: its bare type, and what surrounds it."""

    bare: Any
    is_list: bool = False
    is_null: bool = False
    record: str | None = None
    description: str | None = None

    @property
    def is_plain(self) -> bool:
        """Whether values go in as they come, one by one or in a list."""
        return self.record is None and self.bare in _AS_THEY_COME


def shape_of(annotation: Any) -> Shape:
    """Take a field's annotation apart; raises ``Refused`` (``INPUT_TYPE_UNKNOWN``)."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return _annotated(arguments)
    if origin in (types.UnionType, typing.Union):
        rest = [part for part in arguments if part not in (type(None), msgspec.UnsetType)]
        if len(rest) != 1:
            raise Refused("INPUT_TYPE_UNKNOWN", kind=str(annotation))
        inner = shape_of(rest[0])
        is_null = inner.is_null or len(rest) < len(arguments)
        return Shape(inner.bare, inner.is_list, is_null, inner.record, inner.description)
    if origin in (list, tuple, set, frozenset):
        inner = shape_of(arguments[0])
        if inner.is_list:
            raise Refused("INPUT_TYPE_UNKNOWN", kind=str(annotation))
        return Shape(inner.bare, True, False, inner.record, inner.description)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return Shape(object)
    if isinstance(annotation, type) and issubclass(annotation, Mapping):
        return Shape(object)
    return Shape(annotation)


def _annotated(arguments: tuple[Any, ...]) -> Shape:
    inner = shape_of(arguments[0])
    record, description = inner.record, inner.description
    for meta in arguments[1:]:
        if isinstance(meta, msgspec.Meta):
            record = (meta.extra or {}).get("record", record)
            description = meta.description or description
    return Shape(inner.bare, inner.is_list, inner.is_null, record, description)


class Structs:
    """The types of one schema that come from structs; the same struct of one package gives the same
    type, and packages share a type where they name it alike.

    What a package's types are called so depends on itself alone, not on which others there are.
    """

    def __init__(self, space: TypeSpace, enums: Enums) -> None:
        self._space = space
        self._enums = enums
        self._made: dict[tuple[type, bool, str], str] = {}
        self.by_name: dict[str, tuple[type, bool]] = {}
        """The struct behind each type, and whether that is an input."""

    def input_type(self, struct: type[msgspec.Struct], name: str, owner: str) -> str:
        """The name of the input type of a struct."""
        return self._type(struct, name, owner, is_input=True)

    def input_fields(self, struct: type[msgspec.Struct], owner: str) -> list[Field]:
        """The fields of a struct as an input has them."""
        return [
            self._field(struct, field, owner, is_input=True)
            for field in msgspec.structs.fields(struct)
        ]

    def output_type(
        self, struct: type[msgspec.Struct], name: str, owner: str, more: tuple[Field, ...] = ()
    ) -> str:
        """The name of the object type of a struct, with ``more`` fields than the struct has.

        Raises ``Refused`` (``SCHEMA_CLASH``) when there is one without them.
        """
        if more and (name in self.by_name or (struct, False, owner) in self._made):
            raise Refused("SCHEMA_CLASH", name=name, owners=[owner])
        return self._type(struct, name, owner, more, is_input=False)

    def _type(
        self,
        struct: type[msgspec.Struct],
        name: str,
        owner: str,
        more: tuple[Field, ...] = (),
        *,
        is_input: bool,
    ) -> str:
        key = (struct, is_input, owner)
        if key in self._made:
            return self._made[key]
        self._made[key] = name
        if self.by_name.get(name) == (struct, is_input):
            return name
        self.by_name.setdefault(name, (struct, is_input))
        fields = [
            self._field(struct, field, owner, is_input=is_input)
            for field in msgspec.structs.fields(struct)
        ]
        text = (struct.__doc__ or "").strip().split("\n", 1)[0]
        make = self._space.input if is_input else self._space.object
        make(name, [*fields, *more], owner=owner, description=text)
        return name

    def _field(
        self, struct: type, field: msgspec.structs.FieldInfo, owner: str, *, is_input: bool
    ) -> Field:
        shape = shape_of(field.type)
        kind = self._kind(shape, owner, is_input=is_input)
        if shape.is_list:
            kind = listed(kind)
        if shape.is_null or (is_input and not field.required):
            kind = optional(kind)
        meaning = None if is_input else StructPart(field.name, _value(field.name, shape))
        return Field(field.name, kind, shape.description, owner=owner, meaning=meaning)

    def _kind(self, shape: Shape, owner: str, *, is_input: bool) -> Any:
        bare = shape.bare
        if shape.record is not None:
            return strawberry.ID
        if typing.get_origin(bare) is Literal:
            return str
        if isinstance(bare, type) and issubclass(bare, msgspec.Struct):
            name = bare.__name__
            if is_input and not name.endswith("Input"):
                name += "Input"
            return self._type(bare, name, owner, is_input=is_input)
        if isinstance(bare, type) and issubclass(bare, enum.Enum):
            return self._enums.graphql(bare, owner)
        if bare in _SCALARS:
            return _SCALARS[bare]
        raise Refused("INPUT_TYPE_UNKNOWN", kind=str(bare), owner=owner)


def struct_value(
    struct: type[msgspec.Struct], given: Mapping[str, Any] | None, where: str = "input"
) -> msgspec.Struct:
    """The struct for an input value, which is found at ``where``.

    Raises ``Invalid`` with the path of the field: ``INPUT_INVALID``, ``ID_INVALID``,
    ``ID_OF_OTHER_TYPE``.
    """
    plain = _plain(struct, given or {}, where)
    try:
        return msgspec.convert(plain, struct, strict=True, str_keys=False)
    except msgspec.ValidationError as error:
        cause, _, at = str(error).partition(" - at `$")
        path = where + "".join(
            "." + camel(part) if part and not part.startswith("[") else part
            for part in at.rstrip("`").split(".")
        )
        raise Invalid("INPUT_INVALID", field=path.lstrip("."), cause=cause) from error


def _plain(struct: type[msgspec.Struct], given: Mapping[str, Any], where: str) -> dict[str, Any]:
    known = _shapes(struct)
    plain = {}
    for name, value in given.items():
        known_as = known[name]
        if value is None and not known_as.shape.is_null:
            # null for an input that may be left out but has no null: the same as leaving it out.
            continue
        if not known_as.is_plain:
            place = f"{where}.{known_as.told}" if where else known_as.told
            value = _converted(known_as.shape, value, place)
        plain[known_as.encoded] = value
    return plain


class _Known(msgspec.Struct, frozen=True):
    """A field as msgspec and as the client spells it; ``is_plain`` is that of its shape."""

    encoded: str
    told: str
    shape: Shape
    is_plain: bool


@lru_cache(maxsize=1024)
def _shapes(struct: type[msgspec.Struct]) -> Mapping[str, _Known]:
    """What is known of each field: annotations are taken apart once."""
    found = {}
    for field in msgspec.structs.fields(struct):
        shape = shape_of(field.type)
        found[field.name] = _Known(field.encode_name, camel(field.name), shape, shape.is_plain)
    return found


def _converted(shape: Shape, value: Any, where: str) -> Any:
    if value is None:
        return None
    if shape.is_list and isinstance(value, list):
        single = Shape(shape.bare, record=shape.record)
        return [_converted(single, item, f"{where}[{at}]") for at, item in enumerate(value)]
    if shape.record is not None:
        return global_id.decode_as(shape.record, value, where)
    if isinstance(shape.bare, type) and issubclass(shape.bare, msgspec.Struct):
        return _plain(shape.bare, value, where)
    return value.value if isinstance(value, enum.Enum) else value


def _value(name: str, shape: Shape) -> Callable[[Any], Any]:
    """A function that takes a field's value out of an answer."""

    def value_of(source: Any) -> Any:
        value = source[name] if isinstance(source, Mapping) else getattr(source, name)
        if value is None or value is msgspec.UNSET:
            return None
        return [_told(shape, item) for item in value] if shape.is_list else _told(shape, value)

    return value_of


def _told(shape: Shape, value: Any) -> Any:
    """A value of the answer; kept answers hold ids and times as text."""
    if shape.record is not None:
        return global_id.encode(shape.record, uuid.UUID(str(value)))
    if shape.bare in (datetime, date) and isinstance(value, str):
        return shape.bare.fromisoformat(value)
    if isinstance(shape.bare, type) and issubclass(shape.bare, enum.Enum):
        return shape.bare(value)
    return value
