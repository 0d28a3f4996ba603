"""Reading what a page of the public sends (读取表单): fields of a known size, photos into files."""

import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import multipart  # type: ignore[import-untyped]

from jingwei_api.http.public_body import Http, small_body
from jingwei_api.http.services import services_of
from jingwei_core.presence.photos import Picture, picture_of
from jingwei_sdk.errors import Invalid
from jingwei_sdk.presence import MOST_PHOTOS

PHOTOS = "photos"
MOST_FIELDS = 24
FIELD_BYTES = 12_000
"""2,000 characters of Chinese are 6,000 bytes."""
FORM_BYTES = 32_000


@dataclass(frozen=True, slots=True)
class SentPhoto:
    """A photo in a file, and the type that the browser says it has."""

    file: Path
    content_type: str


@dataclass(frozen=True, slots=True)
class Sent:
    """A form that was sent; of a field that comes twice the last counts."""

    fields: dict[str, str] = field(default_factory=dict)
    photos: list[SentPhoto] = field(default_factory=list)

    def get(self, name: str) -> str:
        """A field; empty where there is none."""
        return self.fields.get(name, "")

    async def pictures(self) -> list[Picture]:
        """The photos, measured."""
        return [await picture_of(each.file, each.content_type) for each in self.photos]


async def posted_fields(request: Http) -> Sent:
    """The fields of a form without photos; raises ``Invalid`` (``PUBLIC_FORM_INVALID``)."""
    body = await small_body(request, FORM_BYTES)
    try:
        return Sent(dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=24)))
    except ValueError as error:
        raise Invalid("PUBLIC_FORM_INVALID") from error


@asynccontextmanager
async def posted_parts(request: Http) -> AsyncIterator[Sent]:
    """A form with at most :data:`~jingwei_sdk.presence.MOST_PHOTOS` photos, which lie in files for
    as long as the block lasts.

    Raises ``Invalid``: ``PUBLIC_FORM_INVALID``, ``PUBLIC_PHOTO_TOO_MANY``, ``EVIDENCE_SIZE``; then
    the rest of the body is not read.
    """
    limit = services_of(request).platform.evidence_settings.max_bytes
    with tempfile.TemporaryDirectory(prefix="public-") as name:
        yield await _Reading(Path(name), limit).read(request)


def is_parts(request: Http) -> bool:
    """Whether the body says that it is one for :func:`posted_parts`."""
    return _boundary(request) != ""


class _Reading:
    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._sent = Sent()
        self._limit = limit

    async def read(self, request: Http) -> Sent:
        boundary = _boundary(request)
        if not boundary:
            raise Invalid("PUBLIC_FORM_INVALID")
        events = _events(boundary, request)
        try:
            async for event in events:
                await self._part(event, events)
        except (multipart.MultipartError, UnicodeDecodeError) as error:
            raise Invalid("PUBLIC_FORM_INVALID") from error
        return self._sent

    async def _part(self, part: Any, events: AsyncIterator[Any]) -> None:
        if not isinstance(part, multipart.MultipartSegment):
            raise Invalid("PUBLIC_FORM_INVALID")
        if part.name == PHOTOS:
            await self._photo(part, events)
            return
        if len(self._sent.fields) == MOST_FIELDS:
            raise Invalid("PUBLIC_FORM_INVALID")
        value = bytearray()
        async for event in events:
            if event is None:
                break
            value += event
            if len(value) > FIELD_BYTES:
                raise Invalid("PUBLIC_FORM_INVALID")
        self._sent.fields[part.name] = value.decode()

    async def _photo(self, part: Any, events: AsyncIterator[Any]) -> None:
        """A browser sends an empty part where no photo was chosen."""
        number = len(self._sent.photos)
        if number >= MOST_PHOTOS:
            raise Invalid("PUBLIC_PHOTO_TOO_MANY", field=PHOTOS, limit=MOST_PHOTOS)
        path, size = self._folder / str(number), 0
        with path.open("wb") as file:
            async for event in events:
                if event is None:
                    break
                size += len(event)
                if size > self._limit:
                    field = f"photos.{number}"
                    raise Invalid("EVIDENCE_SIZE", field=field, size=size, limit=self._limit)
                file.write(event)
        if size:
            self._sent.photos.append(SentPhoto(path, part.content_type or ""))


def _boundary(request: Http) -> str:
    """What stands between the parts; empty for a body that has none."""
    kind, options = multipart.parse_options_header(request.headers.get("content-type", ""))
    return str(options.get("boundary", "")) if kind == "multipart/form-data" else ""


# The parser tells of a part by its segment, its bytes, and None at its end.
async def _events(boundary: str, request: Http) -> AsyncIterator[Any]:
    parser = multipart.PushMultipartParser(boundary, max_segment_count=MOST_FIELDS + MOST_PHOTOS)
    async for chunk in request.stream():
        for event in parser.parse(chunk) if chunk else ():
            yield event
    parser.close()


def values_of(sent: Sent, *names: str) -> Mapping[str, str]:
    """Those of the fields that a page shows again."""
    return {name: sent.get(name) for name in names}
