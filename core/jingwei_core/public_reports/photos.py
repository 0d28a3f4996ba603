"""Photos of public reports (公众上报照片): announced, uploaded, kept with their report.

A photo that was uploaded and never reported with lies in the staged area, which is cleared; nothing
of somebody without an account is locked before the report that it belongs to holds.
"""

import asyncio
import hashlib
import tempfile
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
from uuid_utils.compat import uuid7

from jingwei_core.commands.staging import CoreStage
from jingwei_core.evidence.commits import Kept, committed, keep_picture
from jingwei_core.evidence.facts import Expected, Limits, accepted_format
from jingwei_core.evidence.keys import Area, object_key
from jingwei_core.evidence.store import UploadTerms, checked_terms, save_to
from jingwei_core.evidence.tables import Evidence
from jingwei_core.presence.visitors import HOUR_S
from jingwei_core.public_reports.tokens import PhotoToken
from jingwei_core.public_reports.visitors import Counter
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, Invalid


class NewPhoto(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A photo that will be uploaded: its media type, exact size in bytes and SHA-256 in hex."""

    content_type: Annotated[str, msgspec.Meta(max_length=100)]
    size: int
    sha256: str


class GrantedPhoto(msgspec.Struct, frozen=True):
    """Where it goes: a form with these fields, in this order, and then a part ``file``. The report
    names it by ``photo``."""

    photo: str
    method: str
    url: str
    fields: list[tuple[str, str]]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a report: what was said of it, and the file it lies in or ``None`` while it is
    in the staged area."""

    id: uuid.UUID
    expected: Expected
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """A picture under lock, on its way to become evidence."""

    picture: Picture
    kept: Kept


async def announce_photo(counter: Counter, new: NewPhoto) -> GrantedPhoto:
    """A form that takes exactly the announced photo.

    Raises ``Invalid`` (``EVIDENCE_TYPE``, ``EVIDENCE_SIZE``, ``EVIDENCE_DIGEST``) and
    ``RateLimited`` (``PUBLIC_TOO_OFTEN``).
    """
    platform, tenant = counter.platform, counter.visitor.tenant
    settings = platform.evidence_settings
    accepted_format(new.content_type)
    if new.size > settings.max_bytes:
        raise Invalid("EVIDENCE_SIZE", field="size", size=new.size, limit=settings.max_bytes)
    photo_id = uuid7()
    key = object_key(tenant.id, Area.STAGED, str(photo_id))
    terms = checked_terms(
        UploadTerms(key, new.content_type, new.size, new.sha256, settings.upload_form_s)
    )
    most = counter.rules.limits.photos_per_hour
    await counter.count(counter.by_prefix("photo", most, HOUR_S))
    ticket = await platform.store.presign_upload(terms)
    until = int(platform.clock.now().timestamp()) + settings.upload_form_s
    told = PhotoToken(photo_id, new.content_type, new.size, new.sha256, until)
    return GrantedPhoto(
        photo=counter.desk.photo(told),
        method=ticket.method,
        url=ticket.url,
        fields=list(ticket.fields.items()),
        expires_at=ticket.expires_at,
    )


def announced_pictures(counter: Counter, tokens: Sequence[str]) -> tuple[Picture, ...]:
    """The pictures that the tokens of a report stand for.

    Raises ``Denied`` (``PUBLIC_PHOTO_UNKNOWN``), ``Invalid`` (``PUBLIC_PHOTO_TWICE``).
    """
    now = counter.platform.clock.now()
    found: dict[uuid.UUID, Picture] = {}
    for at, token in enumerate(tokens):
        told = counter.desk.announced(token, now, f"photos.{at}")
        if told.id in found:
            raise Invalid("PUBLIC_PHOTO_TWICE", field=f"photos.{at}")
        found[told.id] = Picture(told.id, Expected(told.content_type, told.size, told.sha256))
    return tuple(found.values())


async def picture_of(file: Path, content_type: str) -> Picture:
    """The picture in a file that came with the form itself."""
    digest, size = await asyncio.to_thread(_measured, file)
    return Picture(uuid7(), Expected(content_type, size, digest), file)


async def keep_pictures(stage: CoreStage, pictures: Sequence[Picture]) -> tuple[KeptPicture, ...]:
    """Inspect them all, then keep each under lock: of a report with a broken picture nothing is
    locked.

    Raises ``Invalid`` as :func:`keep_picture` on ``photos.<n>``, ``NotFound``
    (``EVIDENCE_NOT_FOUND``) for one that was never uploaded; then none is kept.
    """
    settings = stage.platform.evidence_settings
    for at, picture in enumerate(pictures):
        accepted_format(picture.expected.content_type)
        if picture.expected.size > settings.max_bytes:
            size, limit = picture.expected.size, settings.max_bytes
            raise Invalid("EVIDENCE_SIZE", field=f"photos.{at}", size=size, limit=limit)
    limits = Limits(max_bytes=settings.max_bytes)
    async with AsyncExitStack() as stack:
        files = [await stack.enter_async_context(_file_of(stage, each)) for each in pictures]
        looked_at = zip(pictures, files, strict=True)
        for picture, file in looked_at if len(pictures) > 1 else ():
            await stage.workers.inspect(file, picture.expected, limits, stage.tenant.timezone)
        return tuple(
            [
                KeptPicture(each, await keep_picture(stage, each.id, each.expected, file))
                for each, file in zip(pictures, files, strict=True)
            ]
        )


async def store_pictures(ctx: Context, kept: Sequence[KeptPicture]) -> None:
    """Write the pictures down as evidence that nobody owns.

    Raises ``Conflict`` (``PUBLIC_PHOTO_USED``) for one that another report brought.
    """
    for each in kept:
        expected = each.picture.expected
        if await ctx.data.find(Evidence, id=each.picture.id):
            raise Conflict("PUBLIC_PHOTO_USED", field="photos")
        row = Evidence(
            id=each.picture.id,
            content_type=expected.content_type,
            size_bytes=expected.size,
            sha256=expected.sha256,
            expires_at=ctx.now(),
            **committed(each.kept, ctx.now()),
        )
        await ctx.data.insert(row)


@asynccontextmanager
async def _file_of(stage: CoreStage, picture: Picture) -> AsyncIterator[Path]:
    """The picture in a file whose folder may be written to."""
    with tempfile.TemporaryDirectory(prefix="report-") as name:
        source = Path(name) / "upload"
        if picture.file is not None:
            await asyncio.to_thread(picture.file.replace, source)
        else:
            key = object_key(stage.tenant.id, Area.STAGED, str(picture.id))
            await save_to(stage.platform.store, key, source, limit=picture.expected.size)
        yield source


def _measured(file: Path) -> tuple[str, int]:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest(), file.stat().st_size
