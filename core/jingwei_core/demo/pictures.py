"""Demo pictures (演示照片): drawn, never taken; they say DEMO and show a railing."""

import io
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from PIL import ExifTags, Image, ImageDraw
from PIL.TiffImagePlugin import IFDRational

SIZE = (960, 720)
_SKY, _GROUND, _STEEL, _WARNING = (176, 205, 228), (128, 128, 122), (90, 98, 110), (214, 64, 40)
_MICRO = 10**6


@dataclass(frozen=True, slots=True)
class Shot:
    """Where and when a picture was taken: degrees WGS 84 as a phone writes them, an aware time."""

    lon: float
    lat: float
    taken_at: datetime


def railing(*, broken: bool, shot: Shot | None = None, mark: str = "") -> bytes:
    """A JPEG of a road railing; ``mark`` is written into it, so that two pictures differ."""
    image = Image.new("RGB", SIZE, _SKY)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 430, SIZE[0], SIZE[1]), fill=_GROUND)
    for number, x in enumerate(range(60, SIZE[0], 120)):
        if broken and number in (3, 4):
            draw.line((x, 520, x + 150, 560), fill=_WARNING, width=16)
            continue
        draw.line((x, 250, x, 520), fill=_STEEL, width=16)
    for y in (290, 400):
        if broken:
            draw.line((60, y, 330, y), fill=_STEEL, width=12)
            draw.line((660, y, SIZE[0], y), fill=_STEEL, width=12)
        else:
            draw.line((60, y, SIZE[0], y), fill=_STEEL, width=12)
    draw.text((24, 24), f"DEMO {mark}".strip(), fill=(20, 20, 20), font_size=40)
    output = io.BytesIO()
    image.save(output, "JPEG", quality=82, exif=_exif(shot) if shot else b"")
    return output.getvalue()


def _exif(shot: Shot) -> Image.Exif:
    exif = Image.Exif()
    inner = exif.get_ifd(ExifTags.IFD.Exif)
    inner[ExifTags.Base.DateTimeOriginal] = f"{shot.taken_at:%Y:%m:%d %H:%M:%S}"
    inner[ExifTags.Base.OffsetTimeOriginal] = shot.taken_at.isoformat(timespec="seconds")[-6:]
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(
        {
            ExifTags.GPS.GPSLatitudeRef: "S" if shot.lat < 0 else "N",
            ExifTags.GPS.GPSLatitude: _sexagesimal(shot.lat),
            ExifTags.GPS.GPSLongitudeRef: "W" if shot.lon < 0 else "E",
            ExifTags.GPS.GPSLongitude: _sexagesimal(shot.lon),
        }
    )
    return exif


def _sexagesimal(degrees: float) -> tuple[IFDRational, IFDRational, IFDRational]:
    exact = abs(Fraction(degrees).limit_denominator(10**7))
    whole = int(exact)
    minutes = int((exact - whole) * 60)
    seconds = ((exact - whole) * 60 - minutes) * 60
    return IFDRational(whole), IFDRational(minutes), IFDRational(round(seconds * _MICRO), _MICRO)
