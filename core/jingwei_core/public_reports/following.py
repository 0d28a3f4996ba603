"""Following a report (查询进度): what its tracking code opens, in words for the public.

Nothing of those who handle it is told: no name, no note, no department, no deadline. An unknown
code goes the same way as a known one, to the same statements, and is refused at their end.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime

import msgspec

from jingwei_core.events.guarding import GuardBook
from jingwei_core.events.public_face import progress_of, shown_of
from jingwei_core.events.stepping import case_of
from jingwei_core.events.tables import Event
from jingwei_core.presence.desk import LENGTH
from jingwei_core.public_reports.tables import PublicReport
from jingwei_core.public_reports.visitors import Counter
from jingwei_core.session import CoreContext
from jingwei_sdk.errors import JingweiError, NotFound
from jingwei_sdk.progress import PublicPhoto, PublicStep

NOBODY = uuid.UUID(int=0)
"""Stands for the report of an unknown code, so that it takes the same statements."""

_FIND = """
SELECT r.id, r.event FROM (VALUES (1)) AS one LEFT JOIN core.public_report r ON r.code_digest = $1
"""


class Progress(msgspec.Struct, frozen=True):
    """How a report stands. ``rating`` is that of the last closing; ``may_…`` say what the resident
    may do now."""

    state: str
    is_finished: bool
    is_merged: bool
    place: str
    reported_at: datetime
    steps: list[PublicStep]
    photos: list[PublicPhoto]
    answer: str
    answered_at: datetime | None
    rating: int | None
    reopened: int
    has_contact: bool
    may_rate: bool
    may_reopen: bool
    reopen_until: datetime | None


@dataclass(frozen=True, slots=True)
class Found:
    """What a tracking code stands for: the report, its event, and the event whose progress is
    shown, another one where the report was merged into that. ``None`` for an unknown code."""

    report: uuid.UUID | None
    event: uuid.UUID
    shown: uuid.UUID

    def known(self) -> uuid.UUID:
        """The report; raises ``NotFound`` (``PUBLIC_CODE_UNKNOWN``)."""
        if self.report is None:
            raise NotFound("PUBLIC_CODE_UNKNOWN", field="code", length=LENGTH)
        return self.report


async def count_use(counter: Counter, code: str) -> None:
    """Count a use of a tracking code, known or not; raises ``RateLimited``."""
    limits = counter.rules.limits
    digest = counter.desk.digest(code)
    await counter.count_use(digest, limits.looks_per_minute, limits.uses_per_hour)


async def find_report(ctx: CoreContext, counter: Counter, code: str) -> Found:
    """What the code stands for."""
    row = (await ctx.data.fetch(_FIND, counter.desk.digest(code)))[0]
    event = row["event"] or NOBODY
    return Found(row["id"], event, await shown_of(ctx, event) or NOBODY)


async def follow(counter: Counter, code: str) -> Progress:
    """How the report of a tracking code stands.

    Raises ``NotFound`` (``PUBLIC_CODE_UNKNOWN``), ``RateLimited`` (``PUBLIC_TOO_OFTEN``).
    """
    await count_use(counter, code)
    async with counter.acting() as ctx:
        found = await find_report(ctx, counter, code)
        told = await progress_of(ctx, found.event, found.shown)
        reports = await ctx.data.find(PublicReport, id=found.report or NOBODY)
        until = await reopen_until(ctx, counter, found)
    found.known()
    (report,) = reports
    assert told is not None
    return Progress(
        state=told.state,
        is_finished=told.is_finished,
        is_merged=told.is_merged,
        place=told.place,
        reported_at=report.created_at,
        steps=told.steps,
        photos=told.photos,
        answer=report.answer,
        answered_at=report.answered_at,
        rating=report.rating,
        reopened=report.reopened,
        has_contact=has_contact(report),
        may_rate=may_rate(report, told.closed_at),
        may_reopen=until is not None,
        reopen_until=until,
    )


def may_rate(report: PublicReport, closed_at: datetime | None) -> bool:
    """Whether the outcome may be rated: once after each closing."""
    rated_at: datetime | None = report.rated_at
    return closed_at is not None and (rated_at is None or rated_at < closed_at)


def has_contact(report: PublicReport) -> bool:
    """Whether the resident can still be reached."""
    name: str | None = report.name
    phone: str | None = report.phone
    return name is not None or phone is not None


async def reopen_until(ctx: CoreContext, counter: Counter, found: Found) -> datetime | None:
    """Until when the resident may have the event reopened; ``None`` when they may not."""
    code = counter.rules.reopen
    events = await ctx.data.find(Event, id=found.event)
    reports = await ctx.data.find(PublicReport, id=found.report or NOBODY)
    configuration = await ctx.configuration.get()
    if not (code and events and reports) or reports[0].reopened >= counter.rules.reopen_most:
        return None
    event = events[0]
    definition = configuration.workflow(event.workflow).read
    try:
        action = definition.allowed(event.state, code)
    except JingweiError:
        return None
    book = GuardBook(ctx, (event.id,))
    if await book.unmet(action, case_of(event)) is not None:
        return None
    return await book.until(action, case_of(event))
