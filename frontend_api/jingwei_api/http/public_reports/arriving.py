"""How a visitor arrives (来访): the tenant's counter, the language, and nothing that is stored."""

from typing import Any

from litestar import Request

from jingwei_api.http.services import arrival_of, services_of
from jingwei_core.public_reports.visitors import Counter, counter_for
from jingwei_core.session import Request as Asked
from jingwei_sdk.messages import LOCALES

Http = Request[Any, Any, Any]


async def counter_of(request: Http, tenant: str, language: str = "") -> Counter:
    """The counter that the address names; raises ``NotFound`` (``PUBLIC_REPORT_OFF``)."""
    asked = Asked(locale_of(request, language), arrival_of(request).request_id)
    address = request.client.host if request.client else ""
    return await counter_for(services_of(request).platform, tenant, address, asked)


def locale_of(request: Http, language: str = "") -> str:
    """The language that was chosen on the page, else the browser's: ``zh`` or ``en``."""
    chosen = language or str(request.query_params.get("lang", ""))
    return chosen if chosen in LOCALES else arrival_of(request).request.locale
