"""/graphql (GraphQL over HTTP): JSON by POST, queries by GET as well.

No cookie is ever looked at, and tenant and token come in headers that a foreign page cannot set
without asking first; so neither a form nor a link of such a page can call.
"""

from typing import Any

import msgspec
from litestar import Request, Response, get, post

from jingwei_api.execution.executor import Answer
from jingwei_api.execution.operation import Document
from jingwei_api.http.console_page import console_page
from jingwei_api.http.negotiation import (
    GRAPHQL_JSON,
    JSON,
    UnsupportedMedia,
    acceptable,
    is_json,
)
from jingwei_api.http.request_forms import check_only_reads, in_url, posted
from jingwei_api.http.services import Services, arrival_of, services_of
from jingwei_api.http.tenant import caller_of

Http = Request[Any, Any, Any]
_ASKING = frozenset({"query", "documentId", "extensions"})


@post("/graphql", status_code=200, summary="Run a GraphQL query or mutation")
async def graphql_post(request: Http) -> Response[bytes]:
    """Run a query or mutation for the account whose token came with it."""
    services = services_of(request)
    media_type = acceptable(request.headers.get("accept", ""))
    if not is_json(request.headers.get("content-type", "")):
        raise UnsupportedMedia("CONTENT_TYPE", field="Content-Type", expected=JSON)
    document = posted(await request.body()).document(services.documents)
    return await _run(request, services, document, media_type)


@get("/graphql", summary="Run a GraphQL query; GraphiQL for browsers")
async def graphql_get(request: Http) -> Response[bytes]:
    """Run a query that is in the address; without one, the console for browsers."""
    if not _ASKING & set(request.query_params):
        return console_page(request)
    services = services_of(request)
    media_type = acceptable(request.headers.get("accept", ""))
    document = in_url(dict(request.query_params.items())).document(services.documents)
    check_only_reads(document, services.settings.max_tokens)
    return await _run(request, services, document, media_type)


async def _run(
    request: Http, services: Services, document: Document, media_type: str
) -> Response[bytes]:
    caller = await caller_of(services.platform, arrival_of(request))
    answer = await services.executor.run(caller, document)
    return _response(answer, media_type)


def _response(answer: Answer, media_type: str) -> Response[bytes]:
    """Status by the media type, as the GraphQL over HTTP draft says."""
    status = 400 if media_type == GRAPHQL_JSON and not answer.has_run else 200
    return Response(
        msgspec.json.encode(answer.body),
        status_code=status,
        media_type=f"{media_type}; charset=utf-8",
        headers={"Cache-Control": "no-store"},
    )
