"""The manifest (插件清单) ``plugin.toml``: what a plugin is, as data.

It lies beside the package's ``__init__.py``, travels in the wheel and is read without importing
the plugin, so that a plugin that does not fit is known by name and reason and never run.
"""

import re
import tomllib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

import msgspec
from packaging.version import InvalidVersion, Version

from jingwei_sdk.errors import Refused
from jingwei_sdk.records import PERMISSION
from jingwei_sdk.versions import SERVED, is_range, served

PLUGIN_ID = re.compile(r"^[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")
MANIFEST_NAME = "plugin.toml"
Tier = Literal["bronze", "silver", "gold"]


class Scope(StrEnum):
    """Where a plugin is switched on: by each tenant, once for the deployment, or either."""

    TENANT = "tenant"
    DEPLOYMENT = "deployment"
    BOTH = "both"


class Capability(StrEnum):
    """What a plugin's own code reaches for outside the platform; undeclared ones are found by
    ``plugin check``. A promise to its users, not a sandbox."""

    NETWORK = "network"
    FILES = "files"
    PROCESSES = "processes"


class PermissionText(msgspec.Struct, frozen=True):
    """A permission the plugin declares, with the names its users read."""

    code: str
    zh: str
    en: str


class RoleText(msgspec.Struct, frozen=True):
    """A role the plugin suggests (建议角色): permissions of its own manifest and no others."""

    code: str
    zh: str
    en: str
    permissions: tuple[str, ...]


class Requirement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another plugin this one stands on; ``version`` is a range, empty for any. An optional one
    is put before this plugin when it is on, and may be absent."""

    id: str
    version: str = ""
    optional: bool = False


class Exemption(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule of ``plugin check`` that does not hold here: why, and where that is followed up."""

    rule: str
    reason: str
    issue: str


class Head(msgspec.Struct, frozen=True):
    """The keys of a manifest that every format has: enough to say whether the rest can be read."""

    id: str
    version: str
    sdk: str

    def problem(self) -> str | None:
        """Why this SDK cannot serve the plugin, or ``None``."""
        if served(self.sdk) is not None:
            return None
        return f"needs SDK {self.sdk}, served are {', '.join(SERVED)}"


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``plugin.toml`` says. ``sdk`` is a version range of the SDK, never of the product."""

    id: str
    version: str
    sdk: str
    name_zh: str
    name_en: str
    description_zh: str
    description_en: str
    licence: str
    homepage: str = ""
    scope: Scope = Scope.TENANT
    tier: Tier = "bronze"
    graphql_prefix: str = ""
    """Begins each GraphQL type name the plugin adds, ``RoadLamp``; without one, names stand for
    themselves and only have to be unique."""
    permission_prefix: str = ""
    """First part of each permission code, ``road-lamp``; empty means the part they all share."""
    capabilities: tuple[Capability, ...] = ()
    requires: tuple[str | Requirement, ...] = ()
    permissions: tuple[PermissionText, ...] = ()
    roles: tuple[RoleText, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    settings: dict[str, Any] = {}
    """JSON Schema 2020-12 of the tenant's settings, as a plugin of SDK 0.1 declares them; since
    1.0 a plugin gives a typed struct (:mod:`jingwei_sdk.settings`) instead."""

    @property
    def schema(self) -> str:
        """The database schema that holds the plugin's tables."""
        return self.id.replace("-", "_")

    @property
    def needs(self) -> tuple[Requirement, ...]:
        """What the plugin stands on, each as a :class:`Requirement`."""
        return tuple(
            Requirement(entry) if isinstance(entry, str) else entry for entry in self.requires
        )

    def problem(self) -> str | None:
        """Why this SDK cannot serve the plugin, or ``None``."""
        return Head(self.id, self.version, self.sdk).problem()


def read_head(path: Path) -> Head:
    """Id, version and SDK range of a manifest of any format, newer ones too.

    Raises ``Refused`` (``PLUGIN_MANIFEST``) saying why it is none.
    """
    return _head(_content(path), path.name)


def read_manifest(path: Path) -> Manifest:
    """The manifest in a ``plugin.toml``.

    Raises ``Refused``: ``SDK_RANGE`` when it was written for an SDK that is not served (its other
    keys are not judged), ``PLUGIN_MANIFEST`` with everything that is wrong with it otherwise.
    """
    content = _content(path)
    head = _head(content, path.name)
    problem = head.problem()
    if problem is not None:
        raise Refused("SDK_RANGE", file=path.name, plugin=head.id, cause=problem)
    try:
        manifest = msgspec.convert(content, Manifest)
    except msgspec.ValidationError as error:
        raise _wrong(path.name, str(error)) from error
    problems = list(problems_of(manifest))
    if problems:
        raise _wrong(path.name, "; ".join(problems))
    return manifest


def problems_of(manifest: Manifest) -> Iterator[str]:
    """Each rule that a readable manifest breaks, as a sentence for its author."""
    own = {permission.code for permission in manifest.permissions}
    for code in sorted(own):
        if not PERMISSION.match(code):
            yield f"permissions: {code!r} is no permission code"
        elif manifest.permission_prefix and not code.startswith(f"{manifest.permission_prefix}."):
            yield f"permissions: {code!r} does not begin with {manifest.permission_prefix!r}"
    if len(own) != len(manifest.permissions):
        yield "permissions: a code stands there twice"
    for role in manifest.roles:
        foreign = sorted(set(role.permissions) - own)
        if foreign:
            yield f"roles: {role.code!r} is given {', '.join(foreign)}, not of this manifest"
    for need in manifest.needs:
        if not PLUGIN_ID.match(need.id) or need.id == manifest.id:
            yield f"requires: {need.id!r} is no id of another plugin"
        if need.version and not is_range(need.version):
            yield f"requires: {need.version!r} is no version range"
    for exemption in manifest.exemptions:
        if not exemption.reason.strip() or not exemption.issue.strip():
            yield f"exemptions: {exemption.rule!r} needs a reason and an issue"


def manifest_schema() -> dict[str, Any]:
    """The JSON Schema 2020-12 of ``plugin.toml``, for editors; published as
    ``plugin.schema.json``."""
    return msgspec.json.schema(Manifest)


def _content(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, tomllib.TOMLDecodeError) as error:
        raise _wrong(path.name, str(error)) from error


def _head(content: dict[str, Any], name: str) -> Head:
    try:
        head = msgspec.convert(content, Head)
        Version(head.version)
    except (msgspec.ValidationError, InvalidVersion) as error:
        raise _wrong(name, str(error)) from error
    if not PLUGIN_ID.match(head.id):
        raise _wrong(name, f"id {head.id!r}")
    if not is_range(head.sdk):
        raise _wrong(name, f"sdk {head.sdk!r} is no version range")
    return head


def _wrong(name: str, cause: str) -> Refused:
    return Refused("PLUGIN_MANIFEST", file=name, cause=cause)
