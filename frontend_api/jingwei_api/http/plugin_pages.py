"""GET /public/…: pages of plugins that anybody may read (公开页面), as JSON, in moderation."""

from typing import Any

from litestar import Request, Response, Router, get

from jingwei_api.http.services import arrival_of, services_of
from jingwei_api.limits.budget import Budgets
from jingwei_core.presence.public import FoundPage, answer_page, find_page
from jingwei_core.presence.questions import PUBLIC_PATH
from jingwei_sdk.errors import Invalid, RateLimited

MOST_ARGUMENTS = 20
LONGEST_ARGUMENT = 200
FRESH_FOR_S = 30

Http = Request[Any, Any, Any]


def public_router() -> Router:
    """The pages, each limited in how often one address may call it in a minute.

    The limit holds for one process.
    """
    calls = Budgets()

    @get("/{tenant:str}/{plugin:str}/{page:path}", summary="A public page of a plugin")
    async def public_page(request: Http, tenant: str, plugin: str, page: str) -> Response[bytes]:
        """What the page answers to the arguments in the address."""
        platform = services_of(request).platform
        found = await find_page(platform, tenant, plugin, page.strip("/"))
        _count(calls, request, found)
        body = await answer_page(platform, found, _query(request), arrival_of(request).request)
        headers = {"Cache-Control": f"public, max-age={FRESH_FOR_S}", "Vary": "Accept-Language"}
        return Response(body, media_type="application/json", headers=headers)

    return Router(PUBLIC_PATH, route_handlers=[public_page])


def _count(calls: Budgets, request: Http, found: FoundPage) -> None:
    address = request.client.host if request.client else ""
    key = (address, found.tenant.id, found.plugin, found.page.path)
    try:
        calls.spend(key, 1, found.page.per_minute)
    except RateLimited as error:
        wait_s = error.params["retry_after_s"]
        raise RateLimited("PUBLIC_PAGE_TOO_MANY", retry_after_s=wait_s) from error


def _query(request: Http) -> dict[str, str]:
    """The arguments; of one that comes twice the last counts."""
    query = {name: str(value) for name, value in request.query_params.items()}
    if len(query) > MOST_ARGUMENTS or any(
        len(text) > LONGEST_ARGUMENT for pair in query.items() for text in pair
    ):
        raise Invalid("REQUEST_INVALID", fields="query")
    return query
