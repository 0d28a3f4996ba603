"""POST /graphql (GraphQL over HTTP): JSON only, so that no foreign page's form can call it."""

from typing import Any

import msgspec
from litestar import Request, Response, post

from jingwei_api.execution.executor import Answer
from jingwei_api.execution.operation import Document
from jingwei_api.http.services import arrival_of, services_of
from jingwei_api.http.tenant import caller_of
from jingwei_sdk.errors import Invalid

GRAPHQL_JSON = "application/graphql-response+json"
JSON = "application/json"


class _Posted(msgspec.Struct, frozen=True):
    query: str
    variables: dict[str, Any] | None = None
    operationName: str | None = None  # noqa: N815 - the name on the wire
    extensions: dict[str, Any] | None = None


@post("/graphql", status_code=200, summary="Run a GraphQL query or mutation")
async def graphql_post(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Run a query or mutation for the account whose token came with it."""
    services = services_of(request)
    document = await _document(request)
    caller = await caller_of(services.platform, arrival_of(request))
    answer = await services.executor.run(caller, document)
    return _response(request, answer)


async def _document(request: Request[Any, Any, Any]) -> Document:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in (JSON, GRAPHQL_JSON):
        raise Invalid("CONTENT_TYPE", field="Content-Type", expected=JSON)
    try:
        posted = msgspec.json.decode(await request.body(), type=_Posted)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid("GRAPHQL_REQUEST", cause=str(error)) from error
    return Document(posted.query, posted.variables, posted.operationName)


def _response(request: Request[Any, Any, Any], answer: Answer) -> Response[bytes]:
    """Status by the media type the client accepts, as the GraphQL over HTTP draft says."""
    wants_new = GRAPHQL_JSON in request.headers.get("accept", "").lower()
    status = 400 if wants_new and not answer.has_run else 200
    return Response(
        msgspec.json.encode(answer.body),
        status_code=status,
        media_type=f"{GRAPHQL_JSON if wants_new else JSON}; charset=utf-8",
        headers={"Cache-Control": "no-store"},
    )
