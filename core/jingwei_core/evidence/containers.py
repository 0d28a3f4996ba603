"""Walking the containers (图像容器) of JPEG, PNG and WebP, before any pixel is unpacked.

Each walk accounts for every byte of the file: what the picture needs, what describes it, and what
does not belong to it. References: ITU-T T.81 annex B, CIPA DC-007 (MPF), W3C PNG 3, RFC 9649.
"""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from jingwei_core.evidence.facts import ImageFormat, Limits
from jingwei_core.evidence.foreign_content import refuse_foreign, refuse_trailer
from jingwei_sdk.errors import Invalid

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_JPEG_START = b"\xff\xd8"
_JPEG_MARKER = re.compile(rb"\xff+([^\x00\xd0-\xd7\xff])")
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_SCAN, _END, _START = 0xDA, 0xD9, 0xD8
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_DESCRIBING = frozenset({*range(0xE0, 0xF0), 0xFE})
_ANIMATED_WEBP = 0x02

_OTHER_KINDS = (
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"MZ", "application/x-msdownload"),
    (b"\x7fELF", "application/x-executable"),
)
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"heim", b"heis")


@dataclass(frozen=True, slots=True)
class Container:
    """A container whose bytes all add up; pixels as stored, before any turning."""

    format: ImageFormat
    width: int
    height: int


def media_type(data: bytes) -> str:
    """What the first bytes say a file is; ``application/octet-stream`` when they say nothing."""
    if data.startswith(_JPEG_START):
        return ImageFormat.JPEG
    if data.startswith(_PNG_SIGNATURE):
        return ImageFormat.PNG
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return ImageFormat.WEBP
    if data[4:8] == b"ftyp":
        brand = data[8:12]
        return "image/heic" if brand in _HEIF_BRANDS else f"video/{brand.decode('latin-1').strip()}"
    for signature, kind in _OTHER_KINDS:
        if data.startswith(signature):
            return kind
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in start:
        return "image/svg+xml"
    return "text/html" if start.startswith((b"<!doctype", b"<html", b"<")) else _unknown(start)


def walk(data: bytes, limits: Limits) -> Container:
    """The container of a picture.

    Raises ``Invalid``: ``EVIDENCE_TYPE`` for another or an animated format, ``EVIDENCE_CORRUPT``,
    ``EVIDENCE_POLYGLOT``, ``EVIDENCE_BOMB``.
    """
    kind = media_type(data)
    walks = {
        ImageFormat.JPEG: _walk_jpeg,
        ImageFormat.PNG: _walk_png,
        ImageFormat.WEBP: _walk_webp,
    }
    if kind not in walks:
        raise Invalid("EVIDENCE_TYPE", field="content_type", content_type=kind, found=kind)
    found = walks[ImageFormat(kind)](data, limits)
    if found.width * found.height > limits.max_pixels:
        raise Invalid("EVIDENCE_BOMB", found=f"{found.width} x {found.height}")
    if 0 in (found.width, found.height):
        raise Invalid("EVIDENCE_CORRUPT")
    return found


def _unknown(start: bytes) -> str:
    return "application/octet-stream" if start.strip(b"\0") else "application/x-empty"


def _walk_jpeg(data: bytes, _: Limits) -> Container:
    end, size, has_more_pictures = _jpeg_end(data, 0)
    while has_more_pictures:
        # A multi-picture file: a preview or the brightness map of an HDR photo, whole JPEGs again.
        following = data.find(_JPEG_START, end)
        if following < 0 or data[end:following].strip(b"\0"):
            break
        end, _size, _more = _jpeg_end(data, following)
    refuse_trailer(data[end:])
    return Container(ImageFormat.JPEG, *size)


def _jpeg_end(data: bytes, start: int) -> tuple[int, tuple[int, int], bool]:
    """Where a JPEG ends, its width and height, and whether it says that more JPEGs follow."""
    at, size, has_more = start + 2, (0, 0), False
    while True:
        match = _JPEG_MARKER.match(data, at)
        if match is None:
            raise Invalid("EVIDENCE_CORRUPT")
        marker, at = match[1][0], match.end()
        if marker == _END:
            return at, size, has_more
        if marker in _STANDALONE:
            continue
        length = int.from_bytes(data[at : at + 2])
        segment = data[at + 2 : at + length]
        if marker == _START or length < 2 or len(segment) != length - 2:
            raise Invalid("EVIDENCE_CORRUPT")
        at += length
        if marker in _FRAMES and len(segment) >= 5:
            size = int.from_bytes(segment[3:5]), int.from_bytes(segment[1:3])
        elif marker in _DESCRIBING:
            refuse_foreign(segment)
            has_more = has_more or segment.startswith(b"MPF\0")
        elif marker == _SCAN:
            following = _JPEG_MARKER.search(data, at)
            if following is None:
                raise Invalid("EVIDENCE_CORRUPT")
            at = following.start()


def _walk_png(data: bytes, limits: Limits) -> Container:
    chunks = _png_chunks(data)
    kind, header, _ = next(chunks, (b"", b"", 0))
    if kind != b"IHDR" or len(header) != 13:
        raise Invalid("EVIDENCE_CORRUPT")
    has_pixels, end = False, 0
    for kind, content, end in chunks:  # noqa: B007 (read after the loop)
        if kind == b"IDAT":
            has_pixels = True
        elif kind == b"IEND":
            break
        elif kind in {b"acTL", b"fcTL", b"fdAT"}:
            _refuse_animation("image/apng")
        else:
            _check_png_metadata(kind, content, limits)
    if kind != b"IEND" or not has_pixels:
        raise Invalid("EVIDENCE_CORRUPT")
    refuse_trailer(data[end:])
    return Container(ImageFormat.PNG, int.from_bytes(header[:4]), int.from_bytes(header[4:8]))


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    """Kind and content of each chunk, and where it ends."""
    at = len(_PNG_SIGNATURE)
    while at < len(data):
        length = int.from_bytes(data[at : at + 4])
        kind, content = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        checksum = data[at + 8 + length : at + 12 + length]
        at += 12 + length
        if len(checksum) != 4 or zlib.crc32(content, zlib.crc32(kind)) != int.from_bytes(checksum):
            raise Invalid("EVIDENCE_CORRUPT")
        yield kind, content, at


def _check_png_metadata(kind: bytes, content: bytes, limits: Limits) -> None:
    refuse_foreign(content)
    _, separator, rest = content.partition(b"\0")
    if kind in {b"zTXt", b"iCCP"} and separator:
        refuse_foreign(_unpacked(rest[1:], limits))
    elif kind == b"iTXt" and rest[:1] == b"\1":
        text = rest[2:].split(b"\0", 2)[-1]
        refuse_foreign(_unpacked(text, limits))


def _unpacked(packed: bytes, limits: Limits) -> bytes:
    """The unpacked bytes; never more of them in memory than the limit allows."""
    try:
        unpacked = zlib.decompressobj().decompress(packed, limits.max_metadata_bytes + 1)
    except zlib.error as broken:
        raise Invalid("EVIDENCE_CORRUPT") from broken
    if len(unpacked) > limits.max_metadata_bytes:
        raise Invalid("EVIDENCE_BOMB", found="metadata")
    return unpacked


def _walk_webp(data: bytes, _: Limits) -> Container:
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise Invalid("EVIDENCE_CORRUPT")
    size, at, has_pixels = (0, 0), 12, False
    while at < end:
        kind, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        content = data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
        if at > end or len(content) != length:
            raise Invalid("EVIDENCE_CORRUPT")
        if kind in {b"VP8 ", b"VP8L"}:
            has_pixels = True
            size = max(size, _webp_frame(kind, content))
        elif kind == b"VP8X":
            size = _webp_canvas(content)
        elif kind in {b"ANIM", b"ANMF"}:
            _refuse_animation("image/webp animation")
        elif kind != b"ALPH":
            refuse_foreign(content)
    if not has_pixels:
        raise Invalid("EVIDENCE_CORRUPT")
    refuse_trailer(data[end:])
    return Container(ImageFormat.WEBP, *size)


def _webp_canvas(content: bytes) -> tuple[int, int]:
    if len(content) != 10:
        raise Invalid("EVIDENCE_CORRUPT")
    if content[0] & _ANIMATED_WEBP:
        _refuse_animation("image/webp animation")
    width, height = content[4:7], content[7:10]
    return int.from_bytes(width, "little") + 1, int.from_bytes(height, "little") + 1


def _webp_frame(kind: bytes, content: bytes) -> tuple[int, int]:
    if kind == b"VP8L":
        if len(content) < 5:
            raise Invalid("EVIDENCE_CORRUPT")
        bits = int.from_bytes(content[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if content[3:6] != b"\x9d\x01\x2a" or len(content) < 10:
        raise Invalid("EVIDENCE_CORRUPT")
    width, height = content[6:8], content[8:10]
    return int.from_bytes(width, "little") & 0x3FFF, int.from_bytes(height, "little") & 0x3FFF


def _refuse_animation(kind: str) -> None:
    raise Invalid("EVIDENCE_TYPE", field="content_type", content_type=kind, found=kind)
