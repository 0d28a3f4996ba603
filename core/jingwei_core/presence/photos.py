"""Photos of the public (公众照片): announced and uploaded, or sent with a form; kept with it.

A photo that was uploaded and never sent with a form lies in the staged area, which is cleared;
nothing of somebody without an account is locked before the form that it belongs to holds.
"""

import asyncio
import hashlib
import tempfile
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
from uuid_utils.compat import uuid7

from jingwei_core.commands.staging import CoreStage
from jingwei_core.evidence.commits import (
    Kept,
    Prepared,
    committed,
    keep_prepared,
    prepare_picture,
)
from jingwei_core.evidence.facts import Expected, accepted_format
from jingwei_core.evidence.keys import Area, object_key
from jingwei_core.evidence.store import ObjectStore, UploadTerms, checked_terms, save_to
from jingwei_core.evidence.tables import Evidence
from jingwei_core.presence.desk import PhotoToken
from jingwei_core.presence.visitors import HOUR_S, Window
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, Invalid


class NewPhoto(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A photo that will be uploaded: its media type, exact size in bytes and SHA-256 in hex."""

    content_type: Annotated[str, msgspec.Meta(max_length=100)]
    size: int
    sha256: str


class GrantedPhoto(msgspec.Struct, frozen=True):
    """Where it goes: a form with these fields, in this order, and then a part ``file``. What is
    sent names it by ``photo``."""

    photo: str
    method: str
    url: str
    fields: list[tuple[str, str]]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that came with a form: what was said of it, and the file it lies in or ``None``
    while it is in the staged area."""

    id: uuid.UUID
    expected: Expected
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """A picture on its way to become evidence, and where it is kept, or will be."""

    id: uuid.UUID
    ready: Prepared
    kept: Kept


async def announce_photo(window: Window, new: NewPhoto, per_hour: int) -> GrantedPhoto:
    """A form that takes exactly the announced photo; so many an hour from one address.

    Raises ``Invalid`` (``EVIDENCE_TYPE``, ``EVIDENCE_SIZE``, ``EVIDENCE_DIGEST``) and
    ``RateLimited`` (``PUBLIC_TOO_OFTEN``).
    """
    platform, tenant = window.platform, window.visitor.tenant
    settings = platform.evidence_settings
    accepted_format(new.content_type)
    if new.size > settings.max_bytes:
        raise Invalid("EVIDENCE_SIZE", field="size", size=new.size, limit=settings.max_bytes)
    photo_id = uuid7()
    key = object_key(tenant.id, Area.STAGED, str(photo_id))
    terms = checked_terms(
        UploadTerms(key, new.content_type, new.size, new.sha256, settings.upload_form_s)
    )
    await window.count(window.by_prefix("photo", per_hour, HOUR_S))
    ticket = await platform.store.presign_upload(terms)
    until = int(platform.clock.now().timestamp()) + settings.upload_form_s
    told = PhotoToken(photo_id, new.content_type, new.size, new.sha256, until)
    return GrantedPhoto(
        photo=window.desk.photo(told),
        method=ticket.method,
        url=ticket.url,
        fields=list(ticket.fields.items()),
        expires_at=ticket.expires_at,
    )


def announced_pictures(window: Window, tokens: Sequence[str]) -> tuple[Picture, ...]:
    """The pictures that the tokens sent with a form stand for.

    Raises ``Denied`` (``PUBLIC_PHOTO_UNKNOWN``), ``Invalid`` (``PUBLIC_PHOTO_TWICE``).
    """
    now = window.platform.clock.now()
    found: dict[uuid.UUID, Picture] = {}
    for at, token in enumerate(tokens):
        told = window.desk.announced(token, now, f"photos.{at}")
        if told.id in found:
            raise Invalid("PUBLIC_PHOTO_TWICE", field=f"photos.{at}")
        found[told.id] = Picture(told.id, Expected(told.content_type, told.size, told.sha256))
    return tuple(found.values())


async def picture_of(file: Path, content_type: str) -> Picture:
    """The picture in a file that came with the form itself."""
    digest, size = await asyncio.to_thread(_measured, file)
    return Picture(uuid7(), Expected(content_type, size, digest), file)


@asynccontextmanager
async def inspected(
    stage: CoreStage, pictures: Sequence[Picture]
) -> AsyncIterator[tuple[KeptPicture, ...]]:
    """The pictures in files for as long as the block lasts, all of them inspected; nothing is
    stored of them yet.

    Raises ``Invalid`` as :func:`~jingwei_core.evidence.inspection.inspect_image` and
    ``EVIDENCE_SIZE`` on ``photos.<n>``, ``NotFound`` (``EVIDENCE_NOT_FOUND``) for one that was
    never uploaded.
    """
    limit = stage.platform.evidence_settings.max_bytes
    for at, picture in enumerate(pictures):
        accepted_format(picture.expected.content_type)
        if picture.expected.size > limit:
            size = picture.expected.size
            raise Invalid("EVIDENCE_SIZE", field=f"photos.{at}", size=size, limit=limit)
    async with AsyncExitStack() as stack:
        found = []
        for picture in pictures:
            file = await stack.enter_async_context(_file_of(stage, picture))
            ready = await prepare_picture(stage, picture.id, picture.expected, file)
            found.append(KeptPicture(picture.id, ready, ready.kept))
        yield tuple(found)


async def keep_pictures(store: ObjectStore, seen: Sequence[KeptPicture]) -> tuple[KeptPicture, ...]:
    """Keep each under lock, with the pictures that are derived from it."""
    kept = [replace(each, kept=await keep_prepared(store, each.ready)) for each in seen]
    return tuple(kept)


async def store_pictures(ctx: Context, kept: Sequence[KeptPicture]) -> None:
    """Write the pictures down as evidence that nobody owns.

    Raises ``Conflict`` (``PUBLIC_PHOTO_USED``) for one that came with another form.
    """
    for each in kept:
        expected = each.ready.expected
        if await ctx.data.find(Evidence, id=each.id):
            raise Conflict("PUBLIC_PHOTO_USED", field="photos")
        row = Evidence(
            id=each.id,
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
    with tempfile.TemporaryDirectory(prefix="photo-") as name:
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
