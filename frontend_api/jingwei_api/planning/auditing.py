"""Audited reads (读取留痕): which rows of audited records an answer shows, and by which field."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from jingwei_api.planning.rows import HIDDEN_ID
from jingwei_api.schema import global_id

Shown = tuple[str, str, list[UUID]]
"""A field of the root, the record, and the ids of its rows."""


_HIDDEN = HIDDEN_ID.encode()


def shows_audited(data: bytes) -> bool:
    """Whether an answer shows a row of an audited record."""
    return _HIDDEN in data


def take_ids(data: dict[str, Any], names: Mapping[str, str]) -> list[Shown]:
    """Take the ids that only the audit log needs out of decoded JSON; ``names`` are those of the
    fields by their response keys."""
    found: dict[tuple[str, str], dict[UUID, None]] = {}
    for key, value in data.items():
        for told in _taken(value):
            record, row_id = global_id.decode(told)
            found.setdefault((names[key], record), {})[row_id] = None
    return [(field, record, list(ids)) for (field, record), ids in found.items()]


def _taken(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        told = value.pop(HIDDEN_ID, None)
        if told is not None:
            yield told
        for inner in value.values():
            yield from _taken(inner)
    elif isinstance(value, list):
        for entry in value:
            yield from _taken(entry)
