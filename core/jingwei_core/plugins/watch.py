"""What the deployment says of plugins (部署状态): its deny list, and whose migrations failed.

Read when a process starts, before any plugin is imported, and again every hour. The last good deny
list is kept in the database, so a file that goes missing or is older changes nothing, and a host
without the file knows the list as well.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

from jingwei_core.database.engine import Database
from jingwei_core.database.migration_faults import kept_faults
from jingwei_core.database.unit import Unit
from jingwei_core.plugins.deny_list import DenyList, deny_list_of, newest, read_deny_list
from jingwei_core.plugins.host import PluginHost
from jingwei_core.plugins.off import Off
from jingwei_core.settings import Settings
from jingwei_sdk.errors import JingweiError, Unavailable

_EVERYBODY = "*"
_LIFTED = "名单已不再停用它，重启本进程后可用 · not denied any more: restart this process"
_IS_MIGRATED = "SELECT to_regclass('platform.plugin_fault') IS NOT NULL"
_KEPT = (
    "SELECT detail ->> 'text' FROM platform.plugin_fault WHERE plugin_id = $1 AND stage = 'deny'"
)
_KEEP = """
INSERT INTO platform.plugin_fault AS f (plugin_id, stage, reason, detail)
VALUES ($1, 'deny', $2, jsonb_build_object('text', $3::text, 'serial', $4::bigint))
ON CONFLICT (plugin_id, stage) DO UPDATE
SET reason = excluded.reason, detail = excluded.detail, at = now()
WHERE (f.detail ->> 'serial')::bigint < $4
"""
# Said again at each look: what no process says any more is out of date.
_WAIT = """
INSERT INTO platform.plugin_fault (plugin_id, stage, reason) SELECT unnest($1::text[]), 'load', $2
ON CONFLICT (plugin_id, stage) DO UPDATE SET reason = excluded.reason, at = clock_timestamp()
"""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Word:
    """What the deployment says: the deny list in force, why plugins have no tables, and why the
    configured deny list could not be read (empty when it could)."""

    denied: DenyList = field(default_factory=DenyList)
    faults: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""


async def deployment_word(database: Database) -> Word:
    """What the deployment says now. A list that is newer than the one kept is kept from now on."""
    settings = database.settings
    from_file, problem = deny_list_of(settings)
    async with database.platform() as unit:
        if not await unit.fetchval(_IS_MIGRATED):
            return Word(from_file, {}, problem)
        kept = await _kept(unit, settings)
        if from_file.serial > kept.serial:
            reason = f"deny list {from_file.serial}"
            await unit.execute(_KEEP, _EVERYBODY, reason, from_file.text, from_file.serial)
        elif 0 < from_file.serial < kept.serial:
            _log.warning("deny_list_older", serial=from_file.serial, in_force=kept.serial)
        return Word(newest((kept, from_file)), await kept_faults(unit), problem)


class PluginWatch:
    """Brings what the deployment says to the host of one process."""

    def __init__(self, database: Database, host: Callable[[], PluginHost]) -> None:
        self._database = database
        self._host = host

    async def look(self, *, is_strict: bool = False) -> None:
        """Take over what the deployment says now.

        When ``is_strict``, raises ``Unavailable`` (``DENY_LIST_UNREADABLE``) if a deny list is
        configured and none was ever read: an empty one would deny nothing.
        """
        word = await deployment_word(self._database)
        if word.problem and not word.denied.serial and is_strict:
            raise Unavailable("DENY_LIST_UNREADABLE", cause=word.problem)
        waiting = take_over(self._host(), word)
        if waiting:
            async with self._database.platform() as unit:
                await unit.execute(_WAIT, waiting, _LIFTED)

    async def run(self) -> None:
        """Look again and again, until cancelled; what fails is tried again the next time."""
        while True:
            await asyncio.sleep(self._database.settings.deny_list_check_s)
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 - what is in force stays in force
                _log.warning("deployment_unread", error=type(error).__name__)


def take_over(host: PluginHost, word: Word) -> list[str]:
    """Put off what the deployment says is off, and on again what it does not say any more; it
    counts from the next request on. Answers the plugins that wait for the next start.

    A plugin that was denied when this process started, and is not any more, stays off and says so:
    its code was not imported, and all that a process has of its plugins is made when it starts.
    """
    denied = word.denied.offs(host.versions())
    named = {off.plugin for off in denied}
    never_loaded = (each for each in host.installed() if each.plugin is None)
    lifted = [
        Off(each.id, "denied", _LIFTED)
        for each in never_loaded
        if each.state == "denied" and each.id not in named
    ]
    host.set_off("deny", [*denied, *lifted])
    faults = word.faults.items()
    host.set_off("migration", [Off(plugin, "not_migrated", why) for plugin, why in faults])
    return [off.plugin for off in lifted]


async def _kept(unit: Unit, settings: Settings) -> DenyList:
    text = await unit.fetchval(_KEPT, _EVERYBODY)
    if not text or not settings.deny_list_keys:
        return DenyList()
    try:
        return read_deny_list(text, settings.deny_list_keys)
    except JingweiError as error:
        _log.warning("deny_list_unreadable", where="database", cause=str(error))
        return DenyList()
