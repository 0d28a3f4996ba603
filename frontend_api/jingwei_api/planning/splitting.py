"""A document in its parts (文档拆分): operations, and the fragments that they may use."""

from dataclasses import dataclass

from graphql import DocumentNode, FragmentDefinitionNode, OperationDefinitionNode


@dataclass(frozen=True, slots=True)
class Parts:
    """The operations in their order, and the fragments by name."""

    operations: tuple[OperationDefinitionNode, ...]
    fragments: dict[str, FragmentDefinitionNode]


def split(document: DocumentNode) -> Parts:
    """The parts of a parsed document; what else it defines is left out."""
    operations = []
    fragments = {}
    for node in document.definitions:
        if isinstance(node, FragmentDefinitionNode):
            fragments[node.name.value] = node
        elif isinstance(node, OperationDefinitionNode):
            operations.append(node)
    return Parts(tuple(operations), fragments)
