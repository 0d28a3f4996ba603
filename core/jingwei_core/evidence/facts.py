"""What is asked of a picture and what is found in it (照片的要求与事实)."""

from datetime import datetime
from enum import StrEnum

import msgspec

from jingwei_sdk.errors import Invalid

DERIVATIVE_SIDE = 1600
THUMBNAIL_SIDE = 320
"""The longest sides, in pixels, of the two pictures that are derived from each."""

MEBIBYTE = 1024 * 1024


class ImageFormat(StrEnum):
    """The formats that are accepted, by their media type.

    HEIC is not among them: its free decoders come with an encoder under the GPL, and phones convert
    to JPEG when they are told to (相机设置“兼容性最佳”).
    """

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"


class Limits(msgspec.Struct, frozen=True):
    """How large a picture may be, packed and unpacked."""

    max_bytes: int = 20 * MEBIBYTE
    max_pixels: int = 64_000_000
    max_metadata_bytes: int = MEBIBYTE
    """Of one compressed text or profile, unpacked."""


class Expected(msgspec.Struct, frozen=True):
    """What the uploader said of the file."""

    content_type: str
    size: int
    sha256: str


class Position(msgspec.Struct, frozen=True):
    """Where a camera says it was: degrees and metres as written, with the system they are in.

    ``crs`` is ``EPSG:4326`` when the file names no datum or WGS-84, as satellite receivers do,
    ``EPSG:4490`` for CGCS2000, else ``unknown:<datum>``. Nothing is transformed.
    """

    lon: float
    lat: float
    crs: str
    altitude_m: float | None = None
    accuracy_m: float | None = None


class TimeSource(StrEnum):
    """Where the zone of ``taken_at`` comes from."""

    EXIF = "exif"
    TENANT = "tenant"


class ImageFacts(msgspec.Struct, frozen=True):
    """What a sound picture is: measured size and digest, pixels as displayed, time and position.

    ``width`` and ``height`` are those after turning it upright. Camera, lens and owner are not
    kept: they identify the worker's phone and serve no purpose here.
    """

    format: ImageFormat
    width: int
    height: int
    size: int
    sha256: str
    taken_at: datetime | None = None
    taken_at_source: TimeSource | None = None
    position: Position | None = None


class Picture(msgspec.Struct, frozen=True):
    """A picture that was made from an original: JPEG, without any metadata."""

    width: int
    height: int
    size: int
    sha256: str
    content_type: str = ImageFormat.JPEG.value


def accepted_format(content_type: str) -> ImageFormat:
    """The format a media type names. Raises ``Invalid`` (``EVIDENCE_TYPE``)."""
    try:
        return ImageFormat(content_type)
    except ValueError:
        raise Invalid(
            "EVIDENCE_TYPE", field="content_type", content_type=content_type, found=content_type
        ) from None
