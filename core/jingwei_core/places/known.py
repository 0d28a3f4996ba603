"""Known places (已知地点): the places that commands named most recently.

A place is remembered with the transaction that made its row. Whoever uses it lets the database
check that the row is still that one, in the message that opens the unit.
"""

import uuid
from collections import OrderedDict
from dataclasses import dataclass
from datetime import date

from jingwei_core.database.expressions import Expression
from jingwei_core.database.unit import Unit

_MOST = 16_384
_SQL = (
    "SELECT id, path, name, valid_from, valid_to, xmin::text AS made_by"
    " FROM core.place WHERE id = $1"
)


@dataclass(frozen=True, slots=True)
class KnownPlace:
    """What a command has to know of the place that it is about."""

    id: uuid.UUID
    path: str
    name: str
    valid_from: date
    valid_to: date | None
    made_by: str

    @property
    def check(self) -> Expression:
        """A call that raises when the row is another one by now."""
        return Expression("core.place_must_be({uuid}, {text})", (self.id, self.made_by))


class KnownPlaces:
    """The places of all tenants that were named most recently."""

    def __init__(self, size: int = _MOST) -> None:
        self._size = size
        self._entries: OrderedDict[tuple[uuid.UUID, uuid.UUID], KnownPlace] = OrderedDict()

    async def find(self, unit: Unit, place_id: uuid.UUID) -> KnownPlace | None:
        """The place as the unit sees it; read in no statement of its own where that can be."""
        assert unit.tenant is not None
        key = (unit.tenant, place_id)
        known = self._entries.get(key)
        if known is not None and unit.beforehand(known.check):
            self._entries.move_to_end(key)
            return known
        # What a unit reads first cannot be what it wrote itself, and so is committed.
        is_committed = unit.is_late and not unit.has_begun
        row = await unit.fetchrow(_SQL, place_id)
        if row is None:
            return None
        found = KnownPlace(*row)
        if is_committed:
            self._entries[key] = found
            if len(self._entries) > self._size:
                self._entries.popitem(last=False)
        return found

    def drop(self, tenant_id: uuid.UUID, place_id: uuid.UUID) -> None:
        """Forget a place."""
        self._entries.pop((tenant_id, place_id), None)
