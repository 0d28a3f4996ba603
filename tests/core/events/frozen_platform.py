"""A platform of the core at a clock that a test moves."""

from jingwei_core.contribution import core_contribution
from jingwei_core.database import Database
from jingwei_core.evidence.opening import open_store
from jingwei_core.platform import Platform
from jingwei_core.plugins.host import Installed, PluginHost
from tests.core.events.frozen_clock import FrozenClock


def frozen_platform(database: Database, *plugins: Installed) -> Platform:
    """The core with these plugins over the database; its clock stands at ``MONDAY``."""
    host = PluginHost(core_contribution(), plugins)
    platform = Platform(database, host, open_store(database.settings))
    platform.clock = FrozenClock()
    return platform
