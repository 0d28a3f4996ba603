"""Folding beside the work (随手折叠): what was written is added up before much of it waits.

No job: whatever waits is exact to read, so folding may be late or left out; it only keeps readers
from adding up many deltas themselves.
"""

from typing import TYPE_CHECKING

from jingwei_core.rollups.cubes import sources_of
from jingwei_core.rollups.keeping import fold

if TYPE_CHECKING:
    from jingwei_core.platform import Platform

FEW = 200
"""So many deltas may wait: adding them up costs a reader less than a millisecond."""


async def fold_waiting(platform: "Platform", least: int = FEW) -> int:
    """Fold for each tenant of which at least ``least`` deltas wait; how many were folded."""
    async with platform.database.platform() as unit:
        rows = await unit.fetch("SELECT core.rollup_waiting($1) AS tenant", least)
    folded = 0
    for row in rows:
        registry = await platform.registry(row["tenant"])
        for source in sources_of(registry.records.values()):
            done = -1
            while done:
                # A transaction for each part, so that none is long.
                async with platform.database.unit(row["tenant"]) as unit:
                    done = await fold(unit, [source], parts=1)
                folded += done
    return folded
