"""All scenes (场景) in one database, each in tenants of its own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jingwei_core.database import open_database
from jingwei_core.evidence.opening import open_store
from jingwei_core.platform import Platform
from tests.core.events.frozen_clock import FrozenClock
from tests.faults.scenes_city import city_acts
from tests.faults.scenes_leak import leak_acts
from tests.faults.scenes_meetings import meeting_acts
from tests.faults.scenes_operations import operation_acts
from tests.faults.scenes_patrols import patrol_acts
from tests.faults.scenes_plugin import plugin_acts
from tests.faults.scenes_routing import routing_acts
from tests.faults.scenes_tasks import task_acts
from tests.faults.scenes_workforce import workforce_acts
from tests.faults.site import Act, Site

OPERATIONS = "operation:"
_BUILDERS = (
    *(leak_acts, city_acts, task_acts, routing_acts, workforce_acts, meeting_acts),
    *(patrol_acts, plugin_acts, operation_acts),
)


async def acts_of(site: Site, folder: Path, workers: Any) -> Mapping[str, list[Act]]:
    """Build the scenes; the acts by the name of their command."""
    found: dict[str, list[Act]] = {}
    async with open_database(site.settings) as database:
        for build in _BUILDERS:
            platform = Platform(database, site.host, open_store(site.settings))
            platform.clock = FrozenClock()
            await platform.store.ensure_ready()
            for act in await build(platform, workers):
                found.setdefault(_family(act.name), []).append(act)
    return found


def _family(name: str) -> str:
    return OPERATIONS if name.startswith(OPERATIONS) else name.partition(" ")[0]
