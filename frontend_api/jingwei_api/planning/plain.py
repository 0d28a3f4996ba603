"""Plain answers (普通答复): what a command answers that is no row."""

from collections.abc import Sequence
from typing import Any

from graphql import GraphQLList, GraphQLNonNull, GraphQLObjectType

from jingwei_api.planning.collecting import Chosen
from jingwei_api.planning.working import completer
from jingwei_api.schema.meanings import StructPart


def plain_object(chosen: Sequence[Chosen], source: Any) -> dict[str, Any]:
    """The fields chosen of a struct's values, as JSON; raises for what is not of a field's type."""
    return {one.key: plain_field(one, source) for one in chosen}


def plain_field(chosen: Chosen, source: Any) -> Any:
    """One field of them, as :func:`plain_object` has it."""
    if not isinstance(chosen.meaning, StructPart):
        return chosen.parent  # __typename
    value = chosen.meaning.told(source)
    if isinstance(chosen.told.named, GraphQLObjectType):
        return _objects(chosen, chosen.told.type, value)
    return completer(chosen.told.type)(value)


def _objects(chosen: Chosen, kind: Any, value: Any) -> Any:
    if isinstance(kind, GraphQLNonNull):
        kind = kind.of_type
    if value is None:
        return None
    if isinstance(kind, GraphQLList):
        return [_objects(chosen, kind.of_type, item) for item in value]
    return plain_object(chosen.below(), value)
