"""What the resident does with a report (评价、重办、删除联系方式), by its tracking code."""

from typing import Annotated

import msgspec

from jingwei_core.audit.writing import append_audit
from jingwei_core.commands.data import Change, UnitData
from jingwei_core.events.public_steps import take_for_public
from jingwei_core.events.stepping import Step
from jingwei_core.events.tables import Event
from jingwei_core.presence.visitors import plain
from jingwei_core.public_reports.following import NOBODY, count_use, find_report, may_rate
from jingwei_core.public_reports.removing import REMOVE_ONE
from jingwei_core.public_reports.tables import PublicReport
from jingwei_core.public_reports.visitors import Counter
from jingwei_core.session import CoreContext
from jingwei_sdk.errors import Conflict, Invalid

RATE, REOPEN, FORGET = "public.rate", "public.reopen", "public.forget-contact"
"""What stands in the audit log."""
OPINION_LENGTH = 500
_ENDED = "SELECT is_final, closed_at FROM core.event WHERE id = $1"


class Rating(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the resident thinks of the outcome (满意度): 1 to 5, and why."""

    stars: Annotated[int, msgspec.Meta(ge=1, le=5)]
    opinion: Annotated[str, msgspec.Meta(max_length=OPINION_LENGTH)] = ""


class Reopening(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why the matter is not settled."""

    reason: Annotated[str, msgspec.Meta(max_length=OPINION_LENGTH)]


async def rate(counter: Counter, code: str, rating: Rating) -> None:
    """Rate the outcome, once after each closing.

    Raises ``NotFound`` (``PUBLIC_CODE_UNKNOWN``), ``RateLimited`` (``PUBLIC_TOO_OFTEN``),
    ``Conflict``: ``PUBLIC_NOT_FINISHED``, ``PUBLIC_RATED``.
    """
    await count_use(counter, code)
    async with counter.acting() as ctx:
        found = await find_report(ctx, counter, code)
        ends = await ctx.data.fetch(_ENDED, found.shown)
        report = await _locked(ctx, found.report or NOBODY)
        found.known()
        assert report is not None
        closed_at = ends[0]["closed_at"] if ends[0]["is_final"] else None
        if closed_at is None:
            raise Conflict("PUBLIC_NOT_FINISHED", field="code")
        if not may_rate(report, closed_at):
            raise Conflict("PUBLIC_RATED", field="code")
        stored = await ctx.data.update(
            report, rating=rating.stars, opinion=plain(rating.opinion), rated_at=ctx.now()
        )
        await ctx.signals.changed("PublicReport", stored.id, stored.place_path)
        await append_audit(ctx, RATE, stored.event)


async def reopen(counter: Counter, code: str, given: Reopening) -> None:
    """Have the closed event reopened, by the action that the tenant's rules name.

    Raises ``NotFound`` (``PUBLIC_CODE_UNKNOWN``), ``RateLimited`` (``PUBLIC_TOO_OFTEN``),
    ``Invalid`` (``PUBLIC_TEXT_TOO_SHORT``), ``Conflict``: ``PUBLIC_REOPEN_OFF``,
    ``PUBLIC_NOT_FINISHED``, ``PUBLIC_REOPENED_ENOUGH``, ``EVENT_GUARD_WITHIN`` and what the
    action's other guards and its plugins raise.
    """
    await count_use(counter, code)
    reason, action = plain(given.reason), counter.rules.reopen
    async with counter.acting() as ctx:
        found = await find_report(ctx, counter, code)
        report = await _locked(ctx, found.report or NOBODY)
        found.known()
        assert report is not None
        if not action:
            raise Conflict("PUBLIC_REOPEN_OFF", field="code")
        if len(reason) < 2:
            raise Invalid("PUBLIC_TEXT_TOO_SHORT", field="reason", least=2)
        if report.reopened >= counter.rules.reopen_most:
            raise Conflict("PUBLIC_REOPENED_ENOUGH", field="code", limit=counter.rules.reopen_most)
        event = await ctx.data.lock(Event, found.event)
        if not event.is_final or found.shown != found.event:
            raise Conflict("PUBLIC_NOT_FINISHED", field="code")
        await take_for_public(ctx, event, Step(action, reason=reason))
        stored = await ctx.data.update(report, reopened=report.reopened + 1)
        await ctx.signals.changed("PublicReport", stored.id, stored.place_path)
        await append_audit(ctx, REOPEN, event.id)


async def forget_contact(counter: Counter, code: str) -> None:
    """Remove name and phone of the report; what was never there is gone as well.

    Raises ``NotFound`` (``PUBLIC_CODE_UNKNOWN``), ``RateLimited`` (``PUBLIC_TOO_OFTEN``).
    """
    await count_use(counter, code)
    async with counter.acting() as ctx:
        found = await find_report(ctx, counter, code)
        # Not by ctx.data: what it changes goes into the audit log, before and after.
        await ctx.unit.execute(REMOVE_ONE, found.report or NOBODY, ctx.now())
        found.known()
        assert isinstance(ctx.data, UnitData)
        told = {"contact": "removed"}
        ctx.data.changes.append(Change("public_report", found.known(), None, told, None))
        await append_audit(ctx, FORGET, found.event)


async def _locked(ctx: CoreContext, report_id: object) -> PublicReport | None:
    rows = await ctx.data.fetch(_LOCK, report_id)
    return (await ctx.data.find(PublicReport, id=rows[0]["id"]))[0] if rows else None


_LOCK = "SELECT id FROM core.public_report WHERE id = $1 FOR UPDATE"
