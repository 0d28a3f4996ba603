"""The forms of a GraphQL request (请求): a JSON body, a query string, a message of a socket."""

from collections.abc import Mapping
from typing import Any

import msgspec
from graphql import GraphQLError, OperationType, get_operation_ast, parse

from jingwei_api.documents.trusted import TrustedDocuments
from jingwei_api.execution.operation import Document
from jingwei_api.http.negotiation import WrongMethod
from jingwei_sdk.errors import Invalid


class Form(msgspec.Struct, frozen=True):
    """What a client sent; one of ``query``, ``documentId`` and Apollo's extension names the
    document."""

    query: str | None = None
    documentId: str | None = None  # noqa: N815 - the name on the wire
    variables: dict[str, Any] | None = None
    operationName: str | None = None  # noqa: N815 - the name on the wire
    extensions: dict[str, Any] | None = None

    def document(self, trusted: TrustedDocuments) -> Document:
        """The document to run; raises what :meth:`TrustedDocuments.text` raises."""
        text = trusted.text(self.query, self.documentId, self.extensions)
        return Document(text, self.variables, self.operationName)


_decoder = msgspec.json.Decoder(Form)


def posted(body: bytes) -> Form:
    """The form in a body; raises ``Invalid`` (``GRAPHQL_REQUEST``, ``GRAPHQL_BATCH``)."""
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if body.lstrip()[:1] == b"[":
            raise Invalid("GRAPHQL_BATCH") from error
        raise Invalid("GRAPHQL_REQUEST", cause=str(error)) from error


def in_url(given: Mapping[str, str]) -> Form:
    """The form in a query string; raises ``Invalid`` (``GRAPHQL_REQUEST``)."""
    told: dict[str, Any] = {
        name: given[name] for name in ("query", "documentId", "operationName") if given.get(name)
    }
    for name in ("variables", "extensions"):
        if given.get(name):
            told[name] = _json(name, given[name])
    return in_message(told)


def in_message(told: Any) -> Form:
    """The form in JSON values; raises ``Invalid`` (``GRAPHQL_REQUEST``)."""
    try:
        return msgspec.convert(told, Form)
    except (msgspec.ValidationError, RecursionError) as error:
        raise Invalid("GRAPHQL_REQUEST", cause=str(error)) from error


def check_only_reads(document: Document, max_tokens: int) -> None:
    """Refuse what a method without consequences may not do.

    Raises ``WrongMethod`` (``GET_ONLY_QUERIES``). A document with faults is left to the executor.
    """
    try:
        parsed = parse(document.query, max_tokens=max_tokens)
    except (GraphQLError, RecursionError):
        return
    operation = get_operation_ast(parsed, document.operation_name)
    if operation is not None and operation.operation is not OperationType.QUERY:
        raise WrongMethod("GET_ONLY_QUERIES")


def _json(name: str, text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Invalid("GRAPHQL_REQUEST", field=name, cause=str(error)) from error
