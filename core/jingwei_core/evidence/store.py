"""The object store (对象存储) as the platform sees it: one contract, a folder and S3 behind it."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from jingwei_sdk.errors import Invalid

CHUNK_BYTES = 256 * 1024
MAX_EXPIRES_S = 7 * 24 * 3600
"""Signature version 4 allows no longer life of a signed URL; the folder keeps to it too."""


class LockMode(StrEnum):
    """How hard a retention holds (对象锁定模式).

    GOVERNANCE: refused to everyone except a credential that holds the bypass right, which the
    platform's own must not hold. COMPLIANCE: refused to everyone, the owner of the server included.
    """

    GOVERNANCE = "GOVERNANCE"
    COMPLIANCE = "COMPLIANCE"


@dataclass(frozen=True, slots=True)
class UploadTerms:
    """What one upload may be: exactly this key, type, size in bytes and declared digest."""

    key: str
    content_type: str
    size: int
    sha256: str
    expires_s: int


@dataclass(frozen=True, slots=True)
class UploadTicket:
    """A ``multipart/form-data`` form the client posts: ``fields`` first, then the part ``file``."""

    url: str
    fields: Mapping[str, str]
    expires_at: datetime
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """A stored object. ``declared_sha256`` is what its writer said, not what was measured."""

    key: str
    size: int
    content_type: str
    declared_sha256: str | None
    modified_at: datetime
    locked_until: datetime | None


@dataclass(frozen=True, slots=True)
class ListedObject:
    """An object as a listing tells it."""

    key: str
    size: int
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class Download:
    """How a signed URL presents its object: the file name offered and the type told."""

    filename: str
    content_type: str
    inline: bool = True


class ObjectStore(Protocol):
    """Where evidence lies. Every key starts with the tenant's id (:mod:`.keys`).

    All methods raise ``Invalid`` (``EVIDENCE_KEY``) for a malformed key and ``Unavailable``
    (``EVIDENCE_STORE_UNAVAILABLE``) when the store does not answer.
    """

    async def ensure_ready(self) -> None:
        """Create what is missing (folder, or bucket with object lock) and prove it can lock."""

    async def presign_upload(self, terms: UploadTerms) -> UploadTicket:
        """A form that uploads one staged object once the client posts it; no network needed.

        The store itself refuses another key, type or size, or a late post. The digest is only
        recorded: whoever commits the upload must measure it. Raises ``Invalid``
        (``EVIDENCE_SIZE``, ``EVIDENCE_DIGEST``, ``EVIDENCE_TYPE``) for terms no upload could meet.
        """

    async def presign_download(self, key: str, shown: Download, expires_s: int) -> str:
        """A URL that reads one object until it expires; whether the object exists is not asked."""

    async def stat(self, key: str) -> ObjectInfo:
        """What is known of an object. Raises ``NotFound`` (``EVIDENCE_NOT_FOUND``)."""

    def read(self, key: str, *, limit: int) -> AsyncIterator[bytes]:
        """The bytes of an object in chunks.

        Raises ``NotFound`` (``EVIDENCE_NOT_FOUND``), and ``Invalid`` (``EVIDENCE_SIZE``) before the
        first byte when the object has more than ``limit`` bytes.
        """

    async def put(
        self, key: str, source: bytes | Path, *, content_type: str, sha256: str
    ) -> ObjectInfo:
        """Store an object of the platform's own, whole or not at all; an unlocked one is replaced.

        Raises ``Conflict`` (``EVIDENCE_LOCKED``) when the key holds a locked object.
        """

    async def lock(self, key: str, until: datetime) -> None:
        """Keep an original from change and deletion until a time; later calls may only extend it.

        Raises ``Conflict`` (``EVIDENCE_LOCKED``) on an earlier time, ``NotFound``.
        """

    async def delete(self, key: str) -> None:
        """Remove an object and all its versions; an absent one is no error.

        Raises ``Conflict`` (``EVIDENCE_LOCKED``) while it is locked, and nothing is removed.
        """

    async def list_prefix(
        self, prefix: str, *, older_than: datetime | None = None, limit: int = 1000
    ) -> list[ListedObject]:
        """Up to ``limit`` objects below a prefix, by key, last written before ``older_than``."""


def checked_terms(terms: UploadTerms) -> UploadTerms:
    """``terms`` themselves when an upload can meet them. Raises ``Invalid``."""
    if terms.size < 1:
        raise Invalid("EVIDENCE_SIZE", field="size", size=terms.size, limit=1)
    if len(terms.sha256) != 64 or set(terms.sha256) - set("0123456789abcdef"):
        raise Invalid("EVIDENCE_DIGEST", field="sha256")
    main, slash, rest = terms.content_type.partition("/")
    if not (main.isascii() and slash and rest.isascii() and terms.content_type.isprintable()):
        kind = repr(terms.content_type)
        raise Invalid("EVIDENCE_TYPE", field="content_type", content_type=kind, found=kind)
    checked_expiry(terms.expires_s)
    return terms


def checked_expiry(expires_s: int) -> timedelta:
    """The life of a signature. Raises ``ValueError`` outside 1 s to 7 days: a caller's mistake."""
    if not 1 <= expires_s <= MAX_EXPIRES_S:
        raise ValueError(f"expires_s must be 1 to {MAX_EXPIRES_S}, not {expires_s}")
    return timedelta(seconds=expires_s)


def lock_time(until: datetime) -> datetime:
    """``until`` in UTC, raised to the whole second: servers keep no finer retention."""
    if until.tzinfo is None:
        raise ValueError("the end of a retention needs a time zone")
    whole = until.astimezone(UTC).replace(microsecond=0)
    return whole if whole == until else whole + timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Measured:
    """The real size in bytes and digest of what was read."""

    size: int
    sha256: str


async def save_to(store: ObjectStore, key: str, path: Path, *, limit: int) -> Measured:
    """Copy an object into a new file and measure it on the way.

    Raises what :meth:`ObjectStore.read` raises; ``FileExistsError`` when the file is there.
    """
    digest, size = hashlib.sha256(), 0
    file = await asyncio.to_thread(path.open, "xb")
    try:
        async for chunk in store.read(key, limit=limit):
            digest.update(chunk)
            size += len(chunk)
            await asyncio.to_thread(file.write, chunk)
    finally:
        await asyncio.to_thread(file.close)
    return Measured(size, digest.hexdigest())
