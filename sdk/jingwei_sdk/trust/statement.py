"""The statement (声明) about a wheel: its files by digest, and where it was made from.

It is made from the wheel and holds for what an installer unpacks: files that installers write
themselves are in neither. A signature is over its bytes, so nothing in it depends on a layout.
"""

import csv
import hashlib
import json
import zipfile
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from email.parser import HeaderParser
from pathlib import Path, PurePosixPath

import msgspec

from jingwei_sdk.errors import Invalid, Refused

_NOT_STATED = {"RECORD", "RECORD.jws", "RECORD.p7s"}


class Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a signer vouches for; ``files`` are SHA-256 digests (hex) by path in the wheel."""

    name: str
    version: str
    files: dict[str, str]
    source: str = ""
    """Where it was built from, say an address and a revision."""

    def payload(self) -> bytes:
        """The bytes that are signed: the same for the same content."""
        document = {
            "files": dict(sorted(self.files.items())),
            "name": self.name,
            "source": self.source,
            "version": self.version,
        }
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def read(cls, payload: bytes) -> "Statement":
        """The statement in signed bytes; raises ``Invalid`` (``TRUST_SIGNATURE_FILE``)."""
        try:
            return msgspec.json.decode(payload, type=cls)
        except msgspec.DecodeError as error:
            raise Invalid("TRUST_SIGNATURE_FILE", cause=str(error)) from error


def statement_of(wheel: Path, *, source: str = "") -> Statement:
    """The statement about a wheel.

    Raises ``Invalid`` (``TRUST_NO_WHEEL``) for a file that is none, ``Refused``
    (``TRUST_FILE_CHANGED``, ``TRUST_FILE_UNLISTED``) for one whose files are not those it lists.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            contents = {
                info.filename: archive.read(info)
                for info in archive.infolist()
                if not info.is_dir()
            }
    except (OSError, zipfile.BadZipFile) as error:
        raise Invalid("TRUST_NO_WHEEL", file=wheel.name, cause=str(error)) from error
    info = next((name for name in contents if name.endswith(".dist-info/METADATA")), None)
    record = next((name for name in contents if name.endswith(".dist-info/RECORD")), None)
    if info is None or record is None:
        raise Invalid("TRUST_NO_WHEEL", file=wheel.name, cause="no metadata")
    listed = dict(_listed(contents[record].decode()))
    files = {}
    for name, content in sorted(contents.items()):
        if PurePosixPath(name).name in _NOT_STATED:
            continue
        files[name] = hashlib.sha256(content).hexdigest()
        if name not in listed:
            raise Refused("TRUST_FILE_UNLISTED", file=name)
        if listed[name] != files[name]:
            raise Refused("TRUST_FILE_CHANGED", file=name)
    missing = set(listed) - set(files) - {record}
    if missing:
        raise Refused("TRUST_FILE_MISSING", file=min(missing))
    headers = HeaderParser().parsestr(contents[info].decode())
    return Statement(str(headers["Name"]), str(headers["Version"]), files, source)


def _listed(record: str) -> Iterator[tuple[str, str]]:
    """Path and SHA-256 digest (hex, empty when there is none) of each line of a ``RECORD``."""
    for row in csv.reader(record.splitlines()):
        if len(row) >= 2:
            yield row[0], hex_digest(row[1])


def hex_digest(recorded: str) -> str:
    """``sha256=…`` of a ``RECORD`` as hex; empty for anything else."""
    kind, _, value = recorded.partition("=")
    if kind != "sha256":
        return ""
    return urlsafe_b64decode(value + "=" * (-len(value) % 4)).hex()


def digest_of(path: Path) -> str:
    """The SHA-256 digest (hex) of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
