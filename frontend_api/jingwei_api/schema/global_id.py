"""Global ids (全局标识): base64 of ``Type:uuid``, so that any node can be asked for by id alone."""

import binascii
import uuid
from functools import lru_cache

from jingwei_sdk.errors import Invalid

_KEPT = 8192
_LONGEST = 256
"""Far longer than the id of any type, and short enough to be remembered."""


def encode(type_name: str, row_id: uuid.UUID) -> str:
    """The global id of a row; opaque to clients."""
    return binascii.b2a_base64(f"{type_name}:{row_id}".encode(), newline=False).decode()


def decode(value: str, field: str | None = None) -> tuple[str, uuid.UUID]:
    """The type name and id in a global id; raises ``Invalid`` (``ID_INVALID``)."""
    try:
        return _decoded(value)
    except ValueError as error:
        raise Invalid("ID_INVALID", field=field) from error


def decode_as(type_name: str, value: str, field: str | None = None) -> uuid.UUID:
    """The row id in a global id of ``type_name``.

    Raises ``Invalid``: ``ID_INVALID``, or ``ID_OF_OTHER_TYPE`` when it names another type.
    """
    found, row_id = decode(value, field)
    if found != type_name:
        raise Invalid("ID_OF_OTHER_TYPE", field=field, expected=type_name)
    return row_id


@lru_cache(maxsize=_KEPT)
def _decoded(value: str) -> tuple[str, uuid.UUID]:
    """See :func:`decode`; remembered, for places and departments are named again and again."""
    if len(value) > _LONGEST:
        raise ValueError(len(value))
    told = binascii.a2b_base64(value, strict_mode=True)
    type_name, _, text = told.decode("ascii").partition(":")
    row_id = uuid.UUID(text)
    # One row has one id: spellings that only decode alike are refused.
    if str(row_id) != text or binascii.b2a_base64(told, newline=False).decode() != value:
        raise ValueError(value)
    return type_name, row_id
