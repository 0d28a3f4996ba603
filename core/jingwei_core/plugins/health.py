"""Health of plugins (插件健康): how their calls ended, and which breakers are open."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from jingwei_core.commands.data import Change, UnitData
from jingwei_core.database import Unit
from jingwei_core.session import CoreContext

_HEALTH = """
SELECT t.slug AS tenant, o.plugin_id AS plugin, o.hook AS point, o.succeeded, o.failed,
    o.timed_out, o.total_us, o.last_error, o.last_at,
    CASE WHEN o.opened_until > clock_timestamp() THEN o.opened_until END AS paused_until
FROM platform.plugin_outcome o JOIN platform.tenant t ON t.id = o.tenant_id
WHERE ($1::uuid IS NULL OR o.tenant_id = $1) AND ($2::text IS NULL OR o.plugin_id = $2)
ORDER BY o.plugin_id, t.slug, o.hook
"""

_WAITING = """
SELECT t.slug AS tenant, q.headers ->> 'plugin' AS plugin, count(*) AS waiting,
    max(q.updated) AS last_at
FROM jobs.pgqueuer q JOIN platform.tenant t ON t.id = q.tenant_id
WHERE q.status = 'queued' AND q.headers ->> 'plugin' <> 'core'
    AND ($1::uuid IS NULL OR q.tenant_id = $1)
    AND ($2::text IS NULL OR q.headers ->> 'plugin' = $2)
GROUP BY 1, 2
"""

_NOT_LOADED = """
SELECT '*' AS tenant, plugin_id AS plugin, at AS last_at FROM platform.plugin_fault
WHERE stage = 'load' AND at > clock_timestamp() - make_interval(secs => $1)
    AND ($2::text IS NULL OR plugin_id = $2)
"""
NEEDS_RESTART = "RESTART_NEEDED"
LOOKS = 3.0
"""What a process has not said for so many looks at the deny list, it does not say any more."""

_RESET = """
UPDATE platform.plugin_outcome SET opened_until = NULL
WHERE tenant_id = $1 AND plugin_id = $2 AND opened_until IS NOT NULL RETURNING hook
"""

HealthState = Literal["healthy", "failing", "paused"]


class PluginHealth(msgspec.Struct, frozen=True):
    """How one point of a plugin fared in one tenant since it was first called.

    ``point`` is the name of a hook, or that of a job, consumer or field with ``job:``,
    ``consumer:`` or ``field:`` before it; ``jobs`` stands for all jobs of the plugin that wait for
    the tenant, ``waiting`` of them, and is ``failing`` (``PLUGIN_JOB_QUOTA``) when no more may.
    ``load``, of the tenant ``*``, is ``failing`` (``RESTART_NEEDED``) while a process has not
    loaded a plugin that was denied when it started and is allowed by now.
    ``state`` is ``paused`` until ``paused_until`` while its breaker is open, ``failing`` when the
    last call did not go well. ``mean_us`` is the mean time of a call in microseconds.
    ``last_error`` is the name of a type or a code, never a text; it is empty when the last call
    went well. All of it is about a second old.
    """

    tenant: str
    plugin: str
    point: str
    state: HealthState
    succeeded: int
    failed: int
    timed_out: int
    mean_us: int
    last_error: str
    last_at: datetime
    paused_until: datetime | None
    waiting: int = 0


async def plugin_health(
    unit: Unit,
    tenant_id: uuid.UUID | None = None,
    plugin_id: str | None = None,
    *,
    jobs_together: int | None = None,
    looks_every_s: float | None = None,
) -> Sequence[PluginHealth]:
    """The health of each point that was ever called, by plugin, tenant and name; of one tenant
    and one plugin if they are named. With ``jobs_together``, which is how many jobs of a plugin may
    wait for a tenant, also how many do; with ``looks_every_s``, which is how often processes look
    at the deny list, also what they have not loaded. Any unit will do: the tables are the
    platform's."""
    found = [_health(dict(row)) for row in await unit.fetch(_HEALTH, tenant_id, plugin_id)]
    if jobs_together is not None:
        rows = await unit.fetch(_WAITING, tenant_id, plugin_id)
        found += [_jobs(dict(row), jobs_together) for row in rows]
    if looks_every_s is not None and tenant_id is None:
        rows = await unit.fetch(_NOT_LOADED, LOOKS * looks_every_s, plugin_id)
        found += [_told(dict(row), "load", NEEDS_RESTART) for row in rows]
    return sorted(found, key=lambda each: (each.plugin, each.tenant, each.point))


async def reset_breakers(ctx: CoreContext, plugin_id: str) -> list[str]:
    """Call a plugin again in the context's tenant whose breakers are open; the points.

    Every process sees it within some seconds. The change is left for the audit row.
    """
    assert isinstance(ctx.data, UnitData)
    points = sorted(row["hook"] for row in await ctx.unit.fetch(_RESET, ctx.tenant.id, plugin_id))
    if points:
        before = {"plugin": plugin_id, "paused": points}
        after = {"plugin": plugin_id, "paused": []}
        ctx.data.changes.append(Change("plugin_outcome", ctx.tenant.id, before, after, None))
    return points


def _jobs(row: dict[str, Any], most: int) -> PluginHealth:
    return _told(row, "jobs", "PLUGIN_JOB_QUOTA" if row["waiting"] >= most else "")


def _told(row: dict[str, Any], point: str, error: str) -> PluginHealth:
    calls = {"succeeded": 0, "failed": 0, "timed_out": 0, "mean_us": 0, "paused_until": None}
    state: HealthState = "failing" if error else "healthy"
    told = {"point": point, "state": state, "last_error": error}
    return msgspec.convert({**row, **calls, **told}, PluginHealth)


def _health(row: dict[str, object]) -> PluginHealth:
    succeeded, failed, late = (int(str(row[k])) for k in ("succeeded", "failed", "timed_out"))
    calls = succeeded + failed + late
    total_us = int(str(row.pop("total_us")))
    state: HealthState = "failing" if row["last_error"] else "healthy"
    row["state"] = "paused" if row["paused_until"] is not None else state
    row["mean_us"] = total_us // calls if calls else 0
    return msgspec.convert(row, PluginHealth)
