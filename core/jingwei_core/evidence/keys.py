"""Object keys (对象键): where a file of a tenant lies, and the only form a key may have."""

import re
from enum import StrEnum
from uuid import UUID

from jingwei_sdk.errors import Invalid

MAX_KEY_LENGTH = 200
"""Stays below the 256 bytes a Ceph pool with short names still takes, version suffix included."""

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_SEGMENT = r"[a-z0-9][a-z0-9._-]*"
_KEY = re.compile(rf"(?P<tenant>{_UUID})/(?P<area>{_SEGMENT})/{_SEGMENT}")
_PREFIX = re.compile(rf"{_UUID}/{_SEGMENT}/")


class Area(StrEnum):
    """What a key is for: it decides who may write it and whether it may be locked."""

    STAGED = "staged"
    """Uploads waiting for their commit: the only place a client can write to. Never locked."""
    ORIGINAL = "original"
    """Committed originals, written by the platform only and kept under object lock."""
    DERIVED = "derived"
    """Pictures made from an original, without metadata; they can be made again."""


def object_key(tenant: UUID, area: Area, name: str) -> str:
    """The key of ``name`` in an area of a tenant. Raises ``Invalid`` (``EVIDENCE_KEY``)."""
    return checked_key(f"{tenant}/{area}/{name}")


def area_prefix(tenant: UUID, area: Area) -> str:
    """The prefix of all keys of an area of a tenant."""
    return f"{tenant}/{area}/"


def checked_key(key: str, *areas: Area) -> str:
    """``key`` itself when it is well formed and in one of ``areas`` (any area when none is named).

    ``<tenant>/<area>/<name>`` and no deeper, so that no key is a folder of another. Lower-case
    segments that begin with a letter or digit leave no room for ``..``, an absolute path, a hidden
    file, or two keys that meet on a file system that ignores case.
    Raises ``Invalid`` (``EVIDENCE_KEY``).
    """
    match = _KEY.fullmatch(key)
    if match is None or len(key) > MAX_KEY_LENGTH:
        raise Invalid("EVIDENCE_KEY")
    if match["area"] not in (areas or tuple(Area)):
        raise Invalid("EVIDENCE_KEY")
    return key


def checked_prefix(prefix: str) -> str:
    """``prefix`` itself when it names a whole area of a tenant. Raises ``EVIDENCE_KEY``."""
    if _PREFIX.fullmatch(prefix) is None or len(prefix) > MAX_KEY_LENGTH:
        raise Invalid("EVIDENCE_KEY")
    return prefix
