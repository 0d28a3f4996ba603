"""Introspection (自省): what a schema tells about itself, by the reference implementation."""

import asyncio
from collections.abc import Hashable, Sequence

import msgspec
from graphql import (
    DocumentNode,
    GraphQLError,
    OperationDefinitionNode,
    SelectionSetNode,
    execute_sync,
)

from jingwei_api.planning.collecting import Chosen
from jingwei_api.planning.documents import PreparedOperation
from jingwei_api.planning.index import SchemaIndex
from jingwei_api.planning.plans import Question
from jingwei_api.planning.recent import Recent
from jingwei_api.schema.meanings import IntrospectionField

KEPT = 64
"""How many answers are kept: they are long, and few different ones are asked for."""

Told = tuple[dict[str, bytes], list[GraphQLError]]


class Introspection:
    """Answers ``__schema`` and ``__type``; an answer depends on the schema and on the question
    alone, so it is kept."""

    def __init__(self, size: int = KEPT) -> None:
        self._kept: Recent[tuple[PreparedOperation, Hashable], Told] = Recent(size)

    def forget(self, index: SchemaIndex) -> None:
        """Let go of what one schema told."""
        self._kept.drop(lambda key: key[0].index is index)

    async def told(self, question: Question, chosen: Sequence[Chosen]) -> Told:
        """The JSON of the introspection fields among those chosen of the root, by response key."""
        fields = [one for one in chosen if isinstance(one.meaning, IntrospectionField)]
        if not fields:
            return {}, []
        key = (question.operation, question.shape)
        found = self._kept.get(key)
        if found is None:
            # A quarter of a second for a whole schema; nobody else should wait for it.
            found = await asyncio.to_thread(_told, question, fields)
            if question.operation.is_kept:
                self._kept.keep(key, found)
        return found


def _told(question: Question, fields: Sequence[Chosen]) -> Told:
    operation = question.operation
    nodes = tuple(node for one in fields for node in one.nodes)
    definition = OperationDefinitionNode(
        operation=operation.type,
        variable_definitions=operation.node.variable_definitions or (),
        directives=(),
        selection_set=SelectionSetNode(selections=nodes),
    )
    document = DocumentNode(definitions=(definition, *operation.fragments.values()))
    result = execute_sync(operation.index.schema, document, variable_values=dict(question.given))
    data = result.data or {one.key: None for one in fields}
    return {key: msgspec.json.encode(value) for key, value in data.items()}, result.errors or []
