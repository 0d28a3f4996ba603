"""Tokens (令牌): signed short access tokens and opaque refresh tokens.

An access token is signed with a key of its own tenant, derived (HKDF, RFC 5869) from the
deployment's secret and the tenant's id, and names the tenant as its audience: a token of one tenant
means nothing in another, even if one check were missing.
"""

import hashlib
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from jingwei_core.session import Identity
from jingwei_sdk.errors import Unauthenticated

ALGORITHM = "HS256"
ISSUER = "jingwei"
_PURPOSE = b"jingwei access token 1 "
_CLAIMS = ["iss", "aud", "sub", "epoch", "iat", "exp", "jti"]
_LONGEST_TOKEN = 4096
_KNOWN_TENANTS = 1024
_KNOWN_TOKENS = 16_384


@dataclass(frozen=True, slots=True)
class _Key:
    id: str
    secret: bytes


class AccessTokens:
    """Issues and verifies the access tokens (访问令牌) of every tenant of this deployment."""

    def __init__(self, secret: bytes, lifetime: timedelta) -> None:
        self.lifetime = lifetime
        self._secret = secret
        self._keys: dict[uuid.UUID, _Key] = {}
        self._verified: dict[tuple[uuid.UUID, bytes], tuple[Identity, int]] = {}

    def issue(self, tenant_id: uuid.UUID, identity: Identity, now: datetime) -> str:
        """A token for the account, valid from ``now`` for the lifetime."""
        key = self._key(tenant_id)
        claims = {
            "iss": ISSUER,
            "aud": str(tenant_id),
            "sub": str(identity.account_id),
            "epoch": identity.epoch,
            "iat": int(now.timestamp()),
            "exp": int((now + self.lifetime).timestamp()),
            "jti": secrets.token_hex(16),
        }
        return jwt.encode(claims, key.secret, algorithm=ALGORITHM, headers={"kid": key.id})

    def verify(self, tenant_id: uuid.UUID, token: str, now: datetime) -> Identity:
        """Whom the token names in this tenant; one that was verified before is looked up.

        Raises ``Unauthenticated``: ``TOKEN_EXPIRED`` when it was good until its end (refresh it),
        ``TOKEN_INVALID`` for anything else, without saying what. Whether the account is still
        active and its epoch has not moved is decided where the account is loaded.
        """
        # A digest, so that no token that could be used lies in memory.
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        found = self._verified.get((tenant_id, digest))
        identity, expires = found or _named(_decoded(token, tenant_id, self._key(tenant_id)))
        if now.timestamp() >= expires:
            raise Unauthenticated("TOKEN_EXPIRED")
        if found is None:
            if len(self._verified) >= _KNOWN_TOKENS:
                del self._verified[next(iter(self._verified))]
            self._verified[tenant_id, digest] = (identity, expires)
        return identity

    def _key(self, tenant_id: uuid.UUID) -> _Key:
        key = self._keys.get(tenant_id)
        if key is None:
            derived = HKDF(SHA256(), 32, None, _PURPOSE + tenant_id.bytes).derive(self._secret)
            key = _Key(hashlib.sha256(b"kid " + derived).hexdigest()[:16], derived)
            if len(self._keys) >= _KNOWN_TENANTS:
                self._keys.clear()
            self._keys[tenant_id] = key
        return key


def new_refresh_token() -> str:
    """An opaque refresh token (刷新令牌) of 256 random bits."""
    return secrets.token_urlsafe(32)


def refresh_digest(token: str) -> str:
    """What is stored of a refresh token. A plain digest is enough for 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def _named(claims: Mapping[str, Any]) -> tuple[Identity, int]:
    """The account of a token whose signature is good, and when the token ends."""
    try:
        identity = Identity(uuid.UUID(claims["sub"]), claims["epoch"])
        expires = claims["exp"]
    except (ValueError, TypeError, AttributeError) as error:
        raise Unauthenticated("TOKEN_INVALID") from error
    if type(identity.epoch) is not int or type(expires) is not int:
        raise Unauthenticated("TOKEN_INVALID")
    return identity, expires


def _decoded(token: str, tenant_id: uuid.UUID, key: _Key) -> Mapping[str, Any]:
    if len(token) > _LONGEST_TOKEN:
        raise Unauthenticated("TOKEN_INVALID")
    try:
        if jwt.get_unverified_header(token).get("kid") != key.id:
            raise Unauthenticated("TOKEN_INVALID")
        claims: Mapping[str, Any] = jwt.decode(
            token,
            key.secret,
            algorithms=[ALGORITHM],
            audience=str(tenant_id),
            issuer=ISSUER,
            # Time is judged by the platform's clock, not by the machine's.
            options={
                "require": _CLAIMS,
                "verify_exp": False,
                "verify_iat": False,
                "strict_aud": True,
            },
        )
    except (jwt.PyJWTError, ValueError) as error:
        raise Unauthenticated("TOKEN_INVALID") from error
    return claims
