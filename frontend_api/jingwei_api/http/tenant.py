"""Who is calling (来者): the tenant that the request names, and the account its token names."""

import os
from collections.abc import Mapping
from typing import Any

import msgspec

from jingwei_api.execution.locale import preferred
from jingwei_api.execution.operation import Caller
from jingwei_core.platform import Platform
from jingwei_core.session import Request
from jingwei_sdk.context import Tenant
from jingwei_sdk.errors import Invalid, Unauthenticated

REQUEST_ID_HEADER = b"x-request-id"
TENANT_HEADER = b"x-jingwei-tenant"
_BEARER = "bearer "
_LONGEST_SLUG = 63
_LONGEST_ID = 64
_IN_SCOPE = "jingwei_arrival"


class Arrival(msgspec.Struct, frozen=True):
    """What headers or connection parameters say, before anything is believed."""

    tenant: str | None
    authorization: str | None
    language: str | None
    request_id: str
    headers: Mapping[bytes, bytes]

    @property
    def request(self) -> Request:
        """Language and request id as the core takes them."""
        return Request(locale=preferred(self.language), request_id=self.request_id)

    def header(self, name: bytes) -> str:
        """A header by its lower-case name; empty where there is none."""
        return self.headers.get(name, b"").decode("latin-1")


def arrival_in(scope: Any) -> Arrival:
    """What the headers of an ASGI scope say; read once for each request."""
    state: dict[str, Any] = scope.setdefault("state", {})
    known: Arrival | None = state.get(_IN_SCOPE)
    if known is None:
        # Of a header that comes twice the first counts.
        headers = dict(reversed(list(scope["headers"])))
        known = state[_IN_SCOPE] = Arrival(
            _text(headers.get(TENANT_HEADER)),
            _text(headers.get(b"authorization")),
            _text(headers.get(b"accept-language")),
            _request_id(headers.get(REQUEST_ID_HEADER)),
            headers,
        )
    return known


async def named_tenant(platform: Platform, arrival: Arrival) -> Tenant:
    """The tenant; raises ``Invalid`` (``TENANT_MISSING``), ``NotFound``, ``Denied``."""
    slug = (arrival.tenant or "").strip()
    if not slug or len(slug) > _LONGEST_SLUG:
        raise Invalid("TENANT_MISSING", field="X-Jingwei-Tenant")
    return await platform.tenant(slug)


async def caller_of(platform: Platform, arrival: Arrival) -> Caller:
    """The caller, if the token is good in that tenant.

    Raises what :func:`named_tenant` raises and ``Unauthenticated``: ``TOKEN_MISSING``,
    ``TOKEN_INVALID``, ``TOKEN_EXPIRED``.
    """
    tenant = await named_tenant(platform, arrival)
    given = (arrival.authorization or "").strip()
    if not given.lower().startswith(_BEARER):
        raise Unauthenticated("TOKEN_MISSING")
    now = platform.clock.now()
    identity = platform.tokens.verify(tenant.id, given[len(_BEARER) :].strip(), now)
    return Caller(tenant, identity, arrival.request, now + platform.tokens.lifetime)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


def _request_id(given: bytes | None) -> str:
    """The caller's own id if it is short and plain, else a new one."""
    plain = (given or b"").replace(b"-", b"").replace(b"_", b"")
    if given is not None and len(given) <= _LONGEST_ID and plain.isalnum():
        return given.decode("ascii")
    return os.urandom(16).hex()
