"""The executor (执行器): documents in, answers with told errors out."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import structlog
from graphql import GraphQLError
from strawberry import Schema
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from jingwei_api.execution.errors import ErrorTexts
from jingwei_api.execution.extensions import extensions
from jingwei_api.execution.operation import Caller, Document, Operation, Runtime
from jingwei_api.schema.builder import SchemaCache
from jingwei_api.settings import ApiSettings
from jingwei_core.registry import Registry, build_registry
from jingwei_sdk.errors import Invalid, JingweiError, Refused, Unauthenticated

_ONE_ANSWER = (OperationType.QUERY, OperationType.MUTATION)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """A GraphQL response; ``has_run`` is false when nothing was executed."""

    body: dict[str, Any]
    has_run: bool


class Executor:
    """Runs documents for the tenants of one process."""

    def __init__(self, runtime: Runtime, settings: ApiSettings, texts: ErrorTexts) -> None:
        self._runtime = runtime
        self._platform = runtime.platform
        self._schemas = SchemaCache(extensions(settings), settings.schema_cache_size)
        self._texts = texts
        self._usable: dict[str, Registry] = {}

    async def run(self, caller: Caller, document: Document) -> Answer:
        """The answer to a query or mutation."""
        schema, operation = await self._prepare(caller, document)
        try:
            result = await schema.execute(
                document.query,
                variable_values=dict(document.variables or {}),
                context_value=operation,
                operation_name=document.operation_name,
                allowed_operation_types=_ONE_ANSWER,
            )
        except (MissingQueryError, CannotGetOperationTypeError, InvalidOperationTypeError) as error:
            return self._told(caller, None, [_request_error(error)])
        if isinstance(result, PreExecutionError):
            return self._told(caller, None, result.errors or [])
        return self._told(caller, result.data, result.errors or [], has_run=True)

    async def stream(self, caller: Caller, document: Document) -> AsyncIterator[Answer]:
        """The answers to a subscription, or the one to a query or mutation.

        No transaction is open while the consumer holds an answer.
        """
        schema, operation = await self._prepare(caller, document)
        results: Any = await schema.stream(
            document.query,
            variable_values=dict(document.variables or {}),
            context_value=operation,
            operation_name=document.operation_name,
        )
        async with aclosing(results):
            async for result in results:
                await operation.close()
                if isinstance(result, PreExecutionError):
                    yield self._told(caller, None, result.errors or [])
                else:
                    yield self._told(caller, result.data, result.errors or [], has_run=True)

    async def schema(self, registry: Registry) -> Schema:
        """The schema of a registry, without plugins whose names clash in GraphQL."""
        return await self._schemas.schema(await self._without_clashes(registry))

    async def _prepare(self, caller: Caller, document: Document) -> tuple[Schema, Operation]:
        if caller.ends_at is not None and caller.ends_at <= self._platform.clock.now():
            raise Unauthenticated("TOKEN_EXPIRED")  # a connection outlived its token
        registry = await self._platform.registry(caller.tenant.id)
        usable = await self._without_clashes(registry)
        schema = await self._schemas.schema(usable)
        return schema, Operation(self._runtime, usable, caller, document)

    async def _without_clashes(self, registry: Registry) -> Registry:
        """The registry, without the later of two plugins that clash."""
        known = self._usable.get(registry.fingerprint)
        if known is not None:
            return known
        usable = registry
        while True:
            try:
                await self._schemas.schema(usable)
            except Refused as error:
                usable = _without_later(usable, error)
                continue
            if len(self._usable) >= 256:
                self._usable.clear()
            self._usable[registry.fingerprint] = usable
            return usable

    def _told(
        self,
        caller: Caller,
        data: dict[str, Any] | None,
        errors: list[GraphQLError],
        *,
        has_run: bool = False,
    ) -> Answer:
        body: dict[str, Any] = {}
        request = caller.request
        if errors:
            body["errors"] = [
                self._texts.graphql(error, request.locale, request.request_id) for error in errors
            ]
        if has_run:
            body["data"] = data
        return Answer(body, has_run)


def _request_error(error: Exception) -> GraphQLError:
    code = "GRAPHQL_OPERATION_UNKNOWN"
    if isinstance(error, InvalidOperationTypeError):
        code = "SUBSCRIPTION_NEEDS_WEBSOCKET"
    elif isinstance(error, MissingQueryError):
        code = "GRAPHQL_REQUEST"
    cause: JingweiError = Invalid(code)
    return GraphQLError(code, original_error=cause)


def _without_later(registry: Registry, error: Refused) -> Registry:
    """The registry without the last package that the error names; raises it again for the core's
    own faults."""
    owners: Any = error.params.get("owners") or [error.params.get("owner")]
    named = [plugin.id for plugin in registry.plugins if plugin.id in owners]
    if not named or named[-1] == registry.plugins[0].id:
        raise error
    _log.error("plugin_off", plugin=named[-1], reason=str(error))
    gone = {named[-1]}
    kept = []
    for plugin in registry.plugins:
        if plugin.id in gone or gone & set(plugin.requires):
            gone.add(plugin.id)
        else:
            kept.append(plugin)
    return build_registry(kept)
