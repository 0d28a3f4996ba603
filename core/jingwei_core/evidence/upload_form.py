"""Reading an upload form (上传表单): the fields first, then one file, as a stream."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import multipart  # type: ignore[import-untyped]

from jingwei_sdk.errors import Invalid

FILE_FIELD = "file"
MAX_FIELDS = 16
MAX_FIELD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class UploadForm:
    """The fields of a form and its file, still on the wire; ``file`` can be read once."""

    fields: dict[str, str]
    file: AsyncIterator[bytes]


async def read_form(content_type: str, body: AsyncIterator[bytes]) -> UploadForm:
    """A form up to the first byte of its file, so that it is judged before any byte is kept.

    Raises ``Invalid`` (``EVIDENCE_FORM``) when this is no multipart form with a last part ``file``;
    reading ``file`` raises it too when the form breaks off.
    """
    main, options = multipart.parse_options_header(content_type)
    if main != "multipart/form-data" or not options.get("boundary"):
        raise Invalid("EVIDENCE_FORM")
    events = _events(options["boundary"], body)
    fields: dict[str, str] = {}
    async for event in events:
        if not isinstance(event, multipart.MultipartSegment):
            raise Invalid("EVIDENCE_FORM")
        if event.name == FILE_FIELD:
            return UploadForm(fields, _file(events))
        if event.name in fields or len(fields) == MAX_FIELDS:
            raise Invalid("EVIDENCE_FORM")
        fields[event.name] = await _field(events)
    raise Invalid("EVIDENCE_FORM")


# The parser tells of a part by its segment, its bytes, and None at its end.
async def _events(boundary: str, body: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    parser = multipart.PushMultipartParser(boundary)
    try:
        async for chunk in body:
            for event in parser.parse(chunk) if chunk else ():
                yield event
        parser.close()
    except multipart.MultipartError as broken:
        raise Invalid("EVIDENCE_FORM") from broken


async def _field(events: AsyncIterator[Any]) -> str:
    value = bytearray()
    async for event in events:
        if event is None:
            break
        if isinstance(event, multipart.MultipartSegment):
            raise Invalid("EVIDENCE_FORM")
        value += event
        if len(value) > MAX_FIELD_BYTES:
            raise Invalid("EVIDENCE_FORM")
    try:
        return value.decode()
    except UnicodeDecodeError as broken:
        raise Invalid("EVIDENCE_FORM") from broken


async def _file(events: AsyncIterator[Any]) -> AsyncIterator[bytes]:
    async for event in events:
        if event is None:
            break
        if isinstance(event, multipart.MultipartSegment):
            raise Invalid("EVIDENCE_FORM")
        yield bytes(event)
    async for _ in events:
        raise Invalid("EVIDENCE_FORM")
