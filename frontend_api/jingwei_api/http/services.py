"""What the handlers of one application share (服务)."""

from dataclasses import dataclass
from typing import Any

from litestar.connection import ASGIConnection

from jingwei_api.documents.trusted import TrustedDocuments
from jingwei_api.execution.errors import ErrorTexts
from jingwei_api.execution.executor import Executor
from jingwei_api.http.tenant import Arrival, arrival_in
from jingwei_api.settings import ApiSettings
from jingwei_core.platform import Platform

_KEY = "jingwei"

Connection = ASGIConnection[Any, Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Services:
    """One platform with what the API adds to it."""

    platform: Platform
    settings: ApiSettings
    texts: ErrorTexts
    executor: Executor
    documents: TrustedDocuments


def services_of(connection: Connection) -> Services:
    """The services of the application that a request came to."""
    return services_in(connection.app.state)


def services_in(state: Any) -> Services:
    """The services that :func:`keep_services` put there."""
    services: Services = state[_KEY]
    return services


def keep_services(state: Any, services: Services) -> None:
    """Put the services where :func:`services_of` finds them."""
    state[_KEY] = services


def request_id_of(connection: Connection) -> str:
    """The request's id: the caller's own if it is short and plain, else a new one."""
    return arrival_in(connection.scope).request_id


def arrival_of(connection: Connection) -> Arrival:
    """What the request's headers say."""
    return arrival_in(connection.scope)
