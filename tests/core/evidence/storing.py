"""What the tests of the stores share: terms, posts and stored bytes."""

import hashlib
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from jingwei_core.evidence.keys import Area, object_key
from jingwei_core.evidence.store import (
    Download,
    ObjectStore,
    UploadTerms,
    UploadTicket,
)
from jingwei_sdk.errors import NotFound

BYTES = b"\xff\xd8 the bytes of a photo \r\n--boundary\r\n \xff\xd9"
DIGEST = hashlib.sha256(BYTES).hexdigest()
SHOWN = Download("栏杆 破损.jpg", "image/jpeg")


def terms_for(tenant: UUID, *, expires_s: int = 60) -> UploadTerms:
    key = object_key(tenant, Area.STAGED, str(uuid4()))
    return UploadTerms(key, "image/jpeg", len(BYTES), DIGEST, expires_s)


async def post(
    http: httpx.AsyncClient, ticket: UploadTicket, content: bytes, **fields: str
) -> httpx.Response:
    form = {**ticket.fields, **fields}
    return await http.post(ticket.url, data=form, files={"file": ("photo.jpg", content)})


async def content_of(store: ObjectStore, key: str, limit: int = 10_000_000) -> bytes:
    return b"".join([chunk async for chunk in store.read(key, limit=limit)])


async def is_absent(store: ObjectStore, key: str) -> bool:
    with pytest.raises(NotFound) as refusal:
        await store.stat(key)
    return refusal.value.code == "EVIDENCE_NOT_FOUND"


async def put_original(store: ObjectStore, tenant: UUID, content: bytes = BYTES) -> str:
    key = object_key(tenant, Area.ORIGINAL, str(uuid4()))
    digest = hashlib.sha256(content).hexdigest()
    await store.put(key, content, content_type="image/jpeg", sha256=digest)
    return key


def in_days(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)
