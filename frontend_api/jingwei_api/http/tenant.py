"""Who is calling (来者): the tenant that the request names, and the account its token names."""

from collections.abc import Mapping
from dataclasses import dataclass

from jingwei_api.execution.locale import preferred
from jingwei_api.execution.operation import Caller
from jingwei_core.platform import Platform
from jingwei_core.session import Request
from jingwei_sdk.context import Tenant
from jingwei_sdk.errors import Invalid, Unauthenticated

TENANT_HEADER = "x-jingwei-tenant"
_BEARER = "bearer "
_LONGEST_SLUG = 63


@dataclass(frozen=True, slots=True)
class Arrival:
    """What headers or connection parameters say, before anything is believed."""

    tenant: str | None
    authorization: str | None
    language: str | None
    request_id: str

    @classmethod
    def of_headers(cls, headers: Mapping[str, str], request_id: str) -> "Arrival":
        """From HTTP headers with lower-case names."""
        return cls(
            headers.get(TENANT_HEADER),
            headers.get("authorization"),
            headers.get("accept-language"),
            request_id,
        )

    @property
    def request(self) -> Request:
        """Language and request id as the core takes them."""
        return Request(locale=preferred(self.language), request_id=self.request_id)


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
