"""The S3 store (对象存储服务): any server that speaks S3, through the ``minio`` client."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, TypeVar

import urllib3
from minio import Minio
from minio.commonconfig import ENABLED
from minio.datatypes import PostPolicy
from minio.error import InvalidResponseError, S3Error, ServerError
from minio.retention import Retention
from minio.versioningconfig import VersioningConfig

from jingwei_core.evidence.keys import Area, checked_key, checked_prefix
from jingwei_core.evidence.signing import content_disposition, utc_now
from jingwei_core.evidence.store import (
    CHUNK_BYTES,
    Download,
    ListedObject,
    LockMode,
    ObjectInfo,
    UploadTerms,
    UploadTicket,
    checked_expiry,
    checked_terms,
    lock_time,
)
from jingwei_sdk.errors import Conflict, Invalid, NotFound, Unavailable

_DIGEST_HEADER = "x-amz-meta-sha256"
_MISSING = frozenset({"NoSuchKey", "NoSuchVersion", "NoSuchObject"})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class S3Access:
    """Where the server is and who we are to it.

    ``endpoint`` is ``host:port`` as this process reaches it, ``public_endpoint`` as clients do, if
    that differs. ``region`` must be told: the client would ask the server for it at each signature.
    """

    endpoint: str
    access_key: str
    secret_key: str
    bucket: str
    region: str = "us-east-1"
    secure: bool = True
    public_endpoint: str | None = None


class S3Store:
    """An :class:`~jingwei_core.evidence.store.ObjectStore` in a versioned bucket with object lock.

    ``lock_mode`` is GOVERNANCE by default: a photo that shows a state secret or a person who has a
    right to deletion (个人信息保护法 §47) must be removable before its time by someone outside the
    platform, whose credential alone holds the bypass right. COMPLIANCE closes that door as well.
    """

    def __init__(self, access: S3Access, *, lock_mode: LockMode = LockMode.GOVERNANCE) -> None:
        self._bucket = access.bucket
        self._client = _client(access, access.endpoint)
        public = access.public_endpoint or access.endpoint
        self._signer = _client(access, public)
        self._url = f"{'https' if access.secure else 'http'}://{public}/{access.bucket}"
        self.lock_mode = lock_mode

    async def ensure_ready(self) -> None:
        """Create the bucket with object lock when it is absent.

        Raises ``Unavailable`` (``EVIDENCE_BUCKET_UNLOCKED``) for a bucket that was made without.
        """
        await _call(self._make_bucket)

    async def presign_upload(self, terms: UploadTerms) -> UploadTicket:
        """A POST policy; signed here, without asking the server."""
        checked_key(checked_terms(terms).key, Area.STAGED)
        expires_at = utc_now().replace(microsecond=0) + checked_expiry(terms.expires_s)
        signed = {
            "key": terms.key,
            "Content-Type": terms.content_type,
            _DIGEST_HEADER: terms.sha256,
        }
        policy = PostPolicy(self._bucket, expires_at)
        for name, value in signed.items():
            policy.add_equals_condition(name, value)
        policy.add_content_length_range_condition(terms.size, terms.size)
        form = await asyncio.to_thread(self._signer.presigned_post_policy, policy)
        return UploadTicket(self._url, {**signed, **form}, expires_at)

    async def presign_download(self, key: str, shown: Download, expires_s: int) -> str:
        """A presigned GET; signed here, without asking the server."""
        return await asyncio.to_thread(
            self._signer.presigned_get_object,
            self._bucket,
            checked_key(key),
            expires=checked_expiry(expires_s),
            response_headers={
                "response-content-disposition": content_disposition(shown),
                "response-content-type": shown.content_type,
                "response-cache-control": "private, no-store",
            },
        )

    async def stat(self, key: str) -> ObjectInfo:
        """One HEAD request."""
        return await _call(self._stat, checked_key(key))

    async def read(self, key: str, *, limit: int) -> AsyncIterator[bytes]:
        """Chunks of 256 KiB at most, of one version even when the key is written meanwhile."""
        response = await _call(self._client.get_object, self._bucket, checked_key(key))
        try:
            size = int(response.headers["Content-Length"])
            if size > limit:
                raise Invalid("EVIDENCE_SIZE", size=size, limit=limit)
            while chunk := await _call(response.read, CHUNK_BYTES):
                yield chunk
        finally:
            response.close()
            response.release_conn()

    async def put(
        self, key: str, source: bytes | Path, *, content_type: str, sha256: str
    ) -> ObjectInfo:
        """One PUT, or a multipart upload for large files; both appear whole."""
        return await _call(self._put, checked_key(key), source, content_type, sha256)

    async def lock(self, key: str, until: datetime) -> None:
        """Retention on the newest version, in the mode of this store."""
        checked_key(key, Area.ORIGINAL)
        await _call(self._lock, key, lock_time(until))

    async def delete(self, key: str) -> None:
        """Every version; a delete marker alone would keep the bytes for ever."""
        await _call(self._delete, checked_key(key))

    async def list_prefix(
        self, prefix: str, *, older_than: datetime | None = None, limit: int = 1000
    ) -> list[ListedObject]:
        """Times are those of the server."""
        return await _call(self._list, checked_prefix(prefix), older_than, limit)

    def _make_bucket(self) -> None:
        if not self._client.bucket_exists(self._bucket):
            try:
                self._client.make_bucket(self._bucket, object_lock=True)
            except S3Error as refused:
                if refused.code != "BucketAlreadyOwnedByYou":
                    raise
        try:
            self._client.get_object_lock_config(self._bucket)
        except S3Error as refused:
            if refused.code != "ObjectLockConfigurationNotFoundError":
                raise
            raise Unavailable("EVIDENCE_BUCKET_UNLOCKED", bucket=self._bucket) from refused
        if self._client.get_bucket_versioning(self._bucket).status != ENABLED:
            self._client.set_bucket_versioning(self._bucket, VersioningConfig(ENABLED))

    def _head(self, key: str, version: str | None = None) -> tuple[ObjectInfo, str | None]:
        found = self._client.stat_object(self._bucket, key, version_id=version)
        headers: Mapping[str, str] = found.metadata or {}
        retained = headers.get("x-amz-object-lock-retain-until-date")
        info = ObjectInfo(
            key=key,
            size=found.size or 0,
            content_type=found.content_type or "application/octet-stream",
            declared_sha256=headers.get(_DIGEST_HEADER),
            modified_at=found.last_modified or datetime.min.replace(tzinfo=UTC),
            locked_until=_retention_time(retained) if retained else None,
        )
        return info, found.version_id

    def _stat(self, key: str) -> ObjectInfo:
        return self._head(key)[0]

    def _put(self, key: str, source: bytes | Path, content_type: str, sha256: str) -> ObjectInfo:
        self._refuse_locked(key, self._versions(key))
        with _opened(source) as (stream, size):
            self._client.put_object(
                self._bucket, key, stream, size, content_type, metadata={"sha256": sha256}
            )
        return self._stat(key)

    def _lock(self, key: str, until: datetime) -> None:
        info, version = self._head(key)
        if info.locked_until is not None and info.locked_until > until:
            raise Conflict("EVIDENCE_LOCKED", until=info.locked_until.isoformat())
        retention = Retention(self.lock_mode.value, until)
        with _refusal_means_locked():
            self._client.set_object_retention(self._bucket, key, retention, version_id=version)

    def _versions(self, key: str) -> list[tuple[str | None, bool]]:
        """Version id and whether it is a delete marker, of exactly this key."""
        listed = self._client.list_objects(self._bucket, key, include_version=True)
        return [(v.version_id, v.is_delete_marker) for v in listed if v.object_name == key]

    def _refuse_locked(self, key: str, versions: list[tuple[str | None, bool]]) -> None:
        for version, is_marker in versions:
            until = None if is_marker else self._head(key, version)[0].locked_until
            if until is not None and until > utc_now():
                raise Conflict("EVIDENCE_LOCKED", until=until.isoformat())

    def _delete(self, key: str) -> None:
        versions = self._versions(key)
        self._refuse_locked(key, versions)
        with _refusal_means_locked():
            for version, _ in versions:
                self._client.remove_object(self._bucket, key, version_id=version)

    def _list(self, prefix: str, older_than: datetime | None, limit: int) -> list[ListedObject]:
        found: list[ListedObject] = []
        for item in self._client.list_objects(self._bucket, prefix, recursive=True):
            if len(found) == limit:
                break
            if item.object_name is None or item.last_modified is None:
                continue
            if older_than is None or item.last_modified < older_than:
                found.append(ListedObject(item.object_name, item.size or 0, item.last_modified))
        return found


def _client(access: S3Access, endpoint: str) -> Minio:
    """A client whose waits end: the library's own default is five minutes and five retries."""
    pool = urllib3.PoolManager(
        timeout=urllib3.Timeout(connect=5, read=60),
        retries=urllib3.Retry(total=2, backoff_factor=0.2, status_forcelist=(500, 502, 503, 504)),
        maxsize=16,
    )
    return Minio(
        endpoint,
        access_key=access.access_key,
        secret_key=access.secret_key,
        region=access.region,
        secure=access.secure,
        http_client=pool,
    )


async def _call(function: Callable[..., T], *arguments: object) -> T:
    """Run a blocking call in a thread and translate what the library raises."""
    try:
        return await asyncio.to_thread(function, *arguments)
    except S3Error as refused:
        raise _translated(refused) from refused
    except (urllib3.exceptions.HTTPError, ServerError, InvalidResponseError) as broken:
        raise Unavailable("EVIDENCE_STORE_UNAVAILABLE") from broken


def _translated(refused: S3Error) -> Exception:
    if refused.code in _MISSING:
        return NotFound("EVIDENCE_NOT_FOUND")
    return Unavailable("EVIDENCE_STORE_UNAVAILABLE", reason=refused.code)


@contextmanager
def _refusal_means_locked() -> Iterator[None]:
    """The server's own refusal of a change: locked since we looked, or under a legal hold."""
    try:
        yield
    except S3Error as refused:
        if refused.code != "AccessDenied":
            raise
        raise Conflict("EVIDENCE_LOCKED", until="") from refused


@contextmanager
def _opened(source: bytes | Path) -> Iterator[tuple[BinaryIO, int]]:
    if isinstance(source, bytes):
        yield io.BytesIO(source), len(source)
        return
    with source.open("rb") as file:
        yield file, source.stat().st_size


def _retention_time(text: str) -> datetime:
    """An ISO time with any number of decimals: RADOS Gateway writes nanoseconds, AWS none."""
    return datetime.fromisoformat(text.split(".")[0].rstrip("Z")).replace(tzinfo=UTC)
