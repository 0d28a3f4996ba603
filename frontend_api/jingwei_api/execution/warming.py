"""Warming up (预热): what the first requests would wait for, done before there are any."""

import gc

import structlog

from jingwei_api.execution.executor import Executor
from jingwei_core.platform import Platform, TenantState
from jingwei_core.tenants.in_use import enabled_sets

SCHEMAS = 16
"""Schemas of so many enabled sets are there before serving; after the first, which all plugins are
in, each takes a few hundredths of a second."""
YOUNG = 5_000
"""So many new objects begin a collection of the young ones; a few requests make as many as are
usual (700), and nearly all of them are gone by then without a collector."""

_log = structlog.get_logger(__name__)


async def warm_up(platform: Platform, executor: Executor) -> None:
    """Make the schemas that most tenants use, and from now on that of each set that a tenant is
    switched to, before it counts.

    A fault is told in the log: whoever asks later is told as well, and others may be served.
    """

    async def warm(new: TenantState) -> None:
        await executor.schema(platform.host.registry(new.enabled))

    platform.warm_before(warm)
    # What is made now stays: looking through it again and again finds no rubbish.
    gc.disable()
    try:
        await executor.make_whole()
        for enabled in await enabled_sets(platform.database, SCHEMAS):
            await executor.schema(platform.host.registry(enabled))
    except Exception as error:  # noqa: BLE001 - nobody has asked for anything yet
        _log.warning("not_warmed_up", reason=str(error))
    finally:
        gc.enable()


def settle() -> None:
    """Take what is there now for what stays: the collector need not look at it again.

    A full collection of a warm process stops it for more than a tenth of a second otherwise.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
