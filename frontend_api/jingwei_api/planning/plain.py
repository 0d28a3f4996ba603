"""Plain answers (普通答复): what a command answers that is no row."""

from collections.abc import Callable, Sequence
from typing import Any

from graphql import GraphQLList, GraphQLNonNull, GraphQLObjectType

from jingwei_api.planning.collecting import Chosen
from jingwei_api.planning.working import completer
from jingwei_api.schema.meanings import StructPart


def plain_object(chosen: Sequence[Chosen], source: Any) -> dict[str, Any]:
    """The fields chosen of a struct's values, as JSON; raises for what is not of a field's type."""
    return {one.key: reader_of(one)(source) for one in chosen}


def reader_of(chosen: Chosen) -> Callable[[Any], Any]:
    """A function that takes one field out of them, as :func:`plain_object` has it."""
    if not isinstance(chosen.meaning, StructPart):
        return lambda source: chosen.parent  # __typename
    told = chosen.meaning.told
    if isinstance(chosen.told.named, GraphQLObjectType):
        return lambda source: _objects(chosen, chosen.told.type, told(source))
    write = completer(chosen.told.type)
    return lambda source: write(told(source))


def _objects(chosen: Chosen, kind: Any, value: Any) -> Any:
    if isinstance(kind, GraphQLNonNull):
        kind = kind.of_type
    if value is None:
        return None
    if isinstance(kind, GraphQLList):
        return [_objects(chosen, kind.of_type, item) for item in value]
    return plain_object(chosen.below(), value)
