"""What a picture must be, and what it may not carry."""

import hashlib
import zlib
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from jingwei_core.evidence.facts import (
    Expected,
    ImageFacts,
    ImageFormat,
    Limits,
    Position,
    TimeSource,
)
from jingwei_core.evidence.inspection import inspect_image
from jingwei_sdk.errors import Invalid
from tests.core.evidence import pictures as made

BEIJING = ZoneInfo("Asia/Shanghai")
SMALL = Limits(max_bytes=200_000, max_pixels=1_000_000, max_metadata_bytes=10_000)

Inspect = Callable[..., ImageFacts]


@pytest.fixture
def inspect(tmp_path: Path) -> Inspect:
    def call(data: bytes, declared: str = "image/jpeg", **changed: object) -> ImageFacts:
        path = tmp_path / "picture"
        path.write_bytes(data)
        told = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest(), **changed}
        return inspect_image(path, Expected(declared, **told), SMALL, BEIJING)

    return call


SOUND = {
    "jpeg": (made.jpeg(), ImageFormat.JPEG),
    "progressive jpeg": (made.jpeg(progressive=True), ImageFormat.JPEG),
    "grey jpeg": (made.encoded(made.picture(mode="L"), "JPEG"), ImageFormat.JPEG),
    "cmyk jpeg": (made.encoded(made.picture(mode="CMYK"), "JPEG"), ImageFormat.JPEG),
    "jpeg with restarts": (made.jpeg(restart_marker_rows=1), ImageFormat.JPEG),
    "jpeg with padding": (made.jpeg() + b"\0" * 5000, ImageFormat.JPEG),
    "jpeg with a camera's own block": (made.jpeg() + b"SEFH\x6b\0\0\0SEFT", ImageFormat.JPEG),
    "several pictures": (
        made.encoded(made.picture(), "MPO", save_all=True, append_images=[made.picture(32, 24)]),
        ImageFormat.JPEG,
    ),
    "png": (made.png(), ImageFormat.PNG),
    "palette png": (made.encoded(made.picture(mode="P"), "PNG"), ImageFormat.PNG),
    "transparent png": (made.encoded(made.picture(mode="RGBA"), "PNG"), ImageFormat.PNG),
    "png with texts": (made.png_with_everything(), ImageFormat.PNG),
    "webp": (made.webp(), ImageFormat.WEBP),
    "lossless webp": (made.webp(lossless=True), ImageFormat.WEBP),
    "transparent webp": (made.encoded(made.picture(mode="RGBA"), "WEBP"), ImageFormat.WEBP),
    "webp with exif": (made.webp(exif=made.camera_exif()), ImageFormat.WEBP),
}


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_picture_is_measured(inspect: Inspect, name: str):
    data, kind = SOUND[name]
    facts = inspect(data, kind.value)
    assert (facts.format, facts.width, facts.height) == (kind, 64, 48)
    assert (facts.size, facts.sha256) == (len(data), hashlib.sha256(data).hexdigest())


def test_noise_in_pixels_is_never_taken_for_a_foreign_file(inspect: Inspect):
    row = b"PK\x03\x04<script>%PDF-<svg"
    data = made.png_of_rows([row] * 20)
    assert row in data
    assert inspect(data, "image/png").height == 20


REFUSED = {
    "zero bytes": (b"", "image/jpeg", "EVIDENCE_SIZE"),
    "text": (b"not a picture at all", "image/jpeg", "EVIDENCE_TYPE"),
    "png said to be jpeg": (made.png(), "image/jpeg", "EVIDENCE_TYPE"),
    "jpeg said to be png": (made.jpeg(), "image/png", "EVIDENCE_TYPE"),
    "webp said to be jpeg": (made.webp(), "image/jpeg", "EVIDENCE_TYPE"),
    "html said to be jpeg": (b"<!DOCTYPE html><html></html>", "image/jpeg", "EVIDENCE_TYPE"),
    "svg": (b'<?xml version="1.0"?><svg/>', "image/svg+xml", "EVIDENCE_TYPE"),
    "svg said to be png": (b"<svg onload=alert(1)>", "image/png", "EVIDENCE_TYPE"),
    "pdf": (b"%PDF-1.7", "application/pdf", "EVIDENCE_TYPE"),
    "zip said to be png": (made.zipped(), "image/png", "EVIDENCE_TYPE"),
    "gif": (made.encoded(made.picture(), "GIF"), "image/gif", "EVIDENCE_TYPE"),
    "heic": (b"\0\0\0\x18ftypheic\0\0\0\0", "image/heic", "EVIDENCE_TYPE"),
    "film": (b"\0\0\0\x18ftypmp42\0\0\0\0", "image/jpeg", "EVIDENCE_TYPE"),
    "tiff": (made.encoded(made.picture(), "TIFF"), "image/tiff", "EVIDENCE_TYPE"),
    "animated png": (made.animated("PNG"), "image/png", "EVIDENCE_TYPE"),
    "animated webp": (made.animated("WEBP"), "image/webp", "EVIDENCE_TYPE"),
    "jpeg + zip": (made.jpeg() + made.zipped(), "image/jpeg", "EVIDENCE_POLYGLOT"),
    "png + zip": (made.png() + made.zipped(), "image/png", "EVIDENCE_POLYGLOT"),
    "webp + zip": (made.webp() + made.zipped(), "image/webp", "EVIDENCE_POLYGLOT"),
    "jpeg + pdf": (made.jpeg() + b"%PDF-1.7\n%%EOF", "image/jpeg", "EVIDENCE_POLYGLOT"),
    "jpeg + html": (made.jpeg() + b"\n<HTML><body>", "image/jpeg", "EVIDENCE_POLYGLOT"),
    "jpeg + film": (
        made.jpeg() + b"\0\0\0\x18ftypmp42\0\0\0\0" + b"\x11" * 99,
        "image/jpeg",
        "EVIDENCE_POLYGLOT",
    ),
    "jpeg + much": (made.jpeg() + b"\x11" * 65_537, "image/jpeg", "EVIDENCE_POLYGLOT"),
    "jpeg + jpeg + zip": (
        made.encoded(made.picture(), "MPO", save_all=True, append_images=[made.picture()])
        + made.zipped(),
        "image/jpeg",
        "EVIDENCE_POLYGLOT",
    ),
    "php in a jpeg comment": (
        made.with_jpeg_segment(made.jpeg(), 0xFE, b"<?php system($_GET['c']);"),
        "image/jpeg",
        "EVIDENCE_POLYGLOT",
    ),
    "script in a jpeg segment": (
        made.with_jpeg_segment(made.jpeg(), 0xED, made.SCRIPT.upper()),
        "image/jpeg",
        "EVIDENCE_POLYGLOT",
    ),
    "zip in a jpeg comment": (
        made.with_jpeg_segment(made.jpeg(), 0xFE, made.zipped()),
        "image/jpeg",
        "EVIDENCE_POLYGLOT",
    ),
    "script in a png text": (
        made.with_png_chunk(made.png(), b"tEXt", b"Comment\0" + made.SCRIPT),
        "image/png",
        "EVIDENCE_POLYGLOT",
    ),
    "script in a packed png text": (
        made.with_png_chunk(made.png(), b"zTXt", b"C\0\0" + zlib.compress(made.SCRIPT)),
        "image/png",
        "EVIDENCE_POLYGLOT",
    ),
    "script in a packed international text": (
        made.with_png_chunk(made.png(), b"iTXt", b"C\0\1\0zh\0key\0" + zlib.compress(made.SCRIPT)),
        "image/png",
        "EVIDENCE_POLYGLOT",
    ),
    "html in a private png chunk": (
        made.with_png_chunk(made.png(), b"prVt", b"<html><body onload=x>"),
        "image/png",
        "EVIDENCE_POLYGLOT",
    ),
    "svg in a webp chunk": (
        made.with_riff_chunk(made.webp(), b"JUNK", b"<svg onload=x>"),
        "image/webp",
        "EVIDENCE_POLYGLOT",
    ),
    "a huge png": (made.png_bomb(50_000, 50_000), "image/png", "EVIDENCE_BOMB"),
    "the hugest png": (made.png_bomb(2**31 - 1, 2**31 - 1), "image/png", "EVIDENCE_BOMB"),
    "a huge jpeg": (made.jpeg_claiming(65_000, 65_000), "image/jpeg", "EVIDENCE_BOMB"),
    "one pixel row too many": (made.png_bomb(1000, 1001), "image/png", "EVIDENCE_BOMB"),
    "a text bomb": (made.text_bomb(), "image/png", "EVIDENCE_BOMB"),
    "a profile bomb": (
        made.with_png_chunk(made.png(), b"iCCP", b"p\0\0" + zlib.compress(b"\0" * 10_001)),
        "image/png",
        "EVIDENCE_BOMB",
    ),
    "a huge webp": (
        made.with_riff_chunk(made.webp(), b"VP8X", b"\0\0\0\0" + (9_999).to_bytes(3, "little") * 2),
        "image/webp",
        "EVIDENCE_BOMB",
    ),
    "half a jpeg": (made.jpeg()[:400], "image/jpeg", "EVIDENCE_CORRUPT"),
    "a jpeg without its end": (made.jpeg()[:-2], "image/jpeg", "EVIDENCE_CORRUPT"),
    "a jpeg without pixels": (b"\xff\xd8\xff\xd9", "image/jpeg", "EVIDENCE_CORRUPT"),
    "only a jpeg's start": (b"\xff\xd8", "image/jpeg", "EVIDENCE_CORRUPT"),
    "half a png": (made.png()[:120], "image/png", "EVIDENCE_CORRUPT"),
    "a png without its end": (made.png()[:-12], "image/png", "EVIDENCE_CORRUPT"),
    "a png with a wrong checksum": (made.png()[:-1] + b"x", "image/png", "EVIDENCE_CORRUPT"),
    "a png with too few pixels": (made.png_bomb(900, 900), "image/png", "EVIDENCE_CORRUPT"),
    "a png of no size": (made.png_bomb(0, 5), "image/png", "EVIDENCE_CORRUPT"),
    "only a png's start": (made.png()[:8], "image/png", "EVIDENCE_CORRUPT"),
    "half a webp": (made.webp()[:60], "image/webp", "EVIDENCE_CORRUPT"),
    "a webp without pixels": (b"RIFF\x04\0\0\0WEBP", "image/webp", "EVIDENCE_CORRUPT"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_anything_else_is_refused_by_name(inspect: Inspect, name: str):
    data, declared, code = REFUSED[name]
    with pytest.raises(Invalid) as refusal:
        inspect(data, declared)
    assert refusal.value.code == code


def test_a_lying_type_says_what_was_found(inspect: Inspect):
    with pytest.raises(Invalid) as refusal:
        inspect(made.png(), "image/jpeg")
    assert (refusal.value.code, refusal.value.field) == ("EVIDENCE_TYPE", "content_type")
    assert refusal.value.params == {"content_type": "image/jpeg", "found": "image/png"}


def test_a_wrong_digest_is_refused(inspect: Inspect):
    with pytest.raises(Invalid) as refusal:
        inspect(made.jpeg(), sha256="0" * 64)
    assert (refusal.value.code, refusal.value.field) == ("EVIDENCE_DIGEST", "sha256")


@pytest.mark.parametrize("told", [-1, 1])
def test_a_wrong_size_is_refused(inspect: Inspect, told: int):
    data = made.jpeg()
    with pytest.raises(Invalid) as refusal:
        inspect(data, size=len(data) + told)
    assert refusal.value.code == "EVIDENCE_SIZE"


def test_a_file_over_the_limit_is_refused(inspect: Inspect):
    data = made.jpeg() + b"\0" * 200_000
    with pytest.raises(Invalid) as refusal:
        inspect(data)
    assert refusal.value.code == "EVIDENCE_SIZE"


@pytest.mark.parametrize("cut", range(2, 1000, 37))
@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
def test_no_cut_passes_and_none_surprises(inspect: Inspect, kind: str, cut: int):
    data = {"jpeg": made.jpeg(), "png": made.png(), "webp": made.webp()}[kind]
    with pytest.raises(Invalid) as refusal:
        inspect(data[: min(cut, len(data) - 3)], f"image/{kind}")
    assert refusal.value.code in {"EVIDENCE_CORRUPT", "EVIDENCE_TYPE"}


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
def test_damage_anywhere_is_either_harmless_or_refused_by_name(inspect: Inspect, kind: str):
    data = {"jpeg": made.jpeg(), "png": made.png(), "webp": made.webp()}[kind]
    refused = set()
    for at in range(0, len(data), 5):
        damaged = bytearray(data)
        damaged[at] ^= 0xFF
        try:
            inspect(bytes(damaged), f"image/{kind}")
        except Invalid:  # any other exception fails this test
            refused.add(at)
    # Every byte of a PNG is under a checksum; the others have none and show a damaged pixel.
    assert 0 in refused
    assert kind != "png" or refused == set(range(0, len(data), 5))


def with_exif(kind: str, exif: Image.Exif) -> bytes:
    return {"jpeg": made.jpeg, "png": made.png, "webp": made.webp}[kind](exif=exif)


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
def test_time_and_position_are_read_as_data(inspect: Inspect, kind: str):
    tags = made.gps(30.6918, 111.2865, altitude=IFDRational(1335, 10), error=IFDRational(45, 10))
    facts = inspect(with_exif(kind, made.camera_exif(gps=tags)), f"image/{kind}")
    assert facts.taken_at == datetime(2026, 11, 22, 16, 30, 5, tzinfo=timezone(timedelta(hours=8)))
    assert facts.taken_at_source is TimeSource.EXIF
    assert facts.position == Position(111.2865, 30.6918, "EPSG:4326", 133.5, 4.5)


def test_a_time_without_zone_is_the_tenants(inspect: Inspect):
    facts = inspect(with_exif("jpeg", made.camera_exif(offset=None)))
    assert facts.taken_at == datetime(2026, 11, 22, 16, 30, 5, tzinfo=BEIJING)
    assert facts.taken_at_source is TimeSource.TENANT


@pytest.mark.parametrize(
    ("offset", "hours"), [("+05:30", 5.5), ("-04:00", -4), ("Z", 0), ("+00:00", 0)]
)
def test_an_offset_of_the_file_is_kept(inspect: Inspect, offset: str, hours: float):
    facts = inspect(with_exif("jpeg", made.camera_exif(offset=offset)))
    assert facts.taken_at is not None
    assert facts.taken_at.utcoffset() == timedelta(hours=hours)


@pytest.mark.parametrize("offset", ["", "   :  ", "+8", "08:00:", "+99:99", "Asia/"])
def test_a_broken_offset_falls_back_to_the_tenants_zone(inspect: Inspect, offset: str):
    facts = inspect(with_exif("jpeg", made.camera_exif(offset=offset)))
    assert facts.taken_at_source is TimeSource.TENANT


@pytest.mark.parametrize("taken", ["0000:00:00 00:00:00", "2026:13:01 00:00:00", "", "yesterday"])
def test_a_time_that_is_none_is_left_out(inspect: Inspect, taken: str):
    facts = inspect(with_exif("jpeg", made.camera_exif(taken=taken)))
    assert (facts.taken_at, facts.taken_at_source) == (None, None)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (made.gps(-33.5, -70.25), Position(-70.25, -33.5, "EPSG:4326")),
        (made.gps(36.2, 113.1, datum="WGS-84"), Position(113.1, 36.2, "EPSG:4326")),
        (made.gps(36.2, 113.1, datum="CGCS2000"), Position(113.1, 36.2, "EPSG:4490")),
        (made.gps(36.2, 113.1, datum="GCJ-02"), Position(113.1, 36.2, "unknown:GCJ02")),
        (
            made.gps(30.5, 111.5, altitude=IFDRational(20), below=b"\x01"),
            Position(111.5, 30.5, "EPSG:4326", -20.0),
        ),
        (made.gps(0, 0), None),
        (made.gps(91, 10), None),
        (made.gps(10, 181), None),
        ({**made.gps(30.5, 111.5), 1: "X"}, None),
        ({**made.gps(30.5, 111.5), 2: (IFDRational(0, 0),) * 3}, None),
        ({2: made.degrees(30.5), 4: made.degrees(111.5)}, None),
        ({}, None),
    ],
)
def test_a_position_keeps_its_own_system(
    inspect: Inspect, tags: dict[int, object], expected: Position | None
):
    assert inspect(with_exif("jpeg", made.camera_exif(gps=tags))).position == expected


@pytest.mark.parametrize(("orientation", "size"), [(1, (64, 48)), (3, (64, 48)), (6, (48, 64))])
def test_width_and_height_are_those_of_the_upright_picture(
    inspect: Inspect, orientation: int, size: tuple[int, int]
):
    facts = inspect(with_exif("jpeg", made.camera_exif(orientation=orientation)))
    assert (facts.width, facts.height) == size


@pytest.mark.parametrize(
    "content", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0" + b"\xff" * 60]
)
def test_a_broken_exif_says_nothing_and_hurts_nothing(inspect: Inspect, content: bytes):
    facts = inspect(made.with_jpeg_segment(made.jpeg(), 0xE1, content))
    assert (facts.taken_at, facts.position, facts.width) == (None, None, 64)


def test_the_facts_name_no_camera_and_no_owner(inspect: Inspect):
    facts = inspect(with_exif("jpeg", made.camera_exif()))
    assert "Phone" not in repr(facts)
