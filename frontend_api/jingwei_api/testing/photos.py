"""A committed photo without its upload (测试照片)."""

import hashlib
import uuid
from datetime import timedelta

from jingwei_core.evidence.keys import Area, object_key
from jingwei_core.platform import Platform
from jingwei_sdk.context import Tenant

# The smallest picture that is one: what is in it concerns no plugin.
_PICTURE = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")
_TYPE = "image/jpeg"
_INSERT = (
    "INSERT INTO core.evidence (id, owner, store_key, status, content_type, size_bytes, sha256,"
    " expires_at, committed_at) VALUES ($1, $2, $3, 'committed', $4, $5, $6, $7, $7)"
)


async def committed_photo(
    platform: Platform, tenant: Tenant, owner: uuid.UUID, data: bytes = b""
) -> uuid.UUID:
    """The id of a photo that the account ``owner`` uploaded and the platform has looked at."""
    picture, row_id = data or _PICTURE, uuid.uuid4()
    digest = hashlib.sha256(picture).hexdigest()
    await platform.store.ensure_ready()
    key = object_key(tenant.id, Area.ORIGINAL, f"{row_id}.jpg")
    await platform.store.put(key, picture, content_type=_TYPE, sha256=digest)
    at = platform.clock.now() + timedelta(minutes=1)
    async with platform.database.unit(tenant.id) as unit:
        await unit.execute(_INSERT, row_id, owner, key, _TYPE, len(picture), digest, at)
    return row_id
