"""The policy of a deployment (信任策略): whom it believes, and what it does without a signature.

::

    unsigned = "refuse"
    editable = "refuse"
    without_sbom = "refuse"
    signatures = "signatures"            # folder beside this file
    capabilities = ["network"]           # what plugins may claim

    [[keys]]
    name = "Acme Lamps"
    public_key = "…"                     # as `jingwei-plugin key` prints it
    plugins = ["road-lamp", "acme-*"]
"""

import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

import msgspec

from jingwei_sdk.errors import Invalid
from jingwei_sdk.manifest import Capability

Choice = Literal["allow", "refuse"]


class TrustedKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A signer and the plugins it is believed about; ids may hold ``*``."""

    name: str
    public_key: str
    plugins: tuple[str, ...]

    def vouches_for(self, plugin: str) -> bool:
        """Whether the policy believes this signer about the plugin."""
        return any(fnmatchcase(plugin, pattern) for pattern in self.plugins)


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked of plugins before they are trusted; without a file, only wholeness."""

    unsigned: Choice = "allow"
    editable: Choice = "allow"
    without_sbom: Choice = "allow"
    signatures: str = "signatures"
    capabilities: tuple[Capability, ...] = tuple(Capability)
    keys: tuple[TrustedKey, ...] = ()
    folder: str = "."

    @property
    def signature_folder(self) -> Path:
        """Where the signature files lie."""
        return Path(self.folder) / self.signatures


def read_policy(path: Path) -> Policy:
    """The policy in a TOML file; raises ``Invalid`` (``TRUST_POLICY``)."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        return msgspec.convert({**content, "folder": str(path.parent)}, Policy)
    except (OSError, UnicodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise Invalid("TRUST_POLICY", file=path.name, cause=str(error)) from error
