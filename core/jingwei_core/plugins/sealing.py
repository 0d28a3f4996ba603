"""Sealing (密封): secret settings are stored encrypted, each for one tenant, plugin and name.

AES-256-GCM under a key derived from the deployment's secret. The tenant, the plugin and the name
are authenticated with the value: a sealed text that is moved to another row does not open there.
"""

import base64
import os
import uuid
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from jingwei_core.settings import Settings
from jingwei_sdk.errors import Refused
from jingwei_sdk.settings import Secret

_PURPOSE = "plugin-settings"
_FORMAT = "1"
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Place:
    """Where a secret belongs; ``tenant`` is ``None`` for the settings of the whole deployment."""

    tenant: uuid.UUID | None
    plugin: str
    name: str

    def authenticated(self) -> bytes:
        """The bytes that must be the same at opening."""
        # None of the three can hold a line end.
        return "\n".join((str(self.tenant or "*"), self.plugin, self.name)).encode()


class Vault:
    """Seals and opens the secrets of one deployment."""

    def __init__(self, settings: Settings) -> None:
        self._cipher = AESGCM(bytes.fromhex(settings.derived_secret(_PURPOSE)))

    def seal(self, place: Place, secret: Secret) -> str:
        """The text to store; another one at each call."""
        nonce = os.urandom(_NONCE_BYTES)
        plain = secret.reveal().encode()
        sealed = self._cipher.encrypt(nonce, plain, place.authenticated())
        return f"{_FORMAT}.{base64.b64encode(nonce + sealed).decode()}"

    def open(self, place: Place, stored: str) -> Secret:
        """The secret; raises ``Refused`` (``SECRET_SEALED_ELSEWHERE``) for a text that was sealed
        for another place or by a deployment with another secret."""
        version, _, text = stored.partition(".")
        try:
            if version != _FORMAT:
                raise ValueError(version)
            raw = base64.b64decode(text, validate=True)
            plain = self._cipher.decrypt(
                raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], place.authenticated()
            )
        except (InvalidTag, ValueError) as error:
            raise Refused(
                "SECRET_SEALED_ELSEWHERE", plugin=place.plugin, setting=place.name
            ) from error
        return Secret(plain.decode())


@dataclass(frozen=True, slots=True)
class TenantVault:
    """The vault for the settings of one tenant, or of the deployment (``None``)."""

    vault: Vault
    tenant: uuid.UUID | None

    def open(self, plugin: str, name: str, stored: str) -> Secret:
        """The secret setting of a plugin; raises as :meth:`Vault.open` does."""
        return self.vault.open(Place(self.tenant, plugin, name), stored)

    def seal(self, plugin: str, name: str, secret: Secret) -> str:
        """The text to store for it."""
        return self.vault.seal(Place(self.tenant, plugin, name), secret)
