"""Refusals over HTTP (拒绝): the same body for every path, GraphQL or not."""

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException

from jingwei_api.documents.trusted import UnknownToApollo
from jingwei_api.http.departure import ClientGone
from jingwei_api.http.negotiation import JSON, WrongMethod, chosen
from jingwei_api.http.services import Services, arrival_of, services_of
from jingwei_api.http.tenant import Arrival
from jingwei_api.http.wire import Reply
from jingwei_api.limits.gate import BudgetExhausted
from jingwei_sdk.errors import Invalid, JingweiError, NotFound, RateLimited

Http = Request[Any, Any, Any]
_CODES = {404: "HTTP_NOT_FOUND", 405: "HTTP_METHOD", 413: "HTTP_TOO_LARGE", 429: "HTTP_TOO_MANY"}
_UNSTORED = {"cache-control": "no-store"}
GRAPHQL = "/graphql"


def failed(request: Http, error: Exception) -> Response[bytes]:
    """What the router answers when a handler has raised."""
    reply = reply_to(services_of(request), arrival_of(request), request.scope["path"], error)
    headers = {name.decode(): value.decode() for name, value in reply.headers}
    media_type = headers.pop("content-type", None)
    return Response(reply.body, status_code=reply.status, media_type=media_type, headers=headers)


def reply_to(services: Services, arrival: Arrival, path: str, error: Exception) -> Reply:
    """The answer to a request at ``path`` that came to nothing."""
    if isinstance(error, ClientGone):
        return Reply(b"", 499, ())  # for the log only: nobody is left to read it
    if isinstance(error, JingweiError):
        told, status, headers = _refused(services, arrival, error)
    elif isinstance(error, HTTPException) and error.status_code < 500:
        told, status, headers = _refused_by_http(services, arrival, error)
    else:
        # A fault of ours: the log has the error, the client its request id.
        asked = arrival.request
        told = services.texts.internal(error, asked.locale, asked.request_id)
        status, headers = 500, _UNSTORED
    media_type = chosen(arrival.header(b"accept")) if path == GRAPHQL else None
    content_type = f"{media_type or JSON}; charset=utf-8"
    sent = {**headers, "content-type": content_type}.items()
    body = msgspec.json.encode({"errors": [told], **_extensions(error)})
    lines = tuple((name.lower().encode(), value.encode()) for name, value in sent)
    return Reply(body, status, lines)


def _extensions(error: Exception) -> dict[str, Any]:
    if isinstance(error, BudgetExhausted):
        return {"extensions": {"cost": error.figures.told()}}
    return {}


_Refusal = tuple[dict[str, Any], int, Mapping[str, str]]


def _refused(services: Services, arrival: Arrival, error: JingweiError) -> _Refusal:
    """What was refused on purpose."""
    asked = arrival.request
    told = services.texts.describe(error, asked.locale, asked.request_id)
    headers = dict(_UNSTORED)
    if error.status == 401:
        headers["www-authenticate"] = "Bearer"
    if isinstance(error, WrongMethod):
        headers["allow"] = "POST"
    if isinstance(error, RateLimited) and "retry_after_s" in error.params:
        headers["retry-after"] = str(error.params["retry_after_s"])
    if isinstance(error, UnknownToApollo):
        told["message"] = error.told
    return told, error.status, headers


def _refused_by_http(services: Services, arrival: Arrival, error: HTTPException) -> _Refusal:
    """What the HTTP layer itself refused."""
    code = _CODES.get(error.status_code, "HTTP_REFUSED")
    kind = NotFound if error.status_code == 404 else Invalid
    asked = arrival.request
    told = services.texts.describe(
        kind(code, status=error.status_code), asked.locale, asked.request_id
    )
    return told, error.status_code, dict(error.headers or {})
