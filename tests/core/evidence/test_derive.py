"""Derived pictures: the right pixels, upright, and not a word more."""

import hashlib
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from jingwei_core.evidence.derive import derive
from jingwei_core.evidence.facts import (
    DERIVATIVE_SIDE,
    THUMBNAIL_SIDE,
    ImageFormat,
    Picture,
)
from jingwei_sdk.errors import Invalid
from tests.core.evidence import pictures as made

SECRETS = (b"MakerOfPhones", b"OwnerOfThePhone", b"SecretComment", b"Exif", b"xmp", b"ICC_PROFILE")


def derived(tmp_path: Path, data: bytes, kind: ImageFormat, side: int) -> tuple[Picture, Path]:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(data)
    return derive(source, kind, target, side), target


def telling(kind: ImageFormat, **options: object) -> bytes:
    """A picture with everything in it that must not get out."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    told = {
        "exif": made.camera_exif(gps=made.gps(30.7, 111.3)),
        "icc_profile": profile,
        "xmp": b"<x:xmpmeta>SecretComment</x:xmpmeta>",
        **options,
    }
    if kind is ImageFormat.JPEG:
        return made.jpeg(2000, 1500, comment=b"SecretComment", **told)
    if kind is ImageFormat.PNG:
        return made.png_with_everything()
    return made.webp(2000, 1500, **told)


@pytest.mark.parametrize("kind", ImageFormat)
@pytest.mark.parametrize("side", [DERIVATIVE_SIDE, THUMBNAIL_SIDE])
def test_no_metadata_survives(tmp_path: Path, kind: ImageFormat, side: int):
    data = telling(kind)
    assert any(secret in data for secret in SECRETS)

    _, target = derived(tmp_path, data, kind, side)

    content = target.read_bytes()
    assert [secret for secret in SECRETS if secret in content] == []
    with Image.open(target) as shown:
        assert set(shown.info) == {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        assert dict(shown.getexif()) == {}
        assert shown.format == "JPEG"


@pytest.mark.parametrize(
    ("size", "side", "expected"),
    [
        ((2000, 1500), 1600, (1600, 1200)),
        ((1500, 2000), 1600, (1200, 1600)),
        ((2000, 1500), 320, (320, 240)),
        ((3000, 10), 320, (320, 1)),
        ((64, 48), 1600, (64, 48)),
    ],
)
def test_the_longest_side_is_kept(
    tmp_path: Path, size: tuple[int, int], side: int, expected: tuple[int, int]
):
    found, target = derived(tmp_path, made.jpeg(*size), ImageFormat.JPEG, side)
    content = target.read_bytes()
    assert (found.width, found.height) == expected
    assert (found.size, found.content_type) == (len(content), "image/jpeg")
    assert found.sha256 == hashlib.sha256(content).hexdigest()
    with Image.open(target) as shown:
        assert shown.size == expected


def test_a_turned_picture_is_upright(tmp_path: Path):
    upright = made.picture(640, 480)
    turned = upright.transpose(Image.Transpose.ROTATE_90)
    data = made.encoded(turned, "JPEG", exif=made.camera_exif(orientation=6), quality=95)

    found, target = derived(tmp_path, data, ImageFormat.JPEG, 320)

    assert (found.width, found.height) == (320, 240)
    expected = upright.resize((320, 240))
    with Image.open(target) as shown:
        for corner in ((5, 5), (314, 5), (5, 234), (314, 234)):
            pairs = zip(shown.getpixel(corner), expected.getpixel(corner), strict=True)
            assert all(abs(is_ - should) < 12 for is_, should in pairs)


WHITE, RED, GREY = (255, 255, 255), (255, 0, 0), (128, 128, 128)


@pytest.mark.parametrize(
    ("image", "kind", "colour"),
    [
        (Image.new("RGBA", (400, 300), (0, 0, 0, 0)), "PNG", WHITE),
        (Image.new("LA", (400, 300), (0, 0)), "PNG", WHITE),
        (Image.new("RGBA", (400, 300), (255, 0, 0, 255)), "WEBP", RED),
        (Image.new("RGB", (400, 300), RED).convert("P"), "PNG", RED),
        (Image.new("1", (400, 300), 1), "PNG", WHITE),
        (Image.new("I;16", (400, 300), 128 * 256), "PNG", GREY),
        (Image.new("L", (400, 300), 128), "JPEG", GREY),
        (Image.new("RGB", (400, 300), RED).convert("CMYK"), "JPEG", RED),
    ],
)
def test_every_kind_of_pixel_comes_out_in_its_colour(
    tmp_path: Path, image: Image.Image, kind: str, colour: tuple[int, int, int]
):
    data = made.encoded(image, kind)
    _, target = derived(tmp_path, data, ImageFormat(f"image/{kind.lower()}"), 320)
    with Image.open(target) as shown:
        assert shown.mode == "RGB"
        middle = shown.getpixel((160, 120))
        assert all(abs(is_ - should) < 6 for is_, should in zip(middle, colour, strict=True))


def test_a_broken_profile_does_not_stop_the_picture(tmp_path: Path):
    data = made.jpeg(640, 480, icc_profile=b"no profile")
    found, target = derived(tmp_path, data, ImageFormat.JPEG, 320)
    assert (found.width, found.height) == (320, 240)
    assert b"no profile" not in target.read_bytes()


def test_a_damaged_original_leaves_no_derivative(tmp_path: Path):
    for data in (made.png()[:120], b"", b"text"):
        with pytest.raises(Invalid) as refusal:
            derived(tmp_path, data, ImageFormat.PNG, 320)
        assert refusal.value.code == "EVIDENCE_CORRUPT"
        assert not (tmp_path / "target").exists()
