"""Planning meetings (安排例会): the next of each series at each of its places, once."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from jingwei_core.events.work_clock import WorkClock
from jingwei_core.meetings.expecting import expect
from jingwei_core.meetings.rules import Series, rules_of
from jingwei_core.meetings.tables import Meeting
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context

ONE_DAY = timedelta(days=1)
LOOKED_BACK = timedelta(days=21)
"""A meeting may be moved by as many days: no run of holidays is longer."""

_WITHOUT = """
SELECT p.id FROM core.place p
 WHERE p.level = $1 AND p.valid_from <= $4 AND (p.valid_to IS NULL OR p.valid_to > $4)
   AND NOT EXISTS (SELECT 1 FROM core.meeting m
        WHERE m.place_id = p.id AND m.series = $2 AND m.occasion = $3)
 ORDER BY p.path
"""


def planned_at(series: Series, occasion: date, clock: WorkClock) -> datetime:
    """When the meeting of an occasion takes place: on the next working day if that is none."""
    day = occasion
    while not clock.is_working_day(day):
        day += ONE_DAY
    return datetime.combine(day, series.time, tzinfo=clock.timezone)


def next_occasion(series: Series, now: datetime, clock: WorkClock) -> date:
    """The first day of the series whose meeting still lies ahead."""
    today = now.astimezone(clock.timezone).date()
    day = today - LOOKED_BACK
    day += ONE_DAY * ((series.weekday - day.isoweekday()) % 7)
    while planned_at(series, day, clock).astimezone(UTC) <= now.astimezone(UTC):
        day += 7 * ONE_DAY
    return day


async def plan_next(ctx: Context, payload: Mapping[str, Any]) -> None:
    """Plan the next meeting of each series at each place of its level that has none yet."""
    assert isinstance(ctx, CoreContext)
    rules = await rules_of(ctx)
    if not rules.series:
        return
    clock = (await ctx.configuration.get()).work_clock(ctx.tenant.timezone)
    for series in rules.series:
        occasion = next_occasion(series, ctx.clock.now(), clock)
        args = (series.level, series.code, occasion, ctx.today())
        for row in await ctx.data.fetch(_WITHOUT, *args):
            at = planned_at(series, occasion, clock)
            await plan_one(ctx, series, (row["id"], occasion, at))


async def plan_one(ctx: Context, series: Series, where: Sequence[Any]) -> Meeting:
    """A planned meeting with those who are expected; ``where`` is its place, occasion and time.

    Raises ``Conflict`` (``ROW_EXISTS``) when the series meets there on that occasion already.
    """
    place_id, occasion, at = where
    meeting = await ctx.data.insert(
        Meeting(place_id=place_id, series=series.code, occasion=occasion, planned_at=at)
    )
    meeting = await expect(ctx, meeting, series)
    await ctx.signals.changed("Meeting", meeting.id, meeting.place_path)
    return meeting
