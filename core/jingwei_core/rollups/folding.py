"""Folding beside the work (随手折叠): what was written is added up before much of it waits.

No job: whatever waits is exact to read, so folding may be late or left out; it only keeps readers
from adding up many deltas themselves.
"""

from typing import TYPE_CHECKING
from uuid import UUID

from jingwei_core.rollups.cubes import Source, sources_of
from jingwei_core.rollups.keeping import fold
from jingwei_core.rollups.statements import BATCH

if TYPE_CHECKING:
    from jingwei_core.platform import Platform

FEW = 200
"""So many deltas may wait: adding them up costs a reader less than a millisecond."""


async def fold_waiting(platform: "Platform", least: int = FEW) -> int:
    """Fold for each tenant of which at least ``least`` deltas wait; how many were folded.

    Raises an ``ExceptionGroup`` of what failed, after everybody else's were folded.
    """
    async with platform.database.platform() as unit:
        rows = await unit.fetch("SELECT core.rollup_waiting($1) AS tenant", least)
    folded, failed = 0, list[Exception]()
    left: list[tuple[UUID, Source]] = []
    for row in rows:
        try:
            registry = await platform.registry(row["tenant"])
        except Exception as error:  # noqa: BLE001 - one tenant's fault must not stop the others
            failed.append(error)
            continue
        left += [(row["tenant"], each) for each in sources_of(registry.records.values())]
    # A part of each in turn, so that nobody waits until another's million is folded.
    while left:
        more = []
        for tenant, source in left:
            try:
                done = await _fold_part(platform, tenant, source)
            except Exception as error:  # noqa: BLE001 - one tenant's fault must not stop the others
                failed.append(error)
                continue
            folded += done
            if done > BATCH:
                more.append((tenant, source))
        left = more
    if failed:
        raise ExceptionGroup("some counts were not folded", failed)
    return folded


async def _fold_part(platform: "Platform", tenant: UUID, source: Source) -> int:
    """Fold one part in a transaction of its own, so that none is long."""
    async with platform.database.unit(tenant) as unit:
        # Cut off for being slow, it would be tried again for ever while more and more waits.
        await unit.execute("SET LOCAL statement_timeout = 0")
        return await fold(unit, [source], parts=1)
