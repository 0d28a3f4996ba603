"""Signatures of the folder store (本地签名): S3's policies and URLs, by HMAC-SHA256."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode

import msgspec

from jingwei_core.evidence.store import Download, UploadTerms, checked_expiry
from jingwei_sdk.errors import Denied

SECRET_MIN_BYTES = 32

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time of the machine, with its zone."""
    return datetime.now(UTC)


class _Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: str
    content_type: str
    size: int
    sha256: str
    expires: int


def content_disposition(shown: Download) -> str:
    """The header that names a download (RFC 6266), Chinese names included."""
    kind = "inline" if shown.inline else "attachment"
    return f"{kind}; filename*=UTF-8''{quote(shown.filename, safe='')}"


class Signer:
    """Signs and verifies the forms and URLs of one folder store.

    ``secret`` has at least 32 bytes and no default; the key used is derived from it, so that the
    same secret may serve other purposes.
    """

    def __init__(self, secret: bytes, clock: Clock) -> None:
        if len(secret) < SECRET_MIN_BYTES:
            raise ValueError(f"the evidence secret needs at least {SECRET_MIN_BYTES} bytes")
        self._key = hmac.digest(secret, b"jingwei evidence store", "sha256")
        self._clock = clock

    def form(self, terms: UploadTerms) -> tuple[dict[str, str], datetime]:
        """The fields of an upload form, and when it expires."""
        expires_at = self._clock() + checked_expiry(terms.expires_s)
        expires = int(expires_at.timestamp())
        policy = _Policy(terms.key, terms.content_type, terms.size, terms.sha256, expires)
        encoded = base64.urlsafe_b64encode(msgspec.json.encode(policy)).decode()
        fields = {
            "key": terms.key,
            "Content-Type": terms.content_type,
            "x-amz-meta-sha256": terms.sha256,
            "policy": encoded,
            "signature": self._mac("upload", encoded),
        }
        return fields, datetime.fromtimestamp(expires, UTC)

    def terms(self, fields: Mapping[str, str]) -> UploadTerms:
        """What a posted form allows.

        Raises ``Denied``: ``EVIDENCE_SIGNATURE`` for a field that is missing, added or not the one
        that was signed, ``EVIDENCE_EXPIRED`` for a late post.
        """
        encoded = fields.get("policy", "")
        self._check("upload", fields.get("signature", ""), encoded)
        policy = msgspec.json.decode(base64.urlsafe_b64decode(encoded), type=_Policy)
        expected = {
            "key": policy.key,
            "Content-Type": policy.content_type,
            "x-amz-meta-sha256": policy.sha256,
            "policy": encoded,
            "signature": fields["signature"],
        }
        if dict(fields) != expected:
            raise Denied("EVIDENCE_SIGNATURE")
        left = self._left(policy.expires)
        return UploadTerms(policy.key, policy.content_type, policy.size, policy.sha256, left)

    def query(self, key: str, shown: Download, expires_s: int) -> str:
        """The query string that lets its bearer read one object."""
        expires = str(int((self._clock() + checked_expiry(expires_s)).timestamp()))
        parts = (expires, content_disposition(shown), shown.content_type)
        signature = self._mac("download", key, *parts)
        names = ("expires", "disposition", "type")
        return urlencode({**dict(zip(names, parts, strict=True)), "signature": signature})

    def shown(self, key: str, query: Mapping[str, str]) -> Mapping[str, str]:
        """The headers a signed URL asks for.

        Raises ``Denied`` (``EVIDENCE_SIGNATURE``, ``EVIDENCE_EXPIRED``).
        """
        names = ("expires", "disposition", "type")
        if set(query) != {*names, "signature"}:
            raise Denied("EVIDENCE_SIGNATURE")
        self._check("download", query["signature"], key, *(query[name] for name in names))
        self._left(int(query["expires"]))
        return {"Content-Disposition": query["disposition"], "Content-Type": query["type"]}

    def _mac(self, purpose: str, *parts: str) -> str:
        message = json.dumps([purpose, *parts]).encode()
        return hmac.new(self._key, message, hashlib.sha256).hexdigest()

    def _check(self, purpose: str, signature: str, *parts: str) -> None:
        expected = self._mac(purpose, *parts).encode()
        if not hmac.compare_digest(expected, signature.encode()):
            raise Denied("EVIDENCE_SIGNATURE")

    def _left(self, expires: int) -> int:
        left = datetime.fromtimestamp(expires, UTC) - self._clock()
        if left <= timedelta(0):
            raise Denied("EVIDENCE_EXPIRED")
        return int(left.total_seconds())
