"""Derived pictures (衍生图): what is shown instead of the original, without a word about it.

Both sizes are JPEG: every browser, mini-program, spreadsheet and printed file reads it.
"""

import hashlib
import io
from pathlib import Path

from PIL import Image, ImageCms, ImageOps

from jingwei_core.evidence.facts import ImageFormat, Picture
from jingwei_core.evidence.inspection import DECODER_ERRORS, opened
from jingwei_sdk.errors import Invalid

_QUALITY = 82
_SCALABLE = frozenset({"L", "LA", "RGB", "RGBA", "CMYK"})


def derive(source: Path, kind: ImageFormat, target: Path, longest_side: int) -> Picture:
    """Write an upright JPEG of at most ``longest_side`` pixels; smaller originals keep their size.

    Only pixels are carried over: EXIF, XMP, comments, profiles and previews stay behind (colours
    are converted to sRGB first). Transparent parts become white.
    Raises ``Invalid`` (``EVIDENCE_CORRUPT``, ``EVIDENCE_BOMB``).
    """
    try:
        with opened(source, kind) as image:
            picture = _shown(image, longest_side)
    except MemoryError as bomb:
        raise Invalid("EVIDENCE_BOMB", found="memory") from bomb
    except DECODER_ERRORS as broken:
        raise Invalid("EVIDENCE_CORRUPT") from broken
    content = _encoded(picture)
    target.write_bytes(content)
    width, height = picture.size
    return Picture(width, height, len(content), hashlib.sha256(content).hexdigest())


def _shown(image: Image.Image, longest_side: int) -> Image.Image:
    """A new picture that shares nothing with ``image`` but its pixels."""
    plain = image if image.mode in _SCALABLE else _plain(image)
    plain.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    upright = _flat(_in_srgb(ImageOps.exif_transpose(plain)))
    shown = Image.new("RGB", upright.size)
    shown.paste(upright)
    return shown


def _in_srgb(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in {"RGB", "RGBA", "CMYK", "L"}:
        return image
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    try:
        own, srgb = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, own, srgb, outputMode=mode)
    except (ImageCms.PyCMSError, OSError):  # a broken profile: the colours as they are will do
        return image
    return converted or image


def _plain(image: Image.Image) -> Image.Image:
    """Palettes and 16-bit greys as the eight-bit colours that can be scaled smoothly."""
    if image.mode.startswith("I"):
        return image.point(lambda value: value * (1 / 256)).convert("L")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _flat(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    layered = image.convert("RGBA")
    white = Image.new("RGBA", layered.size, "white")
    return Image.alpha_composite(white, layered).convert("RGB")


def _encoded(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=_QUALITY, optimize=True)
    return buffer.getvalue()
