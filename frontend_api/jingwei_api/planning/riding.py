"""Riding (随令应答): the read of a payload that goes with the command, in one round trip.

It is answered before the commit and after all that the command writes, so that it tells what the
caller would read just after. While it is read the command holds its locks: so it must be a small
one, of the row and rows that it names. Any other payload is read after the commit, and so is one
that could not be planned or failed, which tells why.
"""

import uuid
from collections.abc import Iterable

from jingwei_api.execution.operation import Caller
from jingwei_api.planning.collecting import Chosen
from jingwei_api.planning.plans import Part, Question
from jingwei_api.planning.reads import Read, Reads, Riding
from jingwei_api.planning.roots import ROW
from jingwei_api.schema.meanings import (
    ColumnField,
    IdField,
    MaskedField,
    MaskedPart,
    OneField,
    PayloadReplayed,
    PayloadRow,
    TypenameField,
)
from jingwei_core.database.along import Along
from jingwei_core.registry import Registry

MOST_ROWS = 16
"""Rows that a command reads while it holds its locks."""

_ONE_ROW = (PayloadRow, OneField)
_OF_A_ROW = (ColumnField, IdField, MaskedField, MaskedPart, TypenameField, PayloadReplayed)


class Rider:
    """The read of one command's payload."""

    def __init__(
        self, reads: Reads, caller: Caller, registry: Registry, asked: tuple[Question, Chosen]
    ) -> None:
        self._reads = reads
        self._caller = caller
        self._registry = registry
        self._question, self._chosen = asked
        self._riding: Riding | None = None

    def along(self, row_id: uuid.UUID) -> Along | None:
        """The read of the payload with this row, if it can go with the command."""
        if not is_small(self._chosen.below()):
            return None
        question = self._question
        question.variables[ROW] = row_id
        part = Part((self._chosen.key,))
        try:
            self._riding = self._reads.riding(self._caller, self._registry, question, part)
        except Exception:  # noqa: BLE001 - told by the read after the commit, the command is done
            return None
        return self._riding.along if self._riding is not None else None

    def read(self, answer: bytes | None) -> Read | None:
        """What the read answered; ``None`` when the payload is still to be read."""
        if answer is None or self._riding is None:
            return None
        return self._riding.read(answer)


def is_small(fields: Iterable[Chosen]) -> bool:
    """Whether the fields tell of a few rows only, each found by its id."""
    rows, waiting = 0, list(fields)
    while waiting:
        chosen = waiting.pop()
        if isinstance(chosen.meaning, _ONE_ROW):
            rows += 1
            waiting += chosen.below()
        elif not isinstance(chosen.meaning, _OF_A_ROW):
            return False
    return 0 < rows <= MOST_ROWS
