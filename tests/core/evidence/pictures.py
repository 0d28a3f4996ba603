"""Pictures for tests, made on the spot: sound ones, and ones that are up to something."""

import io
import struct
import zipfile
import zlib
from fractions import Fraction

from PIL import Image, PngImagePlugin
from PIL.TiffImagePlugin import IFDRational

EXIF_IFD, GPS_IFD = 0x8769, 0x8825
SCRIPT = b"<script>alert(1)</script>"


def picture(width: int = 64, height: int = 48, mode: str = "RGB") -> Image.Image:
    """A gradient: its corners differ, so that turning it can be seen."""
    red = Image.linear_gradient("L").resize((width, height))
    green = Image.linear_gradient("L").rotate(90).resize((width, height))
    merged = Image.merge("RGB", (red, green, Image.new("L", (width, height), 128)))
    return merged.convert(mode)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg(width: int = 64, height: int = 48, **options: object) -> bytes:
    return encoded(picture(width, height), "JPEG", **options)


def png(width: int = 64, height: int = 48, **options: object) -> bytes:
    return encoded(picture(width, height), "PNG", **options)


def webp(width: int = 64, height: int = 48, **options: object) -> bytes:
    return encoded(picture(width, height), "WEBP", **options)


def camera_exif(
    *,
    taken: str = "2026:11:22 16:30:05",
    offset: str | None = "+08:00",
    orientation: int = 1,
    gps: dict[int, object] | None = None,
) -> Image.Exif:
    exif = Image.Exif()
    exif[271], exif[272], exif[274] = "MakerOfPhones", "Phone 9", orientation
    exif[315] = "OwnerOfThePhone"
    inner = exif.get_ifd(EXIF_IFD)
    inner[36867] = taken
    inner[37510] = b"ASCII\0\0\0SecretComment"
    if offset is not None:
        inner[36881] = offset
    exif.get_ifd(GPS_IFD).update(gps or {})
    return exif


def degrees(value: float) -> tuple[IFDRational, IFDRational, IFDRational]:
    exact = Fraction(value).limit_denominator(10**7)
    whole = int(exact)
    minutes = int((exact - whole) * 60)
    seconds = ((exact - whole) * 60 - minutes) * 60
    return IFDRational(whole), IFDRational(minutes), IFDRational(round(seconds * 10**6), 10**6)


def gps(lat: float, lon: float, **more: object) -> dict[int, object]:
    """GPS tags; ``more`` are altitude, below (1: under the sea), datum and error in metres."""
    names = {"below": 5, "altitude": 6, "datum": 18, "error": 31}
    tags: dict[int, object] = {
        1: "S" if lat < 0 else "N",
        2: degrees(abs(lat)),
        3: "W" if lon < 0 else "E",
        4: degrees(abs(lon)),
    }
    return {**tags, **{names[name]: value for name, value in more.items()}}


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("payload.sh", "rm -rf /")
    return buffer.getvalue()


def with_jpeg_segment(data: bytes, marker: int, content: bytes) -> bytes:
    segment = bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content
    return data[:2] + segment + data[2:]


def png_chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(content, zlib.crc32(kind))
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def with_png_chunk(data: bytes, kind: bytes, content: bytes) -> bytes:
    return data[:33] + png_chunk(kind, content) + data[33:]


def png_bomb(width: int, height: int) -> bytes:
    """A few hundred bytes that claim to be very many pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 100_000, 9)
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def png_of_rows(rows: list[bytes]) -> bytes:
    """A grey PNG whose pixels are these bytes, neither filtered nor compressed."""
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows), 0)
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def jpeg_claiming(width: int, height: int) -> bytes:
    data = bytearray(jpeg())
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def jpeg_of_many_scans(width: int, height: int, scans: int) -> bytes:
    """A progressive JPEG that repeats one refinement: small to send, long to unpack."""
    data = encoded(Image.new("L", (width, height), 90), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * scans + data[-2:]


def with_riff_chunk(data: bytes, kind: bytes, content: bytes) -> bytes:
    padded = content + b"\0" * (len(content) % 2)
    body = data[12:] + kind + struct.pack("<I", len(content)) + padded
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def text_bomb() -> bytes:
    packed = zlib.compress(b"\0" * 50_000_000, 9)
    return with_png_chunk(png(), b"zTXt", b"Comment\0\0" + packed)


def animated(kind: str) -> bytes:
    frames = [picture(), picture().rotate(180)]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)


def png_with_everything() -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "OwnerOfThePhone")
    info.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta>SecretComment</x:xmpmeta>")
    return png(pnginfo=info, exif=camera_exif(gps=gps(30.7, 111.3)))
