"""Arguments (参数) of fields that functions answer: commands and questions."""

from collections.abc import Mapping
from typing import Any

import msgspec

from jingwei_api.planning.building import storable
from jingwei_api.planning.collecting import Chosen
from jingwei_api.planning.inputs import ABSENT, read
from jingwei_api.schema.inputs import struct_value


def input_of(
    struct: type[msgspec.Struct], chosen: Chosen, variables: Mapping[str, Any]
) -> msgspec.Struct:
    """The arguments of a question as its input; raises ``Invalid`` with the argument: as
    :func:`~.inputs.struct_value`, and ``VALUE_UNSTORABLE``."""
    given = given_to(chosen, variables)
    own = {name: given[name] for name in struct.__struct_fields__ if name in given}
    for value in own.values():
        if isinstance(value, str):
            storable(value)
    return struct_value(struct, own, "")


def given_to(chosen: Chosen, variables: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments by their Python names; what was left out is missing.

    Raises ``GraphQLError`` for null where a value is needed.
    """
    found = {name: read(given, variables) for name, given in chosen.given.items()}
    return {name: value for name, value in found.items() if value is not ABSENT}
