"""What visitors hold in their hands (凭据): tokens of forms and photos, codes, names that calls are
counted by.

All are made with a key of one counter of one tenant, derived from the deployment's secret: what was
made at one counter means nothing at another, and who reads the database cannot make or check any.
"""

import base64
import hashlib
import hmac
import ipaddress
import os
import secrets
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

import jwt
import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from jingwei_core.settings import Settings
from jingwei_sdk.context import Tenant
from jingwei_sdk.errors import Denied

LONGEST_TOKEN = 1000
_ALGORITHM = "HS256"
_NONCE_BYTES = 12
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Of codes. No 0 and O, no 1, I and L, and no U, which reads as V by hand."""
LENGTH = 16
"""16 of 30 letters: 78 bits. At 30 tries a minute nobody meets one of a million codes in a life."""
GROUP = 4
Token = TypeVar("Token", bound=msgspec.Struct)


class FormToken(msgspec.Struct, frozen=True):
    """A form that was opened at ``at``, UNIX seconds; ``nonce`` makes it one form of many."""

    at: int
    nonce: str


class PhotoToken(msgspec.Struct, frozen=True):
    """A photo that may be uploaded, and sent with a form until ``until``, UNIX seconds."""

    id: uuid.UUID
    content_type: str
    size: int
    sha256: str
    until: int


class Desk:
    """Makes and checks what the visitors of one counter of a tenant hold."""

    def __init__(self, settings: Settings, tenant: Tenant, counter: str) -> None:
        self._secret = settings.derived_secret(f"{counter} {tenant.id}").encode()

    def form(self, now: datetime) -> str:
        """A token for a form that is opened now."""
        token = FormToken(int(now.timestamp()), secrets.token_hex(16))
        return self.signed("form", token)

    def opened(self, token: str, now: datetime, good_for: timedelta, fill_s: int) -> FormToken:
        """The form that a token stands for.

        Raises ``Denied``: ``PUBLIC_FORM_EXPIRED`` when it was opened too long ago, or never;
        ``PUBLIC_FORM_TOO_FAST`` when nobody can have filled it in since.
        """
        form = self.read("form", token, FormToken)
        age_s = now.timestamp() - form.at if form is not None else -1
        if form is None or not -1 < age_s <= good_for.total_seconds():
            raise Denied("PUBLIC_FORM_EXPIRED", field="form")
        if age_s < fill_s:
            raise Denied("PUBLIC_FORM_TOO_FAST", field="form", seconds=fill_s)
        return form

    def photo(self, photo: PhotoToken) -> str:
        """A token for a photo that was announced."""
        return self.signed("photo", photo)

    def announced(self, token: str, now: datetime, field: str) -> PhotoToken:
        """The photo that a token stands for; raises ``Denied`` (``PUBLIC_PHOTO_UNKNOWN``)."""
        photo = self.read("photo", token, PhotoToken)
        if photo is None or photo.until < now.timestamp():
            raise Denied("PUBLIC_PHOTO_UNKNOWN", field=field)
        return photo

    def code(self, form: FormToken) -> str:
        """The code (查询码) of what is sent with this form, in groups of four.

        It follows from the form, so that who sends a form again because the answer was lost gets
        the same code, though only its digest is kept.
        """
        number = int.from_bytes(self.mac("code", form.nonce), "big")
        letters = ""
        for _ in range(LENGTH):
            number, letter = divmod(number, len(ALPHABET))
            letters += ALPHABET[letter]
        return "-".join(letters[at : at + GROUP] for at in range(0, LENGTH, GROUP))

    def digest(self, code: str) -> str:
        """What is kept of a code, as people write it: in small letters, with spaces."""
        plain = "".join(letter for letter in code.upper() if letter in ALPHABET)
        return self.mac("digest", plain if len(code) <= LONGEST_TOKEN else "").hex()

    def bucket(self, what: str, of: str, window: int) -> str:
        """The name under which calls of a window are counted; another one in each window."""
        return self.mac("bucket", f"{what} {of} {window}").hex()[:32]

    def seal(self, form: FormToken, answer: bytes) -> str:
        """An answer as it is kept: only with the form that it was given to can it be opened."""
        nonce = os.urandom(_NONCE_BYTES)
        return base64.b64encode(nonce + self._cipher(form).encrypt(nonce, answer, None)).decode()

    def unseal(self, form: FormToken, kept: str) -> bytes:
        """The answer that was given to the form."""
        raw = base64.b64decode(kept)
        return self._cipher(form).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], None)

    def mac(self, purpose: str, text: str) -> bytes:
        """A keyed digest of a text, 32 bytes; another one for each purpose."""
        return hmac.digest(self._secret, f"{purpose} {text}".encode(), hashlib.sha256)

    def signed(self, purpose: str, token: msgspec.Struct) -> str:
        """The token as text that cannot be changed; :meth:`read` reads it back."""
        claims = {"for": purpose, **msgspec.to_builtins(token)}
        return jwt.encode(claims, self._secret, algorithm=_ALGORITHM)

    def read(self, purpose: str, token: str, shape: type[Token]) -> Token | None:
        """The token that was signed here for this purpose; ``None`` for anything else."""
        if len(token) > LONGEST_TOKEN:
            return None
        try:
            claims: Mapping[str, Any] = jwt.decode(token, self._secret, algorithms=[_ALGORITHM])
            if claims.get("for") != purpose:
                return None
            return msgspec.convert(claims, shape)
        except (jwt.PyJWTError, msgspec.ValidationError, ValueError):
            return None

    def _cipher(self, form: FormToken) -> AESGCM:
        return AESGCM(self.mac("answer", form.nonce))


def prefix_of(address: str) -> str:
    """The part of an address that one household or office has: /24 of IPv4, /56 of IPv6; the whole
    text of what is no address."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    mapped = getattr(found, "ipv4_mapped", None)
    found = mapped or found
    length = 24 if found.version == 4 else 56
    return str(ipaddress.ip_network((found, length), strict=False))
