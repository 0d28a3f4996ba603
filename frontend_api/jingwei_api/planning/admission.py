"""Admission (准入): whether an operation may run, from what it could cost."""

from collections.abc import Hashable

from jingwei_api.execution.limits import check_rows
from jingwei_api.planning.plans import Question
from jingwei_api.planning.recent import Recent
from jingwei_api.settings import ApiSettings

KEPT = 1024


class Admission:
    """Refuses what is too costly before anything is read or run."""

    def __init__(self, settings: ApiSettings) -> None:
        self._max_rows = settings.max_rows
        self._admitted: Recent[Hashable, bool] = Recent(KEPT)

    def admit(self, question: Question) -> None:
        """Raise ``GraphQLError`` (``QUERY_TOO_COSTLY``) when it could return too many rows."""
        # Page sizes are part of a shape, and so is all that the number of rows depends on.
        key = (question.operation, question.shape)
        if self._admitted.get(key):
            return
        operation = question.operation
        check_rows(
            operation.index.schema,
            operation.document,
            operation.node,
            question.variables,
            self._max_rows,
        )
        self._admitted.keep(key, value=True)
