"""The list of tenants, and suspending and resuming one (停用与恢复)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from jingwei_core.audit.writing import append_audit
from jingwei_core.commands.data import Change, UnitData
from jingwei_core.database.engine import Database
from jingwei_core.platform import Platform
from jingwei_core.session import system_context

Status = Literal["active", "suspended"]


@dataclass(frozen=True, slots=True)
class TenantLine:
    """A tenant as the list shows it."""

    slug: str
    name: str
    status: str
    package_version: str | None
    id: UUID
    created_at: datetime


async def list_tenants(database: Database) -> list[TenantLine]:
    """Every tenant by slug."""
    async with database.platform() as unit:
        rows = await unit.fetch(
            "SELECT slug, name, status, package_version, id, created_at"
            " FROM platform.tenant ORDER BY slug"
        )
    return [TenantLine(**dict(row)) for row in rows]


async def tenant_counts(platform: Platform, slug: str) -> dict[str, int]:
    """How much a tenant holds: places, grids, departments, kinds, accounts, events.

    Raises ``NotFound`` (``TENANT_NOT_FOUND``).
    """
    state = await platform.state(slug)
    async with platform.database.unit(state.tenant.id) as unit:
        rows = await unit.fetch(
            "SELECT (SELECT count(*) FROM core.place) AS places,"
            " (SELECT count(*) FROM core.place p JOIN core.place_level l"
            "   ON l.tenant_id = p.tenant_id AND l.code = p.level"
            "  WHERE l.is_capture_unit) AS capture_units,"
            " (SELECT count(*) FROM core.department) AS departments,"
            " (SELECT count(*) FROM core.event_kind WHERE workflow <> '') AS event_kinds,"
            " (SELECT count(*) FROM core.account) AS accounts,"
            " (SELECT count(*) FROM core.event) AS events"
        )
    return dict(rows[0])


async def set_status(platform: Platform, slug: str, status: Status) -> bool:
    """Suspend or resume a tenant; whether anything changed.

    A suspended tenant answers nobody: sign-in, queries and jobs are refused, its data stays.
    Raises ``NotFound`` (``TENANT_NOT_FOUND``).
    """
    state = await platform.state(slug)
    async with system_context(platform, state.tenant, f"tenant.{status}") as ctx:
        changed = await ctx.unit.fetchval(
            "UPDATE platform.tenant SET status = $2, updated_at = now()"
            " WHERE id = $1 AND status <> $2 RETURNING true",
            state.tenant.id,
            status,
        )
        if changed:
            assert isinstance(ctx.data, UnitData)
            before, after = {"status": state.status}, {"status": status}
            ctx.data.changes.append(Change("tenant", state.tenant.id, before, after, None))
            await append_audit(ctx, f"tenant.{status}", state.tenant.id)
    platform.forget()
    return bool(changed)
