"""Rule files (规则文件) as their structs: what a tenant's package says, or what is stored of it."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from jingwei_sdk.errors import Invalid

Shape = TypeVar("Shape", bound=msgspec.Struct)

_POSITION = re.compile(r"\[(\d+)\]")


def read_rule_file(document: Mapping[str, Any], shape: type[Shape], code: str) -> Shape:
    """The struct that a TOML or JSON document is.

    Raises ``Invalid`` with the code, the field and, as ``cause``, what is wrong with it.
    """
    try:
        return msgspec.convert(dict(document), shape)
    except msgspec.ValidationError as error:
        cause, field = cause_and_field(error)
        raise Invalid(code, field=field or None, cause=cause) from error


def cause_and_field(error: msgspec.ValidationError) -> tuple[str, str]:
    """What is wrong, and the path of where, empty for the document itself. Arrays count from 1
    wherever a package is spoken of."""
    cause, _, path = str(error).partition(" - at ")
    named = path.strip("`").removeprefix("$").lstrip(".")
    return cause, _POSITION.sub(lambda found: f"[{int(found[1]) + 1}]", named)
