"""Contexts (会话): how a signed-in account, a job or a command line gets one."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from jingwei_core.access.loading import Access, Mind, load_access, of_no_concern
from jingwei_core.audit.writing import finish
from jingwei_core.commands.data import UnitData
from jingwei_core.database.expressions import Expression
from jingwei_core.database.unit import Unit, open_unit_or_none
from jingwei_core.events.configuration import ConfigurationInForce
from jingwei_core.places.known import KnownPlace
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
    configuration: ConfigurationInForce
    at: KnownPlace | None = None
    """The place that the command's ``at`` names, as it was checked."""
    has_key: bool = False
    """Whether the idempotency key that the context was asked for is its own: new, and claimed."""
    happened_at: datetime | None = None
    """When it happened, if that was before the platform was told."""


class Request(msgspec.Struct, frozen=True):
    """How a context is asked for: the reader's language and an id for logs and audit."""

    locale: str = "zh"
    request_id: str = ""
    happened_at: datetime | None = None
    """When a device that was offline says that it happened; aware."""


@dataclass(frozen=True, slots=True)
class Opening:
    """How a context's unit begins.

    ``key`` is an idempotency key to claim in the message that opens the unit; ``has_key`` of the
    context says whether it was free. A context that may be late trusts what is remembered of the
    account, and that the key is new, until the unit begins; were it not so, the unit ends with
    ``Outdated``. What is refused before the unit has begun may be refused on the strength of what
    is past: ask again with a context that is not late. ``mind`` refuses on the strength of what is
    so: a context that it would refuse is not late.
    """

    key: str = ""
    may_be_late: bool = False
    mind: Mind = of_no_concern


class EveryPermission:
    """The platform itself may do everything in the tenant that is bound."""

    def allows(self, permission: str, path: str | None = None) -> bool:
        """Always."""
        return bool(permission) or path is not None

    def paths(self, permission: str) -> tuple[str, ...]:
        """The whole tree."""
        return (ROOT,) if permission else ()

    def grants(self) -> dict[str, tuple[str, ...]]:
        """Everything, in the whole tree."""
        return {"*": (ROOT,)}


@asynccontextmanager
async def account_context(
    platform: "Platform",
    tenant: Tenant,
    identity: Identity,
    request: Request,
    opening: Opening = Opening(),
) -> AsyncIterator[CoreContext]:
    """A context for a signed-in account, with one unit of work.

    Raises ``Unauthenticated`` (``SESSION_ENDED``) when the account is gone or suspended, or signed
    out everywhere since the token was issued; ``Denied`` (``TENANT_SUSPENDED``); what the opening's
    ``mind`` raises. A context that may begin late is made with what is remembered: see
    :class:`Opening`.
    """
    state = await platform.tenant_by_id(tenant.id)
    state.require_active()
    known = await _remembered(platform, tenant, identity)
    database = platform.database
    if (
        opening.may_be_late
        and known is not None
        and database.reads_apart
        and open_unit_or_none() is None
        and _is_minded(opening.mind, known)
    ):
        async with database.late_unit(tenant.id, _checks(known, opening.key)) as unit:
            ctx = _account_context(platform, state, unit, (known, request, bool(opening.key)))
            yield ctx
            await finish(ctx)
        return
    first = _at_once(known, opening.key) if known is not None else ""
    async with database.unit(tenant.id, first) as unit:
        holds = known is not None and unit.opened == _ONE_ROW
        if known is None or not holds:
            known = await _exact_access(platform, unit, identity)
        opening.mind(known)
        has_key = holds and bool(opening.key)
        ctx = _account_context(platform, state, unit, (known, request, has_key))
        yield ctx
        await finish(ctx)


_ONE_ROW = "SELECT 1"


def _is_minded(mind: Mind, known: Access) -> bool:
    """Whether what is remembered is not refused; a refusal is to be made of what is so."""
    try:
        mind(known)
    except Exception:  # noqa: BLE001 - whatever it is, it is raised again if it still holds
        return False
    return True


def _at_once(known: Access, key: str) -> str:
    """A statement that answers one row if what is remembered holds, and the key is new."""
    values = (known.account_id, known.epoch, known.policy_version, key or None)
    begins = Expression("core.command_begins({uuid}, {bigint}, {bigint}, {text})", values)
    return f"SELECT WHERE {begins.literal}"


def _checks(known: Access, key: str) -> list[Expression]:
    """Raise unless what is remembered holds, and the key is new."""
    # The key first: whoever waited for it is looked at when the waiting is over.
    claim = [claiming(known.account_id, key)] if key else []
    values = (known.account_id, known.epoch, known.policy_version)
    return [*claim, Expression("core.access_must_be({uuid}, {bigint}, {bigint})", values)]


def claiming(account_id: uuid.UUID, key: str) -> Expression:
    """Raises unless the idempotency key is new; it is the transaction's from then on."""
    return Expression("core.key_must_be_new({uuid}, {text})", (account_id, key))


def _account_context(
    platform: "Platform", state: "TenantState", unit: Unit, made: tuple[Access, Request, bool]
) -> CoreContext:
    access, request, has_key = made
    actor = Actor("account", access.name, access.account_id, access.department_ids, access.covers)
    who = (actor, access.permissions, request)
    return _context(platform, state, unit, who, (access.policy_version, has_key))


async def _remembered(platform: "Platform", tenant: Tenant, identity: Identity) -> Access | None:
    """What is remembered of the account, or read now for the next time."""
    now = platform.clock.now()
    known = platform.access_cache.known(tenant.id, identity.account_id, now)
    if known is None and open_unit_or_none() is None:
        # Inside an open unit it could read what is never committed, and remember it.
        known = await platform.access_cache.load(tenant, identity, now)
    return known if known is not None and known.epoch == identity.epoch else None


async def _exact_access(platform: "Platform", unit: Unit, identity: Identity) -> Access:
    """What the unit sees; not remembered, since the unit may have written it."""
    tenant = unit.tenant
    assert tenant is not None
    platform.access_cache.drop(tenant, identity.account_id)
    now = platform.clock.now()
    access = await load_access(unit, identity.account_id, now, platform.permission_sets)
    if access is None or not access.active or access.epoch != identity.epoch:
        raise Unauthenticated("SESSION_ENDED")
    return access


@asynccontextmanager
async def system_context(
    platform: "Platform",
    tenant: Tenant,
    name: str,
    request: Request | None = None,
    *,
    is_late: bool = False,
) -> AsyncIterator[CoreContext]:
    """A context for the platform itself (jobs, command line), with one unit of work.

    ``name`` says in the audit log what acted, for example ``job:core.outbox-deliver``. With
    ``is_late`` its transaction begins with the first statement, where that is possible.
    """
    state = await platform.tenant_by_id(tenant.id)
    database = platform.database
    may_be_late = is_late and database.reads_apart and open_unit_or_none() is None
    bound = Expression("core.tenant_must_be({uuid})", (tenant.id,))
    opened = database.late_unit(tenant.id, [bound]) if may_be_late else database.unit(tenant.id)
    async with opened as unit:
        who = (Actor("system", name), EveryPermission(), request or Request())
        ctx = _context(platform, state, unit, who, (None, False))
        yield ctx
        await finish(ctx)


class _Seen(Exception):
    """Ends the unit of an onlooker, so that nothing of it stays."""


@asynccontextmanager
async def onlooker_context(
    platform: "Platform", tenant: Tenant, who: tuple[str, Permissions], request: Request
) -> AsyncIterator[CoreContext]:
    """A context under a name and with permissions of its own, in which nothing stays of what is
    written and nothing leaves."""
    state = await platform.tenant_by_id(tenant.id)
    name, permissions = who
    try:
        async with platform.database.unit(tenant.id) as unit:
            actor = (Actor("system", name), permissions, request)
            yield _context(platform, state, unit, actor, (None, False))
            raise _Seen
    except _Seen:
        return


def _context(
    platform: "Platform",
    state: "TenantState",
    unit: Unit,
    who: tuple[Actor, Permissions, Request],
    opened: tuple[int | None, bool],
) -> CoreContext:
    actor, permissions, request = who
    policy, has_key = opened
    data = UnitData(unit, platform.clock)
    registry = platform.host.registry(state.enabled)
    return CoreContext(
        tenant=state.tenant,
        actor=actor,
        permissions=permissions,
        clock=platform.clock,
        locale=request.locale,
        request_id=request.request_id,
        data=data,
        signals=UnitSignals(data, state.tenant, platform.queue, registry),
        events=platform.events,
        records=platform.records,
        settings=state.settings,
        typed_settings=state.typed,
        platform=platform,
        registry=registry,
        unit=unit,
        configuration=ConfigurationInForce(platform.configurations, data, state.tenant, policy),
        has_key=has_key,
        happened_at=request.happened_at,
    )
