"""Documents (文书) that the platform makes itself: kept in the evidence store like originals."""

import hashlib
import uuid
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from uuid_utils.compat import uuid7

from jingwei_core.evidence.keys import Area, object_key
from jingwei_core.evidence.store import lock_time
from jingwei_core.evidence.tables import Evidence
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, Denied

if TYPE_CHECKING:
    from jingwei_core.commands.staging import CoreStage


class NewDocument(msgspec.Struct, frozen=True):
    """A document to keep: ``content`` are its bytes or a file that holds them. Its ``name`` has to
    be another one for another content."""

    name: str
    content_type: str
    content: bytes | Path


class KeptDocument(msgspec.Struct, frozen=True):
    """A document under lock."""

    store_key: str
    content_type: str
    size: int
    sha256: str
    locked_until: datetime


async def keep_document(stage: "CoreStage", new: NewDocument) -> KeptDocument:
    """Store a document and lock it for as long as originals are; again, it answers the same.

    Raises ``Unavailable`` (``EVIDENCE_STORE_UNAVAILABLE``).
    """
    store = stage.platform.store
    key = object_key(stage.tenant.id, Area.ORIGINAL, new.name)
    digest, size = _measured(new.content)
    until = lock_time(stage.now() + stage.platform.evidence_settings.retention)
    try:
        await store.put(key, new.content, content_type=new.content_type, sha256=digest)
        await store.lock(key, until)
    except Conflict:
        found = await store.stat(key)
        if found.declared_sha256 != digest or found.locked_until is None:
            raise
        until = found.locked_until
    return KeptDocument(key, new.content_type, size, digest, until)


def _measured(content: bytes | Path) -> tuple[str, int]:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest(), len(content)
    with content.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return digest, content.stat().st_size


async def record_document(ctx: Context, kept: KeptDocument) -> Evidence:
    """The row of a document that is kept; its owner is the actor.

    Raises ``Denied`` for the platform itself, which owns nothing.
    """
    owner: uuid.UUID | None = ctx.actor.account_id
    if owner is None:
        raise Denied("PERMISSION_DENIED", permission="evidence.upload")
    now = ctx.now()
    return await ctx.data.insert(
        Evidence(
            id=uuid7(),
            status="committed",
            owner=owner,
            store_key=kept.store_key,
            content_type=kept.content_type,
            size_bytes=kept.size,
            sha256=kept.sha256,
            expires_at=now,
            committed_at=now,
            locked_until=kept.locked_until,
        )
    )
