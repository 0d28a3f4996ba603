"""Arguments (参数) of fields that functions answer: commands and questions."""

from collections.abc import Mapping
from typing import Any

from graphql import GraphQLError, GraphQLNonNull

from jingwei_api.planning.collecting import Chosen
from jingwei_api.planning.inputs import ABSENT, read


def given_to(chosen: Chosen, variables: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments by their Python names; what was left out is missing."""
    found = {name: read(given, variables) for name, given in chosen.given.items()}
    for name, argument in chosen.told.arguments.items():
        value = found.get(argument.python, ABSENT)
        if isinstance(argument.told.type, GraphQLNonNull) and value in (None, ABSENT):
            raise GraphQLError(f"Argument '{name}' of type '{argument.told.type}' is needed.")
    return {name: value for name, value in found.items() if value is not ABSENT}
