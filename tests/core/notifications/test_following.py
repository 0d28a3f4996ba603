"""Live: a change of an inbox reaches its owner and nobody else."""

from jingwei_core.reading.reaching import EVERYONE, reach_of
from tests.core.notifications.told import Told


async def test_only_the_owner_is_reached(city: Told) -> None:
    await city.tell("mender", "EVENT_ASSIGNED", await city.report())
    row = (await city.inbox("mender"))[0]["id"]
    registry = await city.platform.registry(city.tenant.id)
    record = registry.record("Notification")
    reach = await reach_of(city.platform.database, registry, record, (city.tenant.id, [row]))
    assert EVERYONE not in reach[row]
    assert {str(one) for one in reach[row]} == {str(city.people["mender"])}
