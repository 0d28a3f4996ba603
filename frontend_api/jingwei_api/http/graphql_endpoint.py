"""/graphql (GraphQL over HTTP): JSON by POST, queries by GET as well.

No cookie is ever looked at, and tenant and token come in headers that a foreign page cannot set
without asking first; so neither a form nor a link of such a page can call.
"""

from typing import Any

from litestar import Request, get, post
from litestar.types import ASGIApp, Receive

from jingwei_api.http.console_page import console_page
from jingwei_api.http.departure import unless_gone
from jingwei_api.http.negotiation import (
    GRAPHQL_JSON,
    JSON,
    UnsupportedMedia,
    acceptable,
    is_json,
)
from jingwei_api.http.request_forms import check_only_reads, in_url, posted
from jingwei_api.http.services import Services, arrival_of, services_of
from jingwei_api.http.tenant import Arrival, caller_of
from jingwei_api.http.wire import Reply, whole_body
from jingwei_api.planning.answers import Answer

Http = Request[Any, Any, Any]
_ASKING = frozenset({"query", "documentId", "extensions"})


@post("/graphql", status_code=200, summary="Run a GraphQL query or mutation")
async def graphql_post(request: Http) -> Reply:
    """Run a query or mutation for the account whose token came with it."""
    return await answer_posted(services_of(request), arrival_of(request), request.receive)


async def answer_posted(services: Services, arrival: Arrival, receive: Receive) -> Reply:
    """The answer to a POST; raises what :func:`~.failures.reply_to` tells."""
    media_type = acceptable(arrival.header(b"accept"))
    if not is_json(arrival.header(b"content-type")):
        raise UnsupportedMedia("CONTENT_TYPE", field="Content-Type", expected=JSON)
    body = await whole_body(receive, services.settings.max_body_bytes)
    document = posted(body).document(services.documents)
    caller = await caller_of(services.platform, arrival)
    running = services.executor.run(caller, document)
    return _reply(await unless_gone(receive, running), media_type)


@get("/graphql", summary="Run a GraphQL query; GraphiQL for browsers")
async def graphql_get(request: Http) -> ASGIApp:
    """Run a query that is in the address; without one, the console for browsers."""
    if not _ASKING & set(request.query_params):
        return console_page(request).to_asgi_response(app=None, request=request)
    services, arrival = services_of(request), arrival_of(request)
    media_type = acceptable(arrival.header(b"accept"))
    document = in_url(dict(request.query_params.items())).document(services.documents)
    check_only_reads(document, services.settings.max_tokens)
    caller = await caller_of(services.platform, arrival)
    running = services.executor.run(caller, document)
    return _reply(await unless_gone(request.receive, running), media_type)


def _reply(answer: Answer, media_type: str) -> Reply:
    """Status by the media type, as the GraphQL over HTTP draft says."""
    status = 400 if media_type == GRAPHQL_JSON and not answer.has_run else 200
    return Reply(answer.content, status, _HEADERS[media_type])


_HEADERS = {
    media_type: (
        (b"cache-control", b"no-store"),
        (b"content-type", f"{media_type}; charset=utf-8".encode()),
    )
    for media_type in (JSON, GRAPHQL_JSON)
}
