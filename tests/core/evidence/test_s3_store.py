"""What only S3 has: a server that refuses by itself, and one that may be away."""

import asyncio
import hashlib
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from minio import Minio
from minio.error import S3Error

from jingwei_core.evidence.keys import Area, object_key
from jingwei_core.evidence.s3 import S3Access, S3Store
from jingwei_core.evidence.store import Download, LockMode, UploadTerms
from jingwei_sdk.errors import Conflict, Unavailable

BYTES = b"the bytes of a photo"
DIGEST = hashlib.sha256(BYTES).hexdigest()


@pytest.fixture
def raw(s3_access: S3Access) -> Minio:
    """The server itself, past the store, with the store's own credential."""
    return Minio(
        s3_access.endpoint,
        s3_access.access_key,
        s3_access.secret_key,
        secure=False,
        region=s3_access.region,
    )


@pytest.fixture
def nobody() -> Iterator[S3Access]:
    """An address where nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        endpoint = f"127.0.0.1:{taken.getsockname()[1]}"
        yield S3Access(endpoint, "key", "secret", "evidence", secure=False)


@pytest.mark.parametrize("mode", LockMode)
async def test_the_server_itself_refuses_to_delete_a_locked_original(
    s3_access: S3Access, raw: Minio, tenant: UUID, mode: LockMode
):
    store = S3Store(s3_access, lock_mode=mode)
    await store.ensure_ready()
    key = object_key(tenant, Area.ORIGINAL, str(uuid4()))
    await store.put(key, BYTES, content_type="image/jpeg", sha256=DIGEST)
    # A minute: in COMPLIANCE nobody can remove it sooner, this test included.
    await store.lock(key, datetime.now(UTC) + timedelta(minutes=1))
    found = await asyncio.to_thread(raw.stat_object, s3_access.bucket, key)

    with pytest.raises(S3Error) as refusal:
        await asyncio.to_thread(
            raw.remove_object, s3_access.bucket, key, version_id=found.version_id
        )

    assert refusal.value.code == "AccessDenied"
    assert found.metadata["x-amz-object-lock-mode"] == mode.value
    assert (await store.stat(key)).size == len(BYTES)


async def test_a_delete_marker_set_past_the_store_does_not_free_a_locked_original(
    s3_access: S3Access, raw: Minio, tenant: UUID
):
    store = S3Store(s3_access)
    await store.ensure_ready()
    key = object_key(tenant, Area.ORIGINAL, str(uuid4()))
    await store.put(key, BYTES, content_type="image/jpeg", sha256=DIGEST)
    await store.lock(key, datetime.now(UTC) + timedelta(minutes=1))
    await asyncio.to_thread(raw.remove_object, s3_access.bucket, key)

    with pytest.raises(Conflict) as deletion:
        await store.delete(key)
    with pytest.raises(Conflict) as replacement:
        await store.put(key, b"forged", content_type="image/jpeg", sha256=DIGEST)

    assert (deletion.value.code, replacement.value.code) == ("EVIDENCE_LOCKED",) * 2


async def test_a_bucket_made_without_object_lock_is_refused(s3_access: S3Access, raw: Minio):
    plain = replace(s3_access, bucket=f"plain-{uuid4()}")
    await asyncio.to_thread(raw.make_bucket, plain.bucket)
    with pytest.raises(Unavailable) as refusal:
        await S3Store(plain).ensure_ready()
    assert refusal.value.code == "EVIDENCE_BUCKET_UNLOCKED"


async def test_two_processes_may_make_the_bucket_at_once(s3_access: S3Access):
    fresh = replace(s3_access, bucket=f"fresh-{uuid4()}")
    await asyncio.gather(*(S3Store(fresh).ensure_ready() for _ in range(4)))


async def test_a_wrong_key_of_the_server_is_said_as_unavailable(s3_access: S3Access, tenant: UUID):
    store = S3Store(replace(s3_access, secret_key="wrong"))
    with pytest.raises(Unavailable) as refusal:
        await store.stat(object_key(tenant, Area.ORIGINAL, "a"))
    assert refusal.value.code == "EVIDENCE_STORE_UNAVAILABLE"


async def test_a_server_that_is_away_is_said_soon(nobody: S3Access, tenant: UUID):
    store = S3Store(nobody)
    key = object_key(tenant, Area.ORIGINAL, "a")
    start = time.monotonic()
    for attempt in (store.ensure_ready, lambda: store.stat(key), lambda: store.delete(key)):
        with pytest.raises(Unavailable) as refusal:
            await attempt()
        assert refusal.value.code == "EVIDENCE_STORE_UNAVAILABLE"
    assert time.monotonic() - start < 10


async def test_signing_asks_no_server_and_names_the_public_address(nobody: S3Access, tenant: UUID):
    store = S3Store(replace(nobody, public_endpoint="photos.city.example", secure=True))
    key = object_key(tenant, Area.STAGED, "a")

    ticket = await store.presign_upload(UploadTerms(key, "image/png", 1, DIGEST, 60))
    url = await store.presign_download(key, Download("a.png", "image/png"), 60)

    assert ticket.url == "https://photos.city.example/evidence"
    assert url.startswith(f"https://photos.city.example/evidence/{key}?")
