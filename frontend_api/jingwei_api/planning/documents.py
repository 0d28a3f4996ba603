"""Prepared documents (已备文档): parsed and validated once, kept while they are in use."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    parse,
    validate,
)

from jingwei_api.limits.cost import Measured
from jingwei_api.limits.merging import MOST_ERRORS, RULES
from jingwei_api.planning.collecting import Chosen, Scope
from jingwei_api.planning.index import SchemaIndex
from jingwei_api.planning.inputs import Literals
from jingwei_api.planning.recent import Recent
from jingwei_api.planning.shaping import Shape
from jingwei_api.planning.splitting import split
from jingwei_api.planning.variables import Variables
from jingwei_api.settings import ApiSettings
from jingwei_sdk.errors import Invalid

Admit = Callable[[DocumentNode, str], None]

DOCUMENTS = 512
"""How many documents are kept, of all schemas together."""
LONGEST_KEPT = 64 * 1024
"""Longer documents are prepared and planned each time."""


class PreparedOperation:
    """An operation of a valid document, ready to be planned."""

    def __init__(
        self,
        index: SchemaIndex,
        node: OperationDefinitionNode,
        document: DocumentNode,
        fragments: Mapping[str, FragmentDefinitionNode],
    ) -> None:
        self.index = index
        self.node = node
        self.document = document
        self.fragments = fragments
        self.type: OperationType = node.operation
        self.variables = Variables(index, node.variable_definitions or ())
        self.shape = Shape(index, fragments, node)
        self.introspects = self.shape.introspects
        self._literals = Literals(index)
        self.measured: Measured | None = None
        self.chosen: tuple[Chosen, ...] | None = None
        """The fields of its root, where that is the same for all variables."""
        self.areas: frozenset[str] = frozenset()
        """The records of which it matters how much a caller sees, as far as that is known."""

    @property
    def is_kept(self) -> bool:
        """Whether it may be kept: what is kept must be bounded in bytes as well."""
        place = self.document.loc
        return place is None or len(place.source.body) <= LONGEST_KEPT

    @property
    def root(self) -> Any:
        """The object type that its fields are asked of."""
        return self.index.schema.get_root_type(self.type)

    def scope(self, variables: Mapping[str, Any]) -> Scope:
        """What collecting its fields needs; of the variables only what conditions look at."""
        conditions = {name: variables[name] for name in self.shape.conditions}
        return Scope(self.index, self.fragments, conditions, self._literals)


class PreparedDocument:
    """A document with its operations, or with the reasons why none of them can run."""

    def __init__(
        self,
        operations: Mapping[str, PreparedOperation],
        errors: Sequence[GraphQLError] = (),
    ) -> None:
        self._operations = operations
        self.errors = list(errors)

    def operation(self, name: str | None) -> PreparedOperation:
        """The operation to run; raises ``Invalid`` (``GRAPHQL_OPERATION_UNKNOWN``)."""
        if name is None and len(self._operations) == 1:
            return next(iter(self._operations.values()))
        found = self._operations.get(name or "")
        if found is None or (name is None and len(self._operations) > 1):
            raise Invalid("GRAPHQL_OPERATION_UNKNOWN", field="operationName")
        return found


class Documents:
    """Prepares documents for schemas; what was prepared recently is kept.

    A document says nothing about a tenant, so all tenants with one schema share what is kept. What
    cannot run is kept too: its errors are the same the next time.
    """

    def __init__(self, settings: ApiSettings, size: int = DOCUMENTS) -> None:
        self._max_tokens = settings.max_tokens
        self._kept: Recent[tuple[str, str], PreparedDocument] = Recent(size)
        self._indexes: Recent[str, SchemaIndex] = Recent(64)

    def __len__(self) -> int:
        return len(self._kept)

    def prepared(
        self, fingerprint: str, schema: GraphQLSchema, text: str, admit: Admit
    ) -> PreparedDocument:
        """The document for the schema of an enabled set, which ``fingerprint`` names.

        ``admit`` is asked before a new one is validated; what it raises is raised.
        """
        key = (fingerprint, text)
        found = self._kept.get(key)
        if found is None:
            found = self._prepare(self._index(fingerprint, schema), text, admit)
            if len(text) <= LONGEST_KEPT:
                self._kept.keep(key, found)
        return found

    def forget(self, fingerprint: str) -> SchemaIndex | None:
        """Let go of all documents of an enabled set whose schema is gone; the index that they were
        prepared with, if there were any."""
        found = self._indexes.get(fingerprint)
        self._indexes.drop(lambda key: key == fingerprint)
        self._kept.drop(lambda key: key[0] == fingerprint)
        return found

    def _index(self, fingerprint: str, schema: GraphQLSchema) -> SchemaIndex:
        found = self._indexes.get(fingerprint)
        if found is None or found.schema is not schema:
            found = self._indexes.keep(fingerprint, SchemaIndex(schema))
        return found

    def _prepare(self, index: SchemaIndex, text: str, admit: Admit) -> PreparedDocument:
        if not text:
            raise Invalid("GRAPHQL_REQUEST", field="query")
        try:
            document = parse(text, max_tokens=self._max_tokens)
        except GraphQLSyntaxError as error:
            return PreparedDocument({}, [error])
        if not split(document).operations:
            return PreparedDocument({})
        admit(document, text)
        errors = validate(index.schema, document, RULES, max_errors=MOST_ERRORS)
        if errors:
            return PreparedDocument({}, errors)
        return PreparedDocument(_operations(index, document))


def _operations(index: SchemaIndex, document: DocumentNode) -> dict[str, PreparedOperation]:
    parts = split(document)
    return {
        (node.name.value if node.name else ""): PreparedOperation(
            index, node, document, parts.fragments
        )
        for node in parts.operations
    }
