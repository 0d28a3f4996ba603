"""Reports upward (双报告): what goes beyond a level is told to who is above, and acknowledged.

Each person gets a row. Where nobody is found for a rule, the report does not vanish: its row waits
without an account, for who is meant by the rule later on and for whoever supervises events there.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from jingwei_core.events.ports import Message, is_there
from jingwei_core.events.tables import Event
from jingwei_core.events.whom import Whom, read_whom
from jingwei_core.events.workflow import Handling
from jingwei_core.routing.tables import EventReportUp
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, Denied

REPORTED_UP = "EVENT_REPORTED_UP"
"""What recipients are told: ``number``, ``title``."""

SUPERVISE = "event.supervise"

_WAITING = """
SELECT DISTINCT event FROM core.event_report_up
 WHERE event = ANY($1::uuid[]) AND acknowledged_at IS NULL
"""
_ACTIVE = "SELECT true FROM core.account WHERE id = $1 AND status = 'active'"


class EventReportsUp:
    """The port :class:`jingwei_core.events.ports.UpwardReports`, a row for each recipient."""

    async def send(self, ctx: Context, event: Event, whom: Sequence[Whom]) -> None:
        """Report a locked event to each of them: once to each person, and not again to who has not
        acknowledged an earlier report of it. Who reports to themselves knows already."""
        assert isinstance(ctx, CoreContext)
        found = await _recipients(ctx, event, whom)
        rows = [_row(ctx, event, account, text) for account, text in found]
        for row in await ctx.data.insert_all(rows):
            await ctx.signals.changed("EventReportUp", row.id, row.place_path)
        told = tuple(account for account, _ in found if account not in (None, ctx.actor.account_id))
        await tell_of(ctx, event, told, REPORTED_UP)

    async def waiting(self, ctx: Context, events: Sequence[uuid.UUID]) -> Collection[uuid.UUID]:
        """Those of the events of which somebody has not acknowledged a report yet."""
        if not events:
            return ()
        rows = await ctx.data.fetch(_WAITING, list(events))
        return frozenset(row["event"] for row in rows)


async def _recipients(
    ctx: CoreContext, event: Event, whom: Sequence[Whom]
) -> list[tuple[uuid.UUID | None, str]]:
    """Each person with the rule that means them, and each rule that means nobody."""
    waiting = await ctx.data.find(EventReportUp, event=event.id, acknowledged_at=None)
    reached: dict[uuid.UUID | None, set[str]] = {}
    for row in waiting:
        reached.setdefault(row.account, set()).add(row.whom)
    open_texts = reached.pop(None, set())
    known = set(reached)
    found: list[tuple[uuid.UUID | None, str]] = []
    for one in whom:
        text = str(one)
        accounts = await ctx.platform.event_ports.recipients.resolve(ctx, one, event)
        if not accounts and text not in open_texts:
            open_texts.add(text)
            found.append((None, text))
        found += [(account, text) for account in accounts if account not in known]
        known.update(accounts)
    return found


def _row(ctx: Context, event: Event, account: uuid.UUID | None, text: str) -> EventReportUp:
    knows = account is not None and account == ctx.actor.account_id
    return EventReportUp(
        place_id=event.place_id,
        event=event.id,
        whom=text,
        account=account,
        asked_at=ctx.now(),
        acknowledged_at=ctx.now() if knows else None,
        acknowledged_by=account if knows else None,
    )


async def tell_of(
    ctx: CoreContext,
    event: Event,
    accounts: Sequence[uuid.UUID | None],
    code: str,
    more: Mapping[str, object] | None = None,
) -> None:
    """Tell accounts of an event with a message that names its ``number`` and ``title``; nothing
    where no room tells people anything."""
    notifier = ctx.platform.event_ports.notifier
    told = tuple(account for account in accounts if account is not None)
    if not told or not is_there(notifier):
        return
    message = Message(
        code=code,
        params={"number": event.number, "title": event.title, **(more or {})},
        about=("Event", event.id),
        place_path=event.place_path,
        urgency="now" if event.handling == Handling.EMERGENCY else "usual",
    )
    await notifier.tell(ctx, told, message)


async def acknowledge(ctx: Context, report: EventReportUp, note: str) -> EventReportUp:
    """Acknowledge a locked report, as its recipient or as who covers for them.

    A report without a recipient, or whose recipient has left, is acknowledged by who is meant by
    its rule now, or by a holder of ``event.supervise`` at the event's place. Raises ``Conflict``
    (``EVENT_REPORT_ACKNOWLEDGED``), ``Denied`` (``EVENT_REPORT_NOT_YOURS``).
    """
    heard_at: datetime | None = report.acknowledged_at
    if heard_at is not None:
        raise Conflict("EVENT_REPORT_ACKNOWLEDGED", field="id")
    if not await _may_acknowledge(ctx, report):
        raise Denied("EVENT_REPORT_NOT_YOURS", field="id")
    stored = await ctx.data.update(
        report,
        acknowledged_at=ctx.now(),
        acknowledged_by=ctx.actor.account_id,
        note=note,
    )
    await ctx.signals.changed("EventReportUp", stored.id, stored.place_path)
    return stored


async def _may_acknowledge(ctx: Context, report: EventReportUp) -> bool:
    assert isinstance(ctx, CoreContext)
    account: uuid.UUID | None = report.account
    if account is not None:
        if account in ctx.actor.desks:
            return True
        if await ctx.data.fetchval(_ACTIVE, account):
            return False
    if ctx.permissions.allows(SUPERVISE, report.place_path):
        return True
    event = await ctx.data.get(Event, report.event)
    meant = await ctx.platform.event_ports.recipients.resolve(ctx, read_whom(report.whom), event)
    return ctx.actor.account_id in meant
