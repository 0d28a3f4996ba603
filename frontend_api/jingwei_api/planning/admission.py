"""Admission (准入): whether an operation may run, from what it costs and who asks."""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
from graphql import DocumentNode

from jingwei_api.execution.operation import Caller
from jingwei_api.limits.cost import Measured, compile_cost
from jingwei_api.limits.gate import Admitted, Gate, Standing
from jingwei_api.limits.shape import Shape, shape_of
from jingwei_api.limits.weights import Weights
from jingwei_api.planning.documents import PreparedOperation
from jingwei_api.planning.plans import Question
from jingwei_api.planning.recent import Recent
from jingwei_api.planning.splitting import split
from jingwei_api.settings import ApiSettings
from jingwei_core.access.loading import Access
from jingwei_core.platform import TenantState
from jingwei_core.registry import Registry

KEPT = 64
"""How many enabled sets' weights are kept."""


@dataclass(slots=True)
class Entered:
    """An operation that was let in by what was remembered of its caller."""

    gate: Gate
    question: Question
    standing: Standing
    admitted: Admitted

    def holds_for(self, access: Access) -> None:
        """Look again if the caller's roles state other limits by now, and charge nothing more.

        Raises ``TooMuch``.
        """
        if access.limits == self.standing.roles:
            return
        standing = msgspec.structs.replace(self.standing, roles=access.limits)
        self.admitted = self.gate.admit_again(self.admitted.cost, standing)
        self.standing = standing


class Admission:
    """Refuses what is too much before anything is read or run."""

    def __init__(self, settings: ApiSettings) -> None:
        self._gate = Gate(settings)
        self._weights: Recent[str, Weights] = Recent(KEPT)

    def forget(self, fingerprint: str) -> None:
        """Let go of the weights of an enabled set whose schema is gone."""
        self._weights.drop(lambda key: key == fingerprint)

    def admit(self, registry: Registry, question: Question, standing: Standing) -> Entered:
        """Charge an operation to its caller; raises what ``Gate.admit`` raises."""
        measured = self._measured(registry, question.operation)
        admitted = self._gate.admit(measured, question.given, standing)
        return Entered(self._gate, question, standing, admitted)

    def admit_document(self, document: DocumentNode, text: str, standing: Standing) -> None:
        """Charge the reading of a document before it is validated, for that is work as well.

        Raises what ``Gate.admit_document`` raises.
        """
        for shape in shapes(document):
            self._gate.admit_shape(shape, standing)
        self._gate.admit_document(len(text), standing)

    def _measured(self, registry: Registry, operation: PreparedOperation) -> Measured:
        if operation.measured is None:
            weights = self._weights.get(registry.fingerprint)
            # A schema that was built anew has types of its own.
            if weights is None or weights.schema is not operation.index.schema:
                weights = Weights(operation.index.schema, registry)
                self._weights.keep(registry.fingerprint, weights)
            operation.measured = compile_cost(weights, operation.node, operation.fragments)
        return operation.measured


def standing_of(caller: Caller, state: TenantState, access: Access) -> Standing:
    """Which limits the caller's tenant and roles state."""
    return Standing(caller.tenant.id, caller.identity.account_id, state.limits, access.limits)


def shapes(document: DocumentNode) -> Iterable[Shape]:
    """The shape of each operation of a document."""
    parts = split(document)
    for node in parts.operations:
        yield shape_of(node, parts.fragments)
