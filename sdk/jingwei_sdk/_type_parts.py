"""What a type is made of (类型的组成), as msgspec sees it."""

from collections.abc import Iterator
from typing import Any

from msgspec.inspect import Field, Type, type_info


def parts_of(kind: Any) -> Iterator[Type]:
    """Every type that a type is made of, itself first; one that holds itself is gone through
    once."""
    return _parts(type_info(kind), [])


def _parts(info: Type, seen: list[Type]) -> Iterator[Type]:
    if info in seen:
        return
    seen.append(info)
    yield info
    for name in getattr(info, "__struct_fields__", ()):
        value = getattr(info, name)
        for part in value if isinstance(value, tuple) else (value,):
            inner = part.type if isinstance(part, Field) else part
            if isinstance(inner, Type):
                yield from _parts(inner, seen)
