"""What the handlers of one application share (服务)."""

import uuid
from dataclasses import dataclass
from typing import Any

from litestar.connection import ASGIConnection

from jingwei_api.execution.errors import ErrorTexts
from jingwei_api.execution.executor import Executor
from jingwei_api.http.tenant import Arrival
from jingwei_api.settings import ApiSettings
from jingwei_core.platform import Platform

REQUEST_ID_HEADER = "x-request-id"
_KEY = "jingwei"
_LONGEST_ID = 64

Connection = ASGIConnection[Any, Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Services:
    """One platform with what the API adds to it."""

    platform: Platform
    settings: ApiSettings
    texts: ErrorTexts
    executor: Executor


def services_of(connection: Connection) -> Services:
    """The services of the application that a request came to."""
    services: Services = connection.app.state[_KEY]
    return services


def keep_services(state: Any, services: Services) -> None:
    """Put the services where :func:`services_of` finds them."""
    state[_KEY] = services


def request_id_of(connection: Connection) -> str:
    """The request's id: the caller's own if it is short and plain, else a new one."""
    scope = connection.scope
    known = scope["state"].get("request_id")
    if known is None:
        given = connection.headers.get(REQUEST_ID_HEADER, "")
        is_plain = given.isascii() and given.replace("-", "").replace("_", "").isalnum()
        known = given if is_plain and len(given) <= _LONGEST_ID else uuid.uuid4().hex
        scope["state"]["request_id"] = known
    return str(known)


def arrival_of(connection: Connection) -> Arrival:
    """What the request's headers say."""
    return Arrival.of_headers(connection.headers, request_id_of(connection))
