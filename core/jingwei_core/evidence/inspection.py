"""Inspection (证据检验): whether a file is the picture it claims to be, and what it says.

Runs inside a worker process (:mod:`.workers`): decoders have bugs, and a hostile file must not be
able to take the service with it.
"""

import hashlib
import struct
import warnings
import zlib
from pathlib import Path
from zoneinfo import ZoneInfo

from PIL import Image

from jingwei_core.evidence import exif
from jingwei_core.evidence.containers import Container, media_type, walk
from jingwei_core.evidence.facts import Expected, ImageFacts, ImageFormat, Limits, accepted_format
from jingwei_sdk.errors import Invalid

PILLOW_NAMES = {
    ImageFormat.JPEG: "JPEG",
    ImageFormat.PNG: "PNG",
    ImageFormat.WEBP: "WEBP",
}
DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    OverflowError,
    struct.error,
    zlib.error,
)
"""What Pillow's decoders raise on damaged files."""


def inspect_image(path: Path, expected: Expected, limits: Limits, zone: ZoneInfo) -> ImageFacts:
    """The facts of a sound picture; ``zone`` is the tenant's, for times that name none.

    Raises ``Invalid``, in this order: ``EVIDENCE_SIZE``, ``EVIDENCE_DIGEST``, ``EVIDENCE_TYPE``
    (not an accepted format, animated, or another one than declared), ``EVIDENCE_CORRUPT``,
    ``EVIDENCE_POLYGLOT``, ``EVIDENCE_BOMB``.
    """
    data = _read(path, expected, limits)
    declared = accepted_format(expected.content_type)
    found = media_type(data)
    if found != declared:
        raise Invalid(
            "EVIDENCE_TYPE", field="content_type", content_type=declared.value, found=found
        )
    container = walk(data, limits)
    with opened(path, declared) as image:
        if image.size != (container.width, container.height):
            raise Invalid("EVIDENCE_CORRUPT")
        _decode(image)
        return _facts(_exif(image), container, expected, zone)


def opened(path: Path, kind: ImageFormat) -> Image.Image:
    """A picture with its header read, by no decoder but the one of its format.

    Raises ``Invalid`` (``EVIDENCE_CORRUPT``, ``EVIDENCE_BOMB``).
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return Image.open(path, formats=[PILLOW_NAMES[kind]])
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as bomb:
        raise Invalid("EVIDENCE_BOMB", found="pixels") from bomb
    except DECODER_ERRORS as broken:
        raise Invalid("EVIDENCE_CORRUPT") from broken


def _read(path: Path, expected: Expected, limits: Limits) -> bytes:
    size = path.stat().st_size
    if size != expected.size or not 0 < size <= limits.max_bytes:
        limit = min(expected.size, limits.max_bytes)
        raise Invalid("EVIDENCE_SIZE", field="size", size=size, limit=limit)
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != expected.sha256:
        raise Invalid("EVIDENCE_DIGEST", field="sha256")
    return data


def _decode(image: Image.Image) -> None:
    """Read every compressed byte; JPEG at an eighth of its size, which finds the same damage."""
    try:
        image.draft(None, (image.width // 8, image.height // 8))
        image.load()
    except MemoryError as bomb:
        raise Invalid("EVIDENCE_BOMB", found="memory") from bomb
    except DECODER_ERRORS as broken:
        raise Invalid("EVIDENCE_CORRUPT") from broken


def _exif(image: Image.Image) -> Image.Exif:
    """The picture's EXIF; a damaged one says nothing, but the picture may still be sound."""
    try:
        with warnings.catch_warnings(action="ignore"):
            found = image.getexif()
            for directory in exif.DIRECTORIES:
                found.get_ifd(directory)
    except DECODER_ERRORS:
        return Image.Exif()
    return found


def _facts(
    found: Image.Exif, container: Container, expected: Expected, zone: ZoneInfo
) -> ImageFacts:
    size = (container.width, container.height)
    width, height = reversed(size) if exif.is_turned(found) else size
    time, source = exif.taken_at(found, zone) or (None, None)
    return ImageFacts(
        format=container.format,
        width=width,
        height=height,
        size=expected.size,
        sha256=expected.sha256,
        taken_at=time,
        taken_at_source=source,
        position=exif.position(found),
    )
