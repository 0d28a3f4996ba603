"""The deny list (停用名单): versions of plugins that a deployment must not run, signed.

The file is TOML whose first line is a comment with the Ed25519 signature of everything after it::

    # ed25519: <base64>
    serial = 7
    issued = 2026-11-22T08:00:00Z

    [[denied]]
    plugin = "permits"
    versions = "<1.4.2"
    reason_zh = "可绕过审批"
    reason_en = "approval can be bypassed"
    link = "https://example.org/advisories/7"

A list counts only with a signature of a key that the deployment trusts, and never before one with
a higher serial number. A file that cannot be read leaves the last good list in force.
"""

import base64
import binascii
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec
import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from jingwei_core.plugins.off import Off
from jingwei_core.settings import Settings
from jingwei_sdk.errors import Unavailable

SIGNED_BY = "# ed25519: "
_log = structlog.get_logger(__name__)


class Denied(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of the list: versions of a plugin, why, and where more is told."""

    plugin: str
    versions: str
    reason_zh: str
    reason_en: str
    link: str

    def covers(self, plugin: str, version: str) -> bool:
        """Whether it speaks of this plugin in this version."""
        if plugin != self.plugin:
            return False
        return SpecifierSet(self.versions).contains(version, prereleases=True)


class _Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    serial: int
    issued: datetime
    denied: tuple[Denied, ...] = ()


@dataclass(frozen=True, slots=True)
class DenyList:
    """A list whose signature was good; ``text`` is the whole file. The empty one has serial 0."""

    serial: int = 0
    issued: datetime | None = None
    denied: tuple[Denied, ...] = ()
    text: str = field(default="", repr=False)

    def off(self, plugin: str, version: str) -> Off | None:
        """Why the plugin is off in that version, if the list says so."""
        for line in self.denied:
            if line.covers(plugin, version):
                return Off(plugin, "denied", f"{line.reason_zh} · {line.reason_en}", line.link)
        return None

    def offs(self, versions: Mapping[str, str]) -> list[Off]:
        """Those of the plugins, given by id with their versions, that the list denies."""
        found = (self.off(plugin, version) for plugin, version in sorted(versions.items()))
        return [off for off in found if off is not None]


def read_deny_list(text: str, keys: Iterable[str]) -> DenyList:
    """The list in ``text``, signed by one of the public ``keys`` (base64).

    Raises ``Unavailable`` (``DENY_LIST_UNREADABLE``) with its cause.
    """
    first, _, rest = text.partition("\n")
    if not any(_is_signed(first, rest, key) for key in keys):
        raise _unreadable("its signature is not of a trusted key")
    try:
        content = msgspec.convert(tomllib.loads(rest), _Content)
        for line in content.denied:
            SpecifierSet(line.versions)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, InvalidSpecifier) as error:
        raise _unreadable(str(error)) from error
    return DenyList(content.serial, content.issued, content.denied, text)


def read_deny_file(path: Path, keys: Iterable[str]) -> DenyList:
    """The list in a file; raises as :func:`read_deny_list` does."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise _unreadable(f"{type(error).__name__}: {path.name}") from error
    return read_deny_list(text, keys)


def deny_list_of(settings: Settings) -> tuple[DenyList, str]:
    """The list in the configured file, and why it cannot be read (empty when it can, or when there
    is none)."""
    if settings.deny_list is None:
        return DenyList(), ""
    try:
        return read_deny_file(settings.deny_list, settings.deny_list_keys), ""
    except Unavailable as error:
        cause = str(error.params.get("cause", error.code))
        _log.error("deny_list_unreadable", where="file", cause=cause)
        return DenyList(), cause


def signed(content: str, key: Ed25519PrivateKey) -> str:
    """The text of a list, to be written to its file; ``content`` is its TOML."""
    signature = base64.b64encode(key.sign(content.encode())).decode()
    return f"{SIGNED_BY}{signature}\n{content}"


def private_key(path: Path) -> tuple[Ed25519PrivateKey, str]:
    """The key in a PEM file, and its public half as settings hold it.

    Raises ``Unavailable`` (``DENY_LIST_UNREADABLE``) for a file without an Ed25519 key.
    """
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise _unreadable(f"{path.name}: {type(error).__name__}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _unreadable(f"{path.name} is no Ed25519 key")
    return key, base64.b64encode(key.public_key().public_bytes_raw()).decode()


def newest(lists: Iterable[DenyList]) -> DenyList:
    """The list with the highest serial number."""
    return max(lists, key=lambda each: each.serial, default=DenyList())


def _is_signed(first: str, rest: str, key: str) -> bool:
    if not first.startswith(SIGNED_BY):
        return False
    try:
        signature = base64.b64decode(first.removeprefix(SIGNED_BY).strip(), validate=True)
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key, validate=True))
        public.verify(signature, rest.encode())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def _unreadable(cause: str) -> Unavailable:
    return Unavailable("DENY_LIST_UNREADABLE", cause=cause)
