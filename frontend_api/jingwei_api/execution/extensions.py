"""Around an operation (执行扩展): caches, limits, and the one read context of a query."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

from graphql import ASTValidationRule, get_operation_ast
from strawberry.extensions import (
    MaxTokensLimiter,
    ParserCache,
    SchemaExtension,
    ValidationCache,
)
from strawberry.types.graphql import OperationType

from jingwei_api.execution.limits import check_rows, limit_rule
from jingwei_api.settings import ApiSettings
from jingwei_sdk.errors import Invalid

CACHED_DOCUMENTS = 512


class _Limits(SchemaExtension):
    """Adds the limit rule; the rule is made once, or the validation cache would never hit."""

    def __init__(self, rule: type[ASTValidationRule]) -> None:
        super().__init__()
        self._rule = rule

    def on_operation(self) -> Iterator[None]:
        context = self.execution_context
        context.validation_rules = (*context.validation_rules, self._rule)
        yield


class _ReadContext(SchemaExtension):
    """Refuses what is too costly, then opens the transaction in which all of a query reads."""

    def __init__(self, max_rows: int) -> None:
        super().__init__()
        self._max_rows = max_rows

    async def on_execute(self) -> AsyncIterator[None]:
        context = self.execution_context
        operation = context.context
        document = context.graphql_document
        assert document is not None
        # Not the context's own name: it falls back to the first of several operations.
        definition = get_operation_ast(document, operation.document.operation_name)
        if definition is None:
            raise Invalid("GRAPHQL_OPERATION_UNKNOWN", field="operationName")
        variables: Mapping[str, Any] = context.variables or {}
        check_rows(context.schema._schema, document, definition, variables, self._max_rows)
        if context.operation_type is OperationType.QUERY:
            await operation.open()
        try:
            yield
        finally:
            await operation.close()


def extensions(settings: ApiSettings) -> tuple[Callable[[], SchemaExtension], ...]:
    """The extensions of every schema."""
    rule = limit_rule(settings)
    return (
        lambda: MaxTokensLimiter(max_token_count=settings.max_tokens),
        lambda: _Limits(rule),
        lambda: ParserCache(maxsize=CACHED_DOCUMENTS),
        lambda: ValidationCache(maxsize=CACHED_DOCUMENTS),
        lambda: _ReadContext(settings.max_rows),
    )
