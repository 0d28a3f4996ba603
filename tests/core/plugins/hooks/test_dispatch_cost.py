"""A hook that nobody hears costs less than five microseconds, however many plugins are enabled."""

from jingwei_core.database import Database
from tests.bench.dispatch import COUNTS, dispatch_costs

UNHEARD_US = 5.0


async def test_what_nobody_hears_costs_next_to_nothing(database: Database) -> None:
    costs = await dispatch_costs(database)
    assert set(costs) == set(COUNTS)
    assert max(cost.unheard_us for cost in costs.values()) < UNHEARD_US, costs
    # With none there is nobody to hear it in either way; each that hears costs its own part only.
    assert costs[0].sync_us < UNHEARD_US
    assert costs[50].async_us < 50 * 500, costs
