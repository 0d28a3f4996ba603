"""Contexts (会话): how a signed-in account, a job or a command line gets one."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jingwei_core.access.loading import Access, load_access
from jingwei_core.audit.writing import finish
from jingwei_core.commands.data import UnitData
from jingwei_core.database.reading import STAMP
from jingwei_core.database.unit import Unit
from jingwei_core.registry import Registry
from jingwei_core.signals import UnitSignals
from jingwei_sdk.context import Actor, Context, Permissions, Tenant
from jingwei_sdk.errors import Unauthenticated

if TYPE_CHECKING:
    from jingwei_core.platform import Platform, TenantState

ROOT = "/"


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a verified access token names; ``epoch`` is the account's when it was issued."""

    account_id: uuid.UUID
    epoch: int


@dataclass(frozen=True, slots=True)
class CoreContext(Context):
    """A context with what only the core may reach."""

    platform: "Platform"
    registry: Registry
    unit: Unit


@dataclass(frozen=True, slots=True)
class Request:
    """How a context is asked for: the reader's language and an id for logs and audit."""

    locale: str = "zh"
    request_id: str = ""


class EveryPermission:
    """The platform itself may do everything in the tenant that is bound."""

    def allows(self, permission: str, path: str | None = None) -> bool:
        """Always."""
        return bool(permission) or path is not None

    def paths(self, permission: str) -> tuple[str, ...]:
        """The whole tree."""
        return (ROOT,) if permission else ()


@asynccontextmanager
async def account_context(
    platform: "Platform", tenant: Tenant, identity: Identity, request: Request
) -> AsyncIterator[CoreContext]:
    """A context for a signed-in account, with one unit of work.

    Raises ``Unauthenticated`` (``SESSION_ENDED``) when the account is gone or suspended, or signed
    out everywhere since the token was issued; ``Denied`` (``TENANT_SUSPENDED``).
    """
    state = await platform.tenant_by_id(tenant.id)
    state.require_active()
    known = platform.access_cache.known(tenant.id, identity.account_id, platform.clock.now())
    async with platform.database.unit(tenant.id) as unit:
        access = await _exact_access(platform, unit, identity, known)
        actor = Actor("account", access.name, identity.account_id, access.department_ids)
        ctx = _context(platform, state, unit, (actor, access.permissions, request))
        yield ctx
        await finish(ctx)


async def _exact_access(
    platform: "Platform", unit: Unit, identity: Identity, known: Access | None
) -> Access:
    """What is remembered, if the unit sees that it still holds; else what the unit sees.

    The latter is not remembered: the unit may have written it, and be rolled back.
    """
    if known is not None and known.epoch == identity.epoch:
        stamp = (known.account_id, known.epoch, known.policy_version)
        if await unit.fetchval(STAMP, *stamp):
            return known
    now = platform.clock.now()
    access = await load_access(unit, identity.account_id, now, platform.permission_sets)
    if access is None or not access.active or access.epoch != identity.epoch:
        raise Unauthenticated("SESSION_ENDED")
    return access


@asynccontextmanager
async def system_context(
    platform: "Platform", tenant: Tenant, name: str, request: Request | None = None
) -> AsyncIterator[CoreContext]:
    """A context for the platform itself (jobs, command line), with one unit of work.

    ``name`` says in the audit log what acted, for example ``job:core.outbox-deliver``.
    """
    state = await platform.tenant_by_id(tenant.id)
    async with platform.database.unit(tenant.id) as unit:
        who = (Actor("system", name), EveryPermission(), request or Request())
        ctx = _context(platform, state, unit, who)
        yield ctx
        await finish(ctx)


def _context(
    platform: "Platform",
    state: "TenantState",
    unit: Unit,
    who: tuple[Actor, Permissions, Request],
) -> CoreContext:
    actor, permissions, request = who
    return CoreContext(
        tenant=state.tenant,
        actor=actor,
        permissions=permissions,
        clock=platform.clock,
        locale=request.locale,
        request_id=request.request_id,
        data=UnitData(unit, platform.clock),
        signals=UnitSignals(unit, state.tenant, platform.queue),
        events=platform.events,
        records=platform.records,
        settings=state.settings,
        platform=platform,
        registry=platform.host.registry(state.enabled),
        unit=unit,
    )
