"""Foreign content (夹带内容): what betrays a second file inside a picture."""

import re

from jingwei_sdk.errors import Invalid

MAX_TRAILER_BYTES = 64 * 1024
"""Samsung and Huawei cameras write a short block of their own after the picture's end; more than
this is a film or a hidden file."""

_SIGNATURES = {
    "ZIP": re.compile(rb"PK\x03\x04|PK\x05\x06|PK\x07\x08"),
    "PDF": re.compile(rb"%PDF-"),
    "RAR": re.compile(rb"Rar!\x1a\x07"),
    "7-Zip": re.compile(rb"7z\xbc\xaf\x27\x1c"),
    "ELF": re.compile(rb"\x7fELF[\x01\x02]"),
    "MIME": re.compile(rb"MIME-Version:", re.IGNORECASE),
    "script": re.compile(rb"<script|<\?php|javascript:|#!/bin/|#!/usr/", re.IGNORECASE),
    "HTML": re.compile(rb"<!doctype|<html|<body|<iframe|<object|<embed|<meta\s", re.IGNORECASE),
    "SVG": re.compile(rb"<svg", re.IGNORECASE),
}
_VIDEO = re.compile(rb"ftyp(?:mp4|isom|iso|qt |avc|M4V|3gp|heic)")


def refuse_foreign(metadata: bytes | memoryview) -> None:
    """Refuse a part that decodes to no pixel but holds another file or a script.

    Only such parts are looked at: compressed pixels contain any four bytes by chance.
    Raises ``Invalid`` (``EVIDENCE_POLYGLOT``).
    """
    for found, signature in _SIGNATURES.items():
        if signature.search(metadata):
            raise Invalid("EVIDENCE_POLYGLOT", found=found)


def refuse_trailer(trailer: bytes | memoryview) -> None:
    """Refuse what follows a picture's end, unless it is padding or a camera's own short block.

    Raises ``Invalid`` (``EVIDENCE_POLYGLOT``).
    """
    if not bytes(trailer).strip(b"\0"):
        return
    refuse_foreign(trailer)
    if _VIDEO.search(trailer):
        raise Invalid("EVIDENCE_POLYGLOT", found="video")
    if len(trailer) > MAX_TRAILER_BYTES:
        raise Invalid("EVIDENCE_POLYGLOT", found="appended data")
