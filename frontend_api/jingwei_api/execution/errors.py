"""Errors as clients read them (错误): a stable code, a text in their language, the next step."""

import traceback
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from graphql import GraphQLError, GraphQLSyntaxError, VariableDefinitionNode

from jingwei_api.schema.naming import camel
from jingwei_sdk.errors import JingweiError, Unavailable
from jingwei_sdk.messages import Catalogue

INTERNAL = "INTERNAL_ERROR"
_FIGURES = ("figure", "limit", "remaining")
"""Parameters of an error that a program may read, beside its text."""

_log = structlog.get_logger(__name__)


def traced(error: BaseException) -> str:
    """The error and what caused it as types and the lines they passed, the last first.

    Never their messages, which quote values: PostgreSQL tells the row that broke a constraint. Nor
    local variables, which may hold a password.
    """
    told, cause = [], error
    while True:
        code = getattr(cause, "sqlstate", None)
        told.append(f"{type(cause).__qualname__}{f' {code}' if code else ''}")
        told += reversed(traceback.format_tb(cause.__traceback__))
        found = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
        if found is None:
            return "\n".join(line.rstrip() for line in told)
        cause = found


class ErrorTexts:
    """Tells errors in the reader's language; what was not raised on purpose is masked."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def describe(self, error: JingweiError, locale: str, request_id: str) -> dict[str, Any]:
        """A deliberate error as ``{message, extensions}``."""
        if isinstance(error, Unavailable) and "cause" in error.params:
            # It may name hosts and roles, which are for whoever runs the deployment.
            _log.error("unavailable", request_id=request_id, error=str(error))
            params: dict[str, Any] = {**error.params, "cause": request_id}
            error = Unavailable(error.code, **params)
        message = self._catalogue.describe(error, locale)
        extensions: dict[str, Any] = {
            "code": error.code,
            "requestId": request_id,
            "retryable": error.retryable,
        }
        if error.field:
            extensions["field"] = camel_path(error.field)
        if error.row is not None:
            extensions["row"] = error.row
        if message.next_step:
            extensions["nextStep"] = message.next_step
        retry_after = error.params.get("retry_after_s")
        if retry_after is not None:
            extensions["retryAfterS"] = retry_after
        extensions.update({k: v for k, v in error.params.items() if k in _FIGURES})
        return {"message": message.text, "extensions": extensions}

    def internal(self, error: BaseException, locale: str, request_id: str) -> dict[str, Any]:
        """An unforeseen error: where it came from goes to the log, the client gets the request
        id."""
        _log.error("unexpected_error", request_id=request_id, trace=traced(error))
        return self._coded(INTERNAL, {"request_id": request_id}, locale, request_id)

    def graphql(
        self, errors: Sequence[GraphQLError], locale: str, request_id: str
    ) -> list[dict[str, Any]]:
        """The errors of an operation, each with its path and places in the document.

        What was raised once for many fields is worded once, and logged once.
        """
        found: list[dict[str, Any]] = []
        known: dict[int, dict[str, Any]] = {}
        for error in errors:
            cause = id(_cause(error) or error)
            if cause not in known:
                known[cause] = self._content(error, locale, request_id)
            told = dict(known[cause])
            if error.locations:
                told["locations"] = [place.formatted for place in error.locations]
            if error.path:
                told["path"] = error.path
            found.append(told)
        return found

    def _content(self, error: GraphQLError, locale: str, request_id: str) -> dict[str, Any]:
        cause = _cause(error)
        if isinstance(cause, JingweiError):
            return self.describe(cause, locale, request_id)
        if cause is not None:
            return self.internal(cause, locale, request_id)
        code, params = _document_error(error)
        return self._coded(code, params, locale, request_id)

    def _coded(
        self, code: str, params: Mapping[str, Any], locale: str, request_id: str
    ) -> dict[str, Any]:
        message = self._catalogue.message(code, locale, params)
        extensions: dict[str, Any] = {"code": code, "requestId": request_id, "retryable": False}
        if message.next_step:
            extensions["nextStep"] = message.next_step
        extensions.update({k: v for k, v in params.items() if k in _FIGURES})
        return {"message": message.text, "extensions": extensions}


def _cause(error: GraphQLError) -> BaseException | None:
    """What was raised by code of ours, behind the layers that GraphQL puts around it."""
    cause: BaseException | None = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause


def _document_error(error: GraphQLError) -> tuple[str, dict[str, Any]]:
    told = error.extensions or {}
    if "code" in told:
        return str(told["code"]), {k: v for k, v in told.items() if k != "code"}
    if isinstance(error, GraphQLSyntaxError):
        return "GRAPHQL_SYNTAX", {"cause": error.message}
    if any(isinstance(node, VariableDefinitionNode) for node in error.nodes or ()):
        return "GRAPHQL_VARIABLES", {"cause": error.message}
    return "GRAPHQL_VALIDATION", {"cause": error.message}


def camel_path(path: str) -> str:
    """``photos[0].evidence_id`` as GraphQL spells it."""
    # A header is named as it is sent.
    return ".".join(part if "-" in part else camel(part) for part in path.split("."))
