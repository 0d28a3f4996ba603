"""The folder store (本地证据库): the contract of S3 with files, for one machine and for tests."""

import asyncio
import fcntl
import os
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from stat import S_ISREG

import msgspec

from jingwei_core.evidence.keys import Area, checked_key, checked_prefix
from jingwei_core.evidence.signing import Clock, Signer, utc_now
from jingwei_core.evidence.store import (
    CHUNK_BYTES,
    Download,
    ListedObject,
    LockMode,
    ObjectInfo,
    UploadTerms,
    UploadTicket,
    checked_terms,
    lock_time,
)
from jingwei_core.evidence.upload_form import read_form
from jingwei_sdk.errors import Conflict, Invalid, NotFound, Unavailable

UPLOAD_PATH = "/evidence/upload"
DOWNLOAD_PATH = "/evidence/download"


class _Facts(msgspec.Struct, frozen=True):
    """What is kept beside an object's bytes."""

    content_type: str
    sha256: str
    locked_until: datetime | None = None
    lock_mode: LockMode | None = None


@dataclass(frozen=True, slots=True)
class SignedObject:
    """An object a signed URL opened: its file, and the headers the answer must carry."""

    path: Path
    info: ObjectInfo
    headers: Mapping[str, str]


class LocalStore:
    """An :class:`~jingwei_core.evidence.store.ObjectStore` in a folder.

    ``base_url`` is where the HTTP layer serves :meth:`accept_upload` (POST ``/evidence/upload``)
    and :meth:`open_signed` (GET ``/evidence/download/<key>``). ``secret`` signs both and has at
    least 32 bytes. A lock is kept beside the object and refuses this store's own calls in every
    process, plus a read-only mode bit; it cannot bind the owner of the disk, hence ``GOVERNANCE``.
    """

    lock_mode = LockMode.GOVERNANCE

    def __init__(
        self, folder: Path, *, secret: bytes, base_url: str, clock: Clock = utc_now
    ) -> None:
        self._objects = folder / "objects"
        self._facts = folder / "facts"
        self._incoming = folder / "incoming"
        self._guard = folder / "guard"
        self._base_url = base_url.rstrip("/")
        self._signer = Signer(secret, clock)
        self._clock = clock

    async def ensure_ready(self) -> None:
        """Create the folders, readable by this user only; drop uploads a crash broke off."""
        await asyncio.to_thread(self._make_folders)

    async def presign_upload(self, terms: UploadTerms) -> UploadTicket:
        """A form for :meth:`accept_upload`."""
        checked_key(checked_terms(terms).key, Area.STAGED)
        fields, expires_at = self._signer.form(terms)
        return UploadTicket(self._base_url + UPLOAD_PATH, fields, expires_at)

    async def presign_download(self, key: str, shown: Download, expires_s: int) -> str:
        """A URL for :meth:`open_signed`."""
        query = self._signer.query(checked_key(key), shown, expires_s)
        return f"{self._base_url}{DOWNLOAD_PATH}/{key}?{query}"

    async def accept_upload(self, content_type: str, body: AsyncIterator[bytes]) -> ObjectInfo:
        """Keep the file of a posted form, whole or not at all; the signature is judged first.

        ``content_type`` is the request's header, ``body`` its raw stream. Raises ``Denied``
        (``EVIDENCE_SIGNATURE``, ``EVIDENCE_EXPIRED``), ``Invalid`` (``EVIDENCE_SIZE``,
        ``EVIDENCE_FORM``).
        """
        form = await read_form(content_type, body)
        terms = self._signer.terms(form.fields)
        incoming = self._incoming / secrets.token_hex(16)
        try:
            await _receive(form.file, incoming, terms.size)
            facts = _Facts(terms.content_type, terms.sha256)
            return await asyncio.to_thread(self._keep, terms.key, incoming, facts)
        finally:
            await asyncio.to_thread(incoming.unlink, missing_ok=True)

    async def open_signed(self, key: str, query: Mapping[str, str]) -> SignedObject:
        """The object a signed URL names.

        Raises ``Denied`` (``EVIDENCE_SIGNATURE``, ``EVIDENCE_EXPIRED``) before it is looked for,
        then ``NotFound``.
        """
        headers = {
            **self._signer.shown(checked_key(key), query),
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "private, no-store",
        }
        return SignedObject(self._objects / key, await self.stat(key), headers)

    async def stat(self, key: str) -> ObjectInfo:
        """Size as the file system has it, the rest as written."""
        return await asyncio.to_thread(self._stat, checked_key(key))

    async def read(self, key: str, *, limit: int) -> AsyncIterator[bytes]:
        """Chunks of 256 KiB."""
        info = await self.stat(key)
        if info.size > limit:
            raise Invalid("EVIDENCE_SIZE", size=info.size, limit=limit)
        file = await asyncio.to_thread((self._objects / key).open, "rb")
        try:
            while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
                yield chunk
        finally:
            await asyncio.to_thread(file.close)

    async def put(
        self, key: str, source: bytes | Path, *, content_type: str, sha256: str
    ) -> ObjectInfo:
        """Written beside, flushed to the disk, then renamed."""
        incoming = self._incoming / secrets.token_hex(16)
        facts = _Facts(content_type, sha256)
        try:
            await asyncio.to_thread(_copy, source, incoming)
            return await asyncio.to_thread(self._keep, checked_key(key), incoming, facts)
        finally:
            await asyncio.to_thread(incoming.unlink, missing_ok=True)

    async def lock(self, key: str, until: datetime) -> None:
        """Kept beside the object, with its mode bits read-only."""
        checked_key(key, Area.ORIGINAL)
        await asyncio.to_thread(self._lock, key, lock_time(until))

    async def delete(self, key: str) -> None:
        """Bytes first, then what is kept beside them."""
        await asyncio.to_thread(self._delete, checked_key(key))

    async def list_prefix(
        self, prefix: str, *, older_than: datetime | None = None, limit: int = 1000
    ) -> list[ListedObject]:
        """Times are those of the file system."""
        checked_prefix(prefix)
        return await asyncio.to_thread(self._list, prefix, older_than, limit)

    def _make_folders(self) -> None:
        try:
            for folder in (self._objects, self._facts, self._incoming):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._guard.touch(mode=0o600)
            _drop_broken_uploads(self._incoming, self._clock())
        except OSError as broken:
            raise Unavailable("EVIDENCE_STORE_UNAVAILABLE") from broken

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """One writer at a time over all processes: a lock cannot fall between check and delete."""
        with self._guard.open("rb") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            yield

    def _stat(self, key: str) -> ObjectInfo:
        try:
            status = (self._objects / key).stat()
            facts = msgspec.json.decode((self._facts / key).read_bytes(), type=_Facts)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise NotFound("EVIDENCE_NOT_FOUND") from None
        return ObjectInfo(
            key=key,
            size=status.st_size,
            content_type=facts.content_type,
            declared_sha256=facts.sha256,
            modified_at=datetime.fromtimestamp(status.st_mtime, UTC),
            locked_until=facts.locked_until,
        )

    def _refuse_locked(self, key: str) -> None:
        try:
            locked_until = self._stat(key).locked_until
        except NotFound:
            return
        if locked_until is not None and locked_until > self._clock():
            raise Conflict("EVIDENCE_LOCKED", until=locked_until.isoformat())

    def _keep(self, key: str, incoming: Path, facts: _Facts) -> ObjectInfo:
        with self._exclusive():
            self._refuse_locked(key)
            self._write_facts(key, facts)
            _move(incoming, self._objects / key)
            return self._stat(key)

    def _write_facts(self, key: str, facts: _Facts) -> None:
        beside = self._incoming / secrets.token_hex(16)
        _copy(msgspec.json.encode(facts), beside)
        _move(beside, self._facts / key)

    def _lock(self, key: str, until: datetime) -> None:
        with self._exclusive():
            info = self._stat(key)
            if info.locked_until is not None and info.locked_until > until:
                raise Conflict("EVIDENCE_LOCKED", until=info.locked_until.isoformat())
            facts = _Facts(info.content_type, info.declared_sha256 or "", until, self.lock_mode)
            self._write_facts(key, facts)
            (self._objects / key).chmod(0o400)

    def _delete(self, key: str) -> None:
        with self._exclusive():
            self._refuse_locked(key)
            (self._objects / key).unlink(missing_ok=True)
            (self._facts / key).unlink(missing_ok=True)

    def _list(self, prefix: str, older_than: datetime | None, limit: int) -> list[ListedObject]:
        found: list[ListedObject] = []
        for path in sorted((self._objects / prefix).glob("*")):
            if len(found) == limit:
                break
            try:
                status = path.stat()
            except FileNotFoundError:  # deleted since the folder was listed
                continue
            modified_at = datetime.fromtimestamp(status.st_mtime, UTC)
            if S_ISREG(status.st_mode) and (older_than is None or modified_at < older_than):
                key = path.relative_to(self._objects).as_posix()
                found.append(ListedObject(key, status.st_size, modified_at))
        return found


async def _receive(file: AsyncIterator[bytes], path: Path, size: int) -> None:
    """Write a stream of exactly ``size`` bytes and flush it to the disk."""
    received = 0
    target = await asyncio.to_thread(path.open, "xb")
    try:
        async for chunk in file:
            received += len(chunk)
            if received > size:
                raise Invalid("EVIDENCE_SIZE", size=received, limit=size)
            await asyncio.to_thread(target.write, chunk)
        if received < size:
            raise Invalid("EVIDENCE_SIZE", size=received, limit=size)
        target.flush()
        await asyncio.to_thread(os.fsync, target.fileno())
    finally:
        await asyncio.to_thread(target.close)


def _copy(source: bytes | Path, path: Path) -> None:
    with path.open("xb") as target:
        if isinstance(source, bytes):
            target.write(source)
        else:
            with source.open("rb") as original:
                while chunk := original.read(CHUNK_BYTES):
                    target.write(chunk)
        target.flush()
        os.fsync(target.fileno())


def _move(source: Path, target: Path) -> None:
    """Rename, and make the rename itself survive a power cut."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    source.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _drop_broken_uploads(folder: Path, now: datetime) -> None:
    """Files no writer can still be working on: older than a day."""
    for path in folder.iterdir():
        if now.timestamp() - path.stat().st_mtime > 24 * 3600:
            path.unlink(missing_ok=True)
