"""Asking for an upload (申请上传): the first of three steps; then the bytes, then the commit."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from uuid_utils.compat import uuid7

from jingwei_core.evidence.evidence_settings import EvidenceSettings
from jingwei_core.evidence.facts import accepted_format
from jingwei_core.evidence.keys import Area, object_key
from jingwei_core.evidence.store import UploadTerms, checked_terms
from jingwei_core.evidence.tables import Evidence
from jingwei_core.session import CoreContext
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Denied, Invalid, RateLimited

UPLOAD_WINDOW = timedelta(hours=24)
"""An upload that is not committed by then is removed."""

UPLOAD_PERMISSION = "evidence.upload"

_PENDING = """
SELECT count(*) FROM core.evidence WHERE owner = $1 AND status = 'pending' AND expires_at > $2
"""

EvidenceId = Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Evidence"})]


class ClientPosition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the client says it is, in the system it says; the file's own position goes first."""

    lon: Annotated[float, msgspec.Meta(ge=-180, le=180)]
    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)]
    crs: Literal["EPSG:4490", "EPSG:4326", "GCJ-02"]
    accuracy_m: Annotated[float, msgspec.Meta(ge=0, le=100_000)] | None = None


class NewUpload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What will be uploaded: its media type, exact size in bytes and SHA-256 in lower-case hex."""

    content_type: Annotated[str, msgspec.Meta(max_length=100)]
    size: int
    sha256: str
    taken_at: datetime | None = None
    position: ClientPosition | None = None


class FormField(msgspec.Struct, frozen=True):
    """A field of the upload form."""

    name: str
    value: str


class GrantedUpload(msgspec.Struct, frozen=True):
    """Where the file goes: a form with these fields, in this order, and then a part ``file``."""

    id: EvidenceId
    method: str
    url: str
    fields: list[FormField]
    expires_at: datetime


async def renew_upload(ctx: Context, answered: Mapping[str, Any]) -> GrantedUpload | None:
    """A new form for the same evidence, for whoever did not get the first one; ``None`` when it is
    committed by now.

    Raises ``Denied`` (``EVIDENCE_EXPIRED``) when the time for the upload is over.
    """
    assert isinstance(ctx, CoreContext)
    found = await ctx.data.find(Evidence, id=uuid.UUID(str(answered["id"])))
    if not found or (found[0].status == "pending" and found[0].expires_at <= ctx.now()):
        raise Denied("EVIDENCE_EXPIRED")
    row = found[0]
    if row.status != "pending":
        return None
    expires_s = ctx.platform.evidence_settings.upload_form_s
    terms = UploadTerms(row.store_key, row.content_type, row.size_bytes, row.sha256, expires_s)
    return await _granted(ctx, row.id, terms)


@command("evidence.request", permission=UPLOAD_PERMISSION, tenant_wide=True, again=renew_upload)
async def request_upload(ctx: Context, new: NewUpload) -> GrantedUpload:
    """申请上传: a form that takes exactly the announced file; no byte passes this server's API.

    Sent again with its idempotency key, it answers a new form for the same evidence.

    Raises ``Invalid`` (``EVIDENCE_TYPE``, ``EVIDENCE_SIZE``, ``EVIDENCE_DIGEST``), and
    ``RateLimited`` (``EVIDENCE_TOO_MANY``) for too many uploads that were never committed.
    """
    assert isinstance(ctx, CoreContext)
    settings = ctx.platform.evidence_settings
    owner = await _uploader(ctx, settings)
    accepted_format(new.content_type)
    if new.size > settings.max_bytes:
        raise Invalid("EVIDENCE_SIZE", field="size", size=new.size, limit=settings.max_bytes)
    evidence_id = uuid7()
    key = object_key(ctx.tenant.id, Area.STAGED, str(evidence_id))
    terms = UploadTerms(key, new.content_type, new.size, new.sha256, settings.upload_form_s)
    granted = await _granted(ctx, evidence_id, terms)
    await ctx.data.insert(_pending_row(ctx, owner, new, terms))
    return granted


async def _granted(ctx: CoreContext, evidence_id: uuid.UUID, terms: UploadTerms) -> GrantedUpload:
    ticket = await ctx.platform.store.presign_upload(checked_terms(terms))
    return GrantedUpload(
        id=evidence_id,
        method=ticket.method,
        url=ticket.url,
        fields=[FormField(name, value) for name, value in ticket.fields.items()],
        expires_at=ticket.expires_at,
    )


async def _uploader(ctx: CoreContext, settings: EvidenceSettings) -> uuid.UUID:
    owner = ctx.actor.account_id
    if owner is None:
        raise Denied("PERMISSION_DENIED", permission=UPLOAD_PERMISSION)
    if await ctx.data.fetchval(_PENDING, owner, ctx.now()) >= settings.max_pending:
        raise RateLimited("EVIDENCE_TOO_MANY", retry_after_s=3600, limit=settings.max_pending)
    return owner


def _pending_row(ctx: Context, owner: uuid.UUID, new: NewUpload, terms: UploadTerms) -> Evidence:
    place = new.position
    return Evidence(
        id=uuid.UUID(terms.key.rpartition("/")[2]),
        owner=owner,
        store_key=terms.key,
        content_type=terms.content_type,
        size_bytes=terms.size,
        sha256=terms.sha256,
        expires_at=ctx.now() + UPLOAD_WINDOW,
        taken_at=new.taken_at,
        lon_e7=round(place.lon * 1e7) if place else None,
        lat_e7=round(place.lat * 1e7) if place else None,
        position_crs=place.crs if place else None,
        accuracy_m=_whole_metres(place.accuracy_m) if place else None,
    )


def _whole_metres(metres: float | None) -> int | None:
    """Rounded up: a position must not look better than it is."""
    return None if metres is None else -int(-metres // 1)


COMMANDS = (request_upload,)
