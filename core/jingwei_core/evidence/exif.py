"""Time and position from EXIF (拍摄时间与位置), read as data and never trusted as proof.

Tags: CIPA DC-008 (Exif 3.0), tables 7 and 15.
"""

import math
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from PIL import Image

from jingwei_core.evidence.facts import Position, TimeSource

_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
DIRECTORIES = (_EXIF_IFD, _GPS_IFD)
"""The two parts of EXIF that are read."""
_ORIENTATION = 274
_TURNED = frozenset({5, 6, 7, 8})
# Each local time with the tag of its offset from UTC; the moment of exposure first.
_TIMES = ((36867, 36881), (36868, 36882))
_GPS_LAT, _GPS_LON, _GPS_ALTITUDE, _GPS_DATUM, _GPS_ERROR = 2, 4, 6, 18, 31
_DATUMS = {
    "": "EPSG:4326",
    "WGS84": "EPSG:4326",
    "CGCS2000": "EPSG:4490",
}

Tags = Mapping[int, object]


def is_turned(exif: Image.Exif) -> bool:
    """Whether width and height change places when the picture is turned upright."""
    return exif.get(_ORIENTATION) in _TURNED


def taken_at(exif: Image.Exif, zone: ZoneInfo) -> tuple[datetime, TimeSource] | None:
    """When the picture was taken: with the file's own offset, else in the tenant's zone."""
    tags: Tags = exif.get_ifd(_EXIF_IFD)
    for time_tag, offset_tag in _TIMES:
        text, offset = str(tags.get(time_tag, "")).strip("\0 "), str(tags.get(offset_tag, ""))
        try:
            local = datetime.strptime(text, "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 (zone follows)
        except ValueError:
            continue
        try:
            return datetime.fromisoformat(local.isoformat() + _offset(offset)), TimeSource.EXIF
        except ValueError:
            return local.replace(tzinfo=zone), TimeSource.TENANT
    return None


def position(exif: Image.Exif) -> Position | None:
    """Where the camera says it was, or ``None`` when it says nothing that can be a place."""
    tags: Tags = exif.get_ifd(_GPS_IFD)
    lat, lon = _degrees(tags, _GPS_LAT, "NS", 90), _degrees(tags, _GPS_LON, "EW", 180)
    # Cameras without a fix write zeros; the point in the Gulf of Guinea is no place of evidence.
    if lat is None or lon is None or (lat, lon) == (0, 0):
        return None
    datum = str(tags.get(_GPS_DATUM, "")).strip("\0 ").upper().replace("-", "").replace(" ", "")
    altitude = _number(tags.get(_GPS_ALTITUDE))
    below_sea = tags.get(_GPS_ALTITUDE - 1) in (1, b"\x01")
    return Position(
        lon=lon,
        lat=lat,
        crs=_DATUMS.get(datum, f"unknown:{datum[:20]}"),
        altitude_m=-altitude if altitude is not None and below_sea else altitude,
        accuracy_m=_number(tags.get(_GPS_ERROR)),
    )


def _offset(text: str) -> str:
    text = text.strip("\0 ")
    if text == "Z":
        return "+00:00"
    if len(text) != 6 or text[0] not in "+-":
        raise ValueError(text)
    return text


def _degrees(tags: Tags, tag: int, letters: str, limit: int) -> float | None:
    """Degrees, minutes and seconds as degrees; southern and western ones are negative."""
    parts, letter = tags.get(tag), str(tags.get(tag - 1, "")).strip("\0 ").upper()
    if not isinstance(parts, tuple) or len(parts) != 3 or letter not in tuple(letters):
        return None
    numbers = [_number(part) for part in parts]
    degrees = 0.0
    for number, unit in zip(numbers, (1, 60, 3600), strict=True):
        if number is None or number < 0:
            return None
        degrees += number / unit
    if degrees > limit:
        return None
    return round(degrees if letter == letters[0] else -degrees, 7)


def _number(value: object) -> float | None:
    """A finite number; EXIF writes an unknown one as 0/0."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) else None
