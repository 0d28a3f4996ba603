"""Refusals over HTTP (拒绝): the same body for every path, GraphQL or not."""

from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException

from jingwei_api.documents.trusted import UnknownToApollo
from jingwei_api.http.departure import ClientGone
from jingwei_api.http.negotiation import JSON, WrongMethod, chosen
from jingwei_api.http.services import arrival_of, services_of
from jingwei_sdk.errors import Invalid, JingweiError, NotFound, RateLimited

Http = Request[Any, Any, Any]
_CODES = {404: "HTTP_NOT_FOUND", 405: "HTTP_METHOD", 413: "HTTP_TOO_LARGE", 429: "HTTP_TOO_MANY"}


def refused(request: Http, error: JingweiError) -> Response[bytes]:
    """What was refused on purpose."""
    arrival = arrival_of(request).request
    told = services_of(request).texts.describe(error, arrival.locale, arrival.request_id)
    headers = {"Cache-Control": "no-store"}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, WrongMethod):
        headers["Allow"] = "POST"
    if isinstance(error, RateLimited) and "retry_after_s" in error.params:
        headers["Retry-After"] = str(error.params["retry_after_s"])
    if isinstance(error, UnknownToApollo):
        told["message"] = error.told
    return _response(request, told, error.status, headers)


def http_failure(request: Http, error: HTTPException) -> Response[bytes]:
    """What the HTTP layer itself refused."""
    if error.status_code >= 500:
        return unexpected(request, error)
    code = _CODES.get(error.status_code, "HTTP_REFUSED")
    kind = NotFound if error.status_code == 404 else Invalid
    arrival = arrival_of(request).request
    told = services_of(request).texts.describe(
        kind(code, status=error.status_code), arrival.locale, arrival.request_id
    )
    return _response(request, told, error.status_code, dict(error.headers or {}))


def gone(request: Http, error: ClientGone) -> Response[bytes]:
    """For the log only: the client has left."""
    return Response(b"", status_code=499)


def unexpected(request: Http, error: Exception) -> Response[bytes]:
    """A fault of ours: the log has the error, the client its request id."""
    arrival = arrival_of(request).request
    told = services_of(request).texts.internal(error, arrival.locale, arrival.request_id)
    return _response(request, told, 500, {"Cache-Control": "no-store"})


def _response(
    request: Http, told: dict[str, Any], status: int, headers: dict[str, str]
) -> Response[bytes]:
    is_graphql = request.scope["path"] == "/graphql"
    media_type = chosen(request.headers.get("accept", "")) if is_graphql else None
    return Response(
        msgspec.json.encode({"errors": [told]}),
        status_code=status,
        media_type=f"{media_type or JSON}; charset=utf-8",
        headers=headers,
    )
