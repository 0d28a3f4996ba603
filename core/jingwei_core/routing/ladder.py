"""The ladder (升级阶梯): what happens by itself when the limit of an event has passed.

A run looks at open events whose limit has passed, a page at a time, and takes each rung whose time
has come once for each time the event entered the state. A page is one transaction with its job: a
crash loses nothing and repeats nothing. Closed events have no limit of a state any more, so they
cost nothing; the limit of the whole loop is looked for among open events only.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from jingwei_core.events.configuration import covers_kind
from jingwei_core.events.deadlines import WHOLE_LOOP
from jingwei_core.events.stepping import take_by_platform
from jingwei_core.events.tables import Event
from jingwei_core.events.whom import read_whom
from jingwei_core.jobs.core_jobs import EVENT_LADDER
from jingwei_core.routing.reports_up import tell_of
from jingwei_core.routing.supervising import NewSupervision, supervise
from jingwei_core.routing.tables import EscalationRung, EventEscalation
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context
from jingwei_sdk.errors import JingweiError

NOTIFY, SUPERVISE = "notify", "supervise"
ESCALATED = "EVENT_ESCALATED"
REASON = "EVENT_ESCALATION_REASON"

PAGE = 100
"""So many events at most are looked at in one transaction."""

_DONE = """
SELECT x.event, array_agg(x.rung) AS rungs FROM core.event_escalation x
  JOIN unnest($1::uuid[], $2::timestamptz[]) AS w(event, entered_at)
    ON w.event = x.event AND w.entered_at = x.entered_at
 WHERE x.state = ANY($3::text[]) GROUP BY x.event
"""
_BY_STATE = """
SELECT e.id, e.kind, e.state, e.state_due_at AS due_at, e.state_since AS entered_at,
       e.state_due_at AS place_in_order
  FROM core.event e
 WHERE e.state_due_at <= $1 AND NOT e.is_final AND e.state = ANY($2::text[])
   AND (e.state_due_at, e.id) > ($3, $4)
 ORDER BY e.state_due_at, e.id LIMIT $5
"""
_BY_LOOP = """
SELECT e.id, e.kind, '*' AS state, e.due_at, e.created_at AS entered_at,
       e.created_at AS place_in_order
  FROM core.event e
 WHERE e.due_at <= $1 AND e.is_final = false AND '*' = ANY($2::text[])
   AND (e.created_at, e.id) > ($3, $4)
 ORDER BY e.created_at, e.id LIMIT $5
"""
_WALKS = {"state": _BY_STATE, "loop": _BY_LOOP}
_BEFORE_ALL = (datetime(1, 1, 2, tzinfo=UTC), uuid.UUID(int=0))


class Position(msgspec.Struct, frozen=True):
    """Where a walk goes on: behind this event."""

    walk: str
    at: datetime
    event: uuid.UUID


class Standing(msgspec.Struct, frozen=True):
    """An open event whose limit has passed; ``state`` is ``*`` for that of the whole loop."""

    event: uuid.UUID
    kind: str
    state: str
    due_at: datetime
    entered_at: datetime


async def climb(ctx: Context, payload: Mapping[str, Any]) -> None:
    """The job: one page of each walk, or of the one that the payload names; what is left of it is
    queued in the same transaction."""
    assert isinstance(ctx, CoreContext)
    rungs = await ctx.data.find(EscalationRung)
    if not rungs:
        return
    if "walk" in payload:
        position = msgspec.convert(payload, Position, strict=False)
        await _page(ctx, rungs, position)
        return
    for walk in _WALKS:
        await _page(ctx, rungs, Position(walk, *_BEFORE_ALL))


async def _page(ctx: CoreContext, rungs: Sequence[EscalationRung], start: Position) -> None:
    states = sorted(
        {rung.state for rung in rungs} - ({WHOLE_LOOP} if start.walk == "state" else set())
    )
    now = ctx.clock.now()
    rows = await ctx.data.fetch(_WALKS[start.walk], now, states, start.at, start.event, PAGE)
    configuration = await ctx.configuration.get()
    found = [
        Standing(
            row["id"],
            configuration.kind(row["kind"]).code,
            row["state"],
            row["due_at"],
            row["entered_at"],
        )
        for row in rows
    ]
    done = await _done(ctx, found)
    clock = configuration.work_clock(ctx.tenant.timezone) if found else None
    for standing in found:
        for rung in rungs_for(rungs, standing.kind, standing.state):
            amount = Decimal(str(rung.amount))
            due = standing.due_at
            if amount:
                assert clock is not None
                due = clock.add(due, amount, rung.unit)
            if due <= now and rung.rung not in done.get(standing.event, ()):
                await _take(ctx, standing, rung)
    if len(rows) == PAGE:
        last = rows[-1]
        behind = Position(start.walk, last["place_in_order"], last["id"])
        await ctx.platform.queue.enqueue(
            ctx.unit, ctx.tenant.id, EVENT_LADDER, msgspec.to_builtins(behind)
        )


async def _done(ctx: CoreContext, found: Sequence[Standing]) -> Mapping[uuid.UUID, Sequence[int]]:
    if not found:
        return {}
    rows = await ctx.data.fetch(
        _DONE,
        [one.event for one in found],
        [one.entered_at for one in found],
        sorted({one.state for one in found}),
    )
    return {row["event"]: row["rungs"] for row in rows}


def rungs_for(rungs: Sequence[EscalationRung], kind: str, state: str) -> list[EscalationRung]:
    """The rungs for events of a kind in a state, or of the whole loop with ``*``: those of the most
    specific kind that has any, from the lowest up."""
    fitting = [one for one in rungs if one.state == state and covers_kind(one.kind, kind)]
    nearest = max((len(one.kind) for one in fitting), default=0)
    return sorted((one for one in fitting if len(one.kind) == nearest), key=lambda one: one.rung)


async def _take(ctx: CoreContext, standing: Standing, rung: EscalationRung) -> None:
    """Take one rung of a locked event that still stands so; what cannot be done is kept as such,
    and not tried again."""
    event = await ctx.data.lock(Event, standing.event)
    is_loop = rung.state == WHOLE_LOOP
    entered, due = (
        (event.created_at, event.due_at) if is_loop else (event.state_since, event.state_due_at)
    )
    has_moved = not is_loop and event.state != standing.state
    if event.is_final or has_moved or entered != standing.entered_at or due != standing.due_at:
        return
    meant = await ctx.platform.event_ports.recipients.resolve(ctx, read_whom(rung.whom), event)
    row = EventEscalation(
        event=event.id,
        state=rung.state,
        entered_at=entered,
        rung=rung.rung,
        due_at=due,
        at=ctx.now(),
        whom=rung.whom,
        told=list(meant),
        does=rung.does,
    )
    try:
        async with ctx.data.savepoint():
            await ctx.data.insert(row)
            await _do(ctx, event, rung, meant)
    except JingweiError:
        row.is_done = False
        await ctx.data.insert(row)
    await tell_of(ctx, event, meant, ESCALATED)
    await ctx.signals.changed("Event", event.id, event.place_path)


async def _do(
    ctx: CoreContext, event: Event, rung: EscalationRung, meant: Sequence[uuid.UUID]
) -> None:
    if rung.does == NOTIFY:
        return
    text = ctx.platform.catalogue.message(REASON, ctx.locale, {"rung": rung.rung}).text
    if rung.does != SUPERVISE:
        await take_by_platform(ctx, event, rung.does, text)
        return
    due_at = None
    if rung.answer_amount:
        clock = (await ctx.configuration.get()).work_clock(ctx.tenant.timezone)
        due_at = clock.add(ctx.now(), Decimal(str(rung.answer_amount)), rung.answer_unit)
    await supervise(ctx, event, NewSupervision(meant[0] if meant else None, text, due_at))
