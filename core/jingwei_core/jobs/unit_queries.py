"""pgqueuer's own statements inside a unit of work.

Apart from the queue, because pgqueuer brings many modules: a process that only serves loads them
with the first job that needs them.
"""

from functools import lru_cache

from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.qb import QueryQueueBuilder
from pgqueuer.adapters.persistence.queries import Queries

from jingwei_core.database import Unit
from jingwei_core.jobs.names import queue_settings


class UnitDriver(AsyncpgDriver):
    """pgqueuer's statements inside a unit of work, one after the other with all the others."""

    def __init__(self, unit: Unit) -> None:
        super().__init__(unit.connection)
        self._unit = unit

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        """Rows as dictionaries."""
        return [dict(row) for row in await self._unit.fetch(query, *args)]

    async def execute(self, query: str, *args: object) -> str:
        """The command tag."""
        return await self._unit.execute(query, *args)


def queries_in(unit: Unit) -> Queries:
    """The queue's statements, run in the unit."""
    return Queries(UnitDriver(unit), qbq=_builder())


@lru_cache(maxsize=1)
def _builder() -> QueryQueueBuilder:
    return QueryQueueBuilder(queue_settings())
