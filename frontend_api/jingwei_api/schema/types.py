"""Making GraphQL types at run time: named types that may refer to each other before they exist."""

import types
from collections.abc import Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any, Self, get_args

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import StrawberryOptional, get_object_definition
from strawberry.types.field import StrawberryField
from strawberry.types.union import StrawberryUnion

from jingwei_api.schema.naming import NAME, camel
from jingwei_sdk.errors import Refused


class MeantField(StrawberryField):
    """A field that is planned by its ``meaning``; see :mod:`~.meanings`.

    ``owner`` is the package that declared it, empty for what comes with its type.
    """

    meaning: Any = None
    owner: str = ""

    def __copy__(self) -> Self:
        copied = super().__copy__()
        copied.meaning = self.meaning
        copied.owner = self.owner
        return copied


def optional(kind: Any) -> Any:
    """The type, or the name of a type, with null."""
    return f"{kind} | None" if isinstance(kind, str) else kind | None


def listed(kind: Any) -> Any:
    """A list of the type, or of the type with that name."""
    return f"list[{kind}]" if isinstance(kind, str) else types.GenericAlias(list, (kind,))


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a field; left out means absent from the arguments, not ``None``."""

    name: str
    annotation: Any
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """A field to make: ``name`` in Python's spelling, ``annotation`` a type or a type's name."""

    name: str
    annotation: Any
    description: str | None = None
    arguments: tuple[Argument, ...] = ()
    owner: str = ""
    is_subscription: bool = False
    graphql_name: str | None = None
    meaning: Any = None

    @property
    def spelt(self) -> str:
        """Its name as clients spell it."""
        return self.graphql_name or camel(self.name)


class NamedAnnotation(StrawberryAnnotation):
    """An annotation whose text names types of a space: ``Place``, ``list[Place | None] | None``.

    Compiling each text as Python, as the library does, took a quarter of the time that a schema of
    many plugins takes; and ``typing.Union``, which it asks, remembers each type it was asked about,
    and with it the whole schema that the type belongs to.
    """

    __slots__ = ()

    @property  # type: ignore[misc]
    def annotation(self) -> object:
        """Itself: a class that is made with it keeps it, and looks names up in its space."""
        return self

    def evaluate(self) -> type:
        """The type; raises ``NameError`` for one that is not there yet."""
        told = self.raw_annotation
        return self._read(told) if isinstance(told, str) else told  # type: ignore[return-value]

    def create_optional(
        self, evaled_type: Any, args: list[Any] | None = None
    ) -> StrawberryOptional:
        """The type with null."""
        given = [kind for kind in get_args(evaled_type) if kind is not NoneType]
        if len(given) != 1:
            return super().create_optional(evaled_type, args)
        return StrawberryOptional(NamedAnnotation(given[0], namespace=self.namespace).resolve())

    def _read(self, text: str) -> Any:
        if text.endswith(" | None"):
            return self._read(text.removesuffix(" | None")) | None
        if text.startswith("list["):
            return types.GenericAlias(list, (self._read(text[5:-1]),))
        found = (self.namespace or {}).get(text)
        if found is None:
            raise NameError(text)
        return found


class TypeSpace:
    """The named types of one schema; refuses a name or a field that is claimed twice."""

    def __init__(self) -> None:
        self._types: dict[str, Any] = {}
        self._owners: dict[str, str] = {}

    def claim(self, name: str, owner: str) -> None:
        """Reserve a type name; raises ``Refused`` (``SCHEMA_CLASH``, ``SCHEMA_NAME``)."""
        if not NAME.match(name) or name.startswith("__"):
            raise Refused("SCHEMA_NAME", name=name, owner=owner)
        if name in self._owners:
            raise Refused("SCHEMA_CLASH", name=name, owners=sorted((self._owners[name], owner)))
        self._owners[name] = owner

    def add(self, kind: type, owner: str) -> type:
        """Take in a type that was written by hand."""
        definition = get_object_definition(kind)
        name = definition.name if definition else kind.__name__
        self.claim(name, owner)
        self._types[name] = kind
        return kind

    def object(
        self,
        name: str,
        fields: Sequence[Field],
        *,
        owner: str,
        description: str = "",
        bases: tuple[type, ...] = (),
    ) -> type:
        """An output type."""
        return self._make(name, fields, owner, description, bases=bases)

    def input(
        self,
        name: str,
        fields: Sequence[Field],
        *,
        owner: str,
        description: str = "",
    ) -> type:
        """An input type."""
        return self._make(name, fields, owner, description, is_input=True)

    def union(self, name: str, members: Sequence[str], *, owner: str) -> None:
        """A union of object types, which may be made later."""
        self.claim(name, owner)
        told = tuple(self.annotation(member) for member in members)
        self._types[name] = StrawberryUnion(name, told)

    def lookup(self, name: str) -> Any:
        """The type called ``name``, once it was made."""
        return self._types[name]

    def annotation(self, kind: Any) -> StrawberryAnnotation:
        """The annotation of a type or of text that names types of this space."""
        return NamedAnnotation(kind, namespace=self._types)

    def field(self, spec: Field) -> StrawberryField:
        """The Strawberry field of a specification."""
        made = MeantField(
            python_name=spec.name,
            graphql_name=spec.spelt,
            type_annotation=self.annotation(spec.annotation),
            description=_plain_text(spec.description),
            is_subscription=spec.is_subscription,
        )
        made.meaning = spec.meaning
        made.owner = spec.owner
        made.arguments = [
            StrawberryArgument(
                python_name=argument.name,
                graphql_name=camel(argument.name),
                type_annotation=self.annotation(argument.annotation),
                description=argument.description,
            )
            for argument in spec.arguments
        ]
        return made

    def _make(
        self,
        name: str,
        fields: Sequence[Field],
        owner: str,
        description: str,
        *,
        is_input: bool = False,
        bases: tuple[type, ...] = (),
    ) -> type:
        self.claim(name, owner)
        refuse_doubles(name, fields, owner)
        finished = self._built(name, fields, description, is_input=is_input, bases=bases)
        self._types[name] = finished
        return finished

    def _built(
        self,
        name: str,
        fields: Sequence[Field],
        description: str,
        *,
        is_input: bool,
        bases: tuple[type, ...],
    ) -> type:
        """The Strawberry type of a name that was claimed."""
        made = {spec.name: self.field(spec) for spec in fields}
        # A class without a text of its own has one made of its signature.
        body = {**made, "__annotations__": {}, "__module__": __name__, "__doc__": description}
        kind = types.new_class(name, bases, {}, lambda space: space.update(body))
        finished: type = strawberry.type(
            kind, name=name, description=_plain_text(description), is_input=is_input
        )
        return finished


def _plain_text(text: str | None) -> str | None:
    """A docstring's first line without the double backticks of its own markup."""
    return text.replace("``", "`") if text else None


def refuse_doubles(name: str, fields: Sequence[Field], owner: str) -> None:
    """Raise ``Refused`` (``SCHEMA_CLASH``, ``SCHEMA_NAME``) for fields that a type cannot have."""
    owners: dict[str, str] = {}
    for spec in fields:
        spelt = spec.spelt
        if not NAME.match(spelt) or spelt.startswith("__"):
            raise Refused("SCHEMA_NAME", name=f"{name}.{spelt}", owner=spec.owner or owner)
        if spelt in owners:
            both = sorted((owners[spelt], spec.owner or owner))
            raise Refused("SCHEMA_CLASH", name=f"{name}.{spelt}", owners=both)
        owners[spelt] = spec.owner or owner
