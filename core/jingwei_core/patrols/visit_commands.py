"""Visits (走访) with their log (民情日志), and who is to be visited how often."""

import uuid
from datetime import date, timedelta
from typing import Annotated, Any

import msgspec

from jingwei_core.patrols.cadence import months_after, next_due
from jingwei_core.patrols.finding import Finding, Note, PlaceId, day_of, register_finding
from jingwei_core.patrols.records import LOG_VISITS, PLAN_VISITS, VISIT, VISIT_NEED
from jingwei_core.patrols.rules import NeedLevel, VisitRules, rules_of
from jingwei_core.patrols.states import VisitOutcome
from jingwei_core.patrols.tables import Visit, VisitNeed
from jingwei_core.places.tables import Place
from jingwei_core.workforce.rules import named
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, Denied, Invalid

MOST_TOPICS = 20


class LogVisit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A visit to a place. What was found becomes an event in the same transaction.

    ``refused`` is a result: no topic and no note of the household is kept with it.
    """

    place_id: PlaceId
    outcome: VisitOutcome = VisitOutcome.HELD
    topics: Annotated[tuple[str, ...], msgspec.Meta(max_length=MOST_TOPICS)] = ()
    note: Note = ""
    found: Finding | None = None


class SaveNeed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """That somebody at a place is to be visited, by a level of the tenant's rules."""

    place_id: PlaceId
    level: Annotated[str, msgspec.Meta(max_length=60)]


class EndNeed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why nobody needs a visit any more, or that they do not wish one."""

    reason: Annotated[str, msgspec.Meta(pattern=r"\S", max_length=500)]


@command("visit.log", permission=LOG_VISITS, at="place_id", returns=VISIT)
async def log_visit(ctx: Context, given: LogVisit) -> Visit:
    """记录走访: keep what people at a place said; the next visit falls due by its cadence."""
    if ctx.actor.account_id is None:
        raise Denied("VISIT_NOBODY")
    day, note = day_of(ctx), given.note.strip()
    rules = await rules_of(ctx)
    for at, topic in enumerate(given.topics):
        if named(rules.topics, topic) is None:
            raise Invalid("VISIT_TOPIC_UNKNOWN", field=f"topics.{at}", topic=topic)
    if given.outcome is VisitOutcome.REFUSED and (note or given.topics):
        raise Invalid("VISIT_REFUSED_NOTED", field="note" if note else "topics")
    need = await _open_need(ctx, given.place_id)
    event = await register_finding(ctx, given.place_id, given.found)
    stored = await ctx.data.insert(
        Visit(
            need=need.id if need else None,
            account=ctx.actor.account_id,
            place_id=given.place_id,
            day=day,
            outcome=given.outcome.value,
            topics=sorted({*given.topics}),
            note=note,
            event=event,
        )
    )
    if need is not None and given.outcome is not VisitOutcome.ABSENT:
        await _advance(ctx, need, rules, day)
    await ctx.signals.changed("Visit", stored.id, stored.place_path)
    return stored


@command("visit.need.save", permission=PLAN_VISITS, at="place_id", returns=VISIT_NEED)
async def save_need(ctx: Context, given: SaveNeed) -> VisitNeed:
    """登记走访需求: a place is visited as its level of need says; a change begins anew."""
    level = _level(await rules_of(ctx), given.level)
    if level is None:
        raise Invalid("VISIT_LEVEL_UNKNOWN", field="level", level=given.level)
    today = ctx.today()
    values: dict[str, Any] = {
        "level": level.code,
        "rule": level.rule,
        "next_due_on": _first_due(level, today),
        "review_on": months_after(today, level.review_months),
    }
    # One after the other, so that a place has one open need.
    await ctx.data.lock(Place, given.place_id)
    need = await _open_need(ctx, given.place_id)
    if need is None:
        stored = await ctx.data.insert(
            VisitNeed(place_id=given.place_id, begins_on=today, **values)
        )
    elif need.level == level.code:
        raise Conflict("VISIT_NEED_THERE", field="level")
    else:
        stored = await ctx.data.update(need, **values)
    await ctx.signals.changed("VisitNeed", stored.id, stored.place_path)
    return stored


@command("visit.need.end", permission=PLAN_VISITS, on=VISIT_NEED)
async def end_need(ctx: Context, need: VisitNeed, given: EndNeed) -> VisitNeed:
    """结束走访需求: no visit falls due any more; the log stays for as long as it is kept."""
    ended: date | None = need.ended_on
    if ended is not None:
        raise Conflict("VISIT_NEED_ENDED")
    stored = await ctx.data.update(need, ended_on=ctx.today(), ended_because=given.reason.strip())
    await ctx.signals.changed("VisitNeed", stored.id, stored.place_path)
    return stored


async def _open_need(ctx: Context, place_id: uuid.UUID) -> VisitNeed | None:
    """The need of a place, locked."""
    found = await ctx.data.find(VisitNeed, place_id=place_id, ended_on=None)
    if not found:
        return None
    need = await ctx.data.lock(VisitNeed, found[0].id)
    # Whoever held the lock may have ended it.
    ended: date | None = need.ended_on
    return need if ended is None else None


async def _advance(ctx: Context, need: VisitNeed, rules: VisitRules, day: date) -> None:
    """Move the next visit on, unless a later one is known: a device may tell late."""
    level = _level(rules, need.level)
    last: date | None = need.last_visit_on
    if last is not None and day < last:
        return
    due = need.next_due_on if level is None else next_due(day, level.times, level.per)
    await ctx.data.update(need, last_visit_on=day, next_due_on=due)


def _first_due(level: NeedLevel, today: date) -> date:
    if level.first_days is not None:
        return today + timedelta(days=level.first_days)
    return next_due(today, level.times, level.per)


def _level(rules: VisitRules, code: str) -> NeedLevel | None:
    return next((each for each in rules.levels if each.code == code), None)


COMMANDS = (log_visit, save_need, end_need)
