"""Reads (读取): a part of an operation, read by one statement on behalf of a caller.

What the caller may do is remembered between requests, and the statement checks that it still holds:
if not, it answers nothing, and the read is planned again with what holds now.
"""

from contextlib import AbstractAsyncContextManager
from typing import Any

import msgspec
from graphql import GraphQLError

from jingwei_api.execution.operation import Caller
from jingwei_api.planning.asking import ask
from jingwei_api.planning.asking_at_once import RULES
from jingwei_api.planning.auditing import shows_audited, take_ids
from jingwei_api.planning.building import Refusal
from jingwei_api.planning.plans import ROOT, Draft, Part, Planned, Plans, Question
from jingwei_api.planning.working import fill_in
from jingwei_core.access.loading import Access, Mind, of_no_concern
from jingwei_core.audit.reading import note_reading
from jingwei_core.database.along import Along
from jingwei_core.database.reading import Reading, one_trip
from jingwei_core.platform import Platform
from jingwei_core.reading.areas import AreaSizes
from jingwei_core.reading.compiled import NOTHING_KNOWN, Little
from jingwei_core.reading.selection import Asked
from jingwei_core.registry import Registry
from jingwei_core.session import CoreContext, account_context
from jingwei_sdk.context import Actor
from jingwei_sdk.errors import Unavailable

_ATTEMPTS = 5
_NOTHING = one_trip("1")


class Read(msgspec.Struct, frozen=True):
    """The JSON of what was asked for, and what was refused of it."""

    data: bytes
    errors: list[GraphQLError]


class Riding(msgspec.Struct, frozen=True):
    """A read that can go with a command."""

    along: Along
    planned: Planned

    def read(self, data: bytes) -> Read | None:
        """What it answered; ``None`` when that is to be recorded, and so to be read in a unit."""
        if self.planned.plan.may_be_audited and shows_audited(data):
            return None
        return Read(data, _refused(self.planned))


class Reads:
    """Reads for the callers of one process."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self.plans = Plans(platform.cursor_secret)
        self._areas = AreaSizes()

    async def read(
        self,
        caller: Caller,
        registry: Registry,
        question: Question,
        part: Part = ROOT,
        mind: Mind = of_no_concern,
    ) -> Read:
        """What a part of an operation asks for.

        Raises ``Unauthenticated`` (``SESSION_ENDED``), ``Unavailable`` when the database cannot
        answer, and what ``mind`` raises.
        """
        draft = self.plans.draft(registry, question, part)
        for _ in range(_ATTEMPTS):
            access = await self.access(caller)
            mind(access)
            found = await self._attempt(caller, registry, draft, question, access)
            if found is not None:
                return found
            self._platform.access_cache.drop(caller.tenant.id, caller.identity.account_id)
        raise Unavailable("DATABASE_CONTENTION", cause="access keeps changing")

    def riding(
        self, caller: Caller, registry: Registry, question: Question, part: Part
    ) -> Riding | None:
        """The statement of a part, if it can be made at once and its bytes are the answer.

        Raises what the request is refused for.
        """
        draft = self.plans.draft(registry, question, part)
        access = self._known(caller)
        if access is None or draft.needs_rules or draft.operation.areas:
            return None
        planned = self.plans.planned(registry, draft, self._asked(caller, access, question))
        if draft.operation.areas or not planned.plan.is_direct:
            return None
        parameters = _reading(caller, access).parameters
        along = Along(planned.plan.compiled.sql, (*parameters, *planned.arguments))
        return Riding(along, planned)

    async def access(self, caller: Caller) -> Access:
        """What the caller may do; it may be out of date, but for what a statement checks."""
        known = self._known(caller)
        if known is not None:
            return known
        now = self._platform.clock.now()
        return await self._platform.access_cache.load(caller.tenant, caller.identity, now)

    async def current(self, caller: Caller, access: Access) -> Access:
        """The access, if it is still what the caller may do, and else what that is by now."""
        identity, tenant = caller.identity, caller.tenant
        reading = _reading(caller, access)
        if await self._platform.database.read(reading, _NOTHING, []) is not None:
            return access
        self._platform.access_cache.drop(tenant.id, identity.account_id)
        return await self.access(caller)

    async def _attempt(
        self,
        caller: Caller,
        registry: Registry,
        draft: Draft,
        question: Question,
        access: Access,
    ) -> Read | None:
        asked = self._asked(caller, access, question)
        reading = _reading(caller, access)
        if draft.needs_rules:
            known = await self._platform.configurations.under(caller.tenant, access.policy_version)
            if known is None:
                return None
            question.variables[RULES] = known
        if draft.asking:
            async with self._context(caller) as ctx:
                await ask(ctx, draft.asking, question.variables)
                planned = await self._planned(registry, draft, asked, reading)
                return await _shown(ctx, draft, reading, planned)
        planned = await self._planned(registry, draft, asked, reading)
        if planned.plan.is_direct:
            sql, arguments = planned.plan.compiled.sql, planned.arguments
            data = await self._platform.database.read(reading, sql, arguments)
            if data is None:
                return None
            if not (planned.plan.may_be_audited and shows_audited(data)):
                return Read(data, _refused(planned))
        async with self._context(caller) as ctx:
            return await _shown(ctx, draft, reading, planned)

    def _known(self, caller: Caller) -> Access | None:
        """What is remembered of what the caller may do."""
        identity, now = caller.identity, self._platform.clock.now()
        known = self._platform.access_cache.known(caller.tenant.id, identity.account_id, now)
        return known if known is not None and known.epoch == identity.epoch else None

    def _asked(self, caller: Caller, access: Access, question: Question) -> Asked:
        account = caller.identity.account_id
        return Asked(
            caller.tenant,
            Actor("account", access.name, account, access.department_ids, access.covers),
            access.permissions,
            self._platform.clock.now(),
            caller.request.locale,
            question.variables,
        )

    async def _planned(
        self, registry: Registry, draft: Draft, asked: Asked, reading: Reading
    ) -> Planned:
        """The statement, with what is known of how much the caller sees."""
        areas = draft.operation.areas
        little = await self._little(registry, areas, asked, reading) if areas else NOTHING_KNOWN
        planned = self.plans.planned(registry, draft, asked, little)
        if draft.operation.areas == areas:
            return planned
        # The first statement of an operation tells what it should have known.
        little = await self._little(registry, draft.operation.areas, asked, reading)
        return self.plans.planned(registry, draft, asked, little)

    async def _little(
        self, registry: Registry, areas: frozenset[str], asked: Asked, reading: Reading
    ) -> Little:
        async def read(sql: str, arguments: list[object]) -> bytes | None:
            return await self._platform.database.read(reading, sql, arguments)

        return await self._areas.little(registry, asked, tuple(areas), read)

    def _context(self, caller: Caller) -> AbstractAsyncContextManager[CoreContext]:
        return account_context(self._platform, caller.tenant, caller.identity, caller.request)


def _reading(caller: Caller, access: Access) -> Reading:
    identity = caller.identity
    return Reading(caller.tenant.id, identity.account_id, identity.epoch, access.policy_version)


async def _shown(ctx: CoreContext, draft: Draft, reading: Reading, planned: Planned) -> Read | None:
    """What the statement tells inside a unit of work, where functions of plugins may read more and
    the audit log may be written."""
    compiled = planned.plan.compiled
    answer = await ctx.unit.fetchval(compiled.sql, *reading.parameters, *planned.arguments)
    if answer is None:
        return None
    data: dict[str, Any] = msgspec.json.decode(answer)
    if planned.plan.is_audited or planned.plan.may_be_audited:
        for shown in take_ids(data, draft.names_of_fields()):
            note_reading(ctx, *shown)
    errors = await fill_in(ctx, draft.operation.index, compiled.worked, data)
    return Read(msgspec.json.encode(data), [*_refused(planned), *errors])


def _refused(planned: Planned) -> list[GraphQLError]:
    if not planned.refusals and not planned.plan.refusals:
        return []
    return [told_refusal(one) for one in planned.told()]


def told_refusal(refusal: Refusal) -> GraphQLError:
    """A refused field as an error of GraphQL, with its path and places in the document."""
    chosen, error = refusal.chosen, refusal.error
    if isinstance(error, GraphQLError):
        return GraphQLError(error.message, chosen.nodes, path=chosen.path)
    return GraphQLError(error.code, chosen.nodes, path=chosen.path, original_error=error)
