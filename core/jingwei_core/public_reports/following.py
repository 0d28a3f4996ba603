"""Following a report (查询进度): what its tracking code opens, in words for the public.

Nothing of those who handle it is told: no name, no note, no department, no deadline. An unknown
code goes the same way as a known one, to the same statements, and is refused at their end.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from jingwei_core.events.guarding import GuardBook
from jingwei_core.events.stepping import case_of
from jingwei_core.events.tables import Event
from jingwei_core.events.workflow import StateKind, WorkflowDefinition
from jingwei_core.evidence.links import THUMBNAIL, VIEW, signed_link
from jingwei_core.presence.visitors import HOUR_S, MINUTE_S, Count
from jingwei_core.public_reports.tables import PublicReport
from jingwei_core.public_reports.tokens import LENGTH
from jingwei_core.public_reports.visitors import Counter
from jingwei_core.session import CoreContext
from jingwei_sdk.errors import JingweiError, NotFound

NOBODY = uuid.UUID(int=0)
"""Stands for the report of an unknown code, so that it takes the same statements."""

_WORDS = {
    StateKind.START: ("已收到", "Received"),
    StateKind.WORKING: ("办理中", "In hand"),
    StateKind.FINAL: ("已办结", "Finished"),
}
_FIND = """
WITH RECURSIVE found AS (SELECT r.id, r.event FROM core.public_report r WHERE r.code_digest = $1),
merged AS (
    SELECT e.id, e.merged_into, 1 AS depth FROM core.event e JOIN found f ON f.event = e.id
    UNION ALL
    SELECT e.id, e.merged_into, m.depth + 1 FROM core.event e JOIN merged m ON e.id = m.merged_into
     WHERE m.depth < 20)
SELECT f.id, f.event, (SELECT m.id FROM merged m ORDER BY m.depth DESC LIMIT 1) AS shown
  FROM (VALUES (1)) AS one LEFT JOIN found f ON true
"""
_EVENT = """
SELECT e.state, e.workflow, e.is_final, e.closed_at
  FROM core.event e WHERE e.id = $1
"""
_PLACE = "SELECT p.name FROM core.event e JOIN core.place p ON p.id = e.place_id WHERE e.id = $1"
_STEPS = "SELECT to_state, at FROM core.event_step WHERE event = $1 ORDER BY sequence"
_PHOTOS = """
SELECT s.phase, v.id, v.status, v.store_key, v.content_type, v.derivative_key, v.thumbnail_key
  FROM core.step_evidence s JOIN core.evidence v ON v.id = s.evidence
 WHERE s.phase = ANY($3::text[]) AND (s.event = $1 OR s.event = $2 AND s.phase = 'after')
 ORDER BY s.created_at, s.id LIMIT 40
"""


class PublicStep(msgspec.Struct, frozen=True):
    """A step by the public name of the state that it led into."""

    name: str
    at: datetime


class PublicPhoto(msgspec.Struct, frozen=True):
    """A photo for the public, without metadata; its links end after some minutes."""

    phase: str
    url: str
    thumbnail_url: str


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
    await counter.count(
        counter.by_prefix("look", limits.looks_per_minute, MINUTE_S),
        Count("code", counter.desk.digest(code), limits.uses_per_hour, HOUR_S),
    )


async def find_report(ctx: CoreContext, counter: Counter, code: str) -> Found:
    """What the code stands for."""
    row = (await ctx.data.fetch(_FIND, counter.desk.digest(code)))[0]
    return Found(row["id"], row["event"] or NOBODY, row["shown"] or NOBODY)


async def follow(counter: Counter, code: str) -> Progress:
    """How the report of a tracking code stands.

    Raises ``NotFound`` (``PUBLIC_CODE_UNKNOWN``), ``RateLimited`` (``PUBLIC_TOO_OFTEN``).
    """
    await count_use(counter, code)
    async with counter.acting() as ctx:
        found = await find_report(ctx, counter, code)
        events = await ctx.data.fetch(_EVENT, found.shown)
        place = await ctx.data.fetchval(_PLACE, found.event)
        steps = await ctx.data.fetch(_STEPS, found.shown)
        definition = await _definition(ctx, events)
        phases = _phases(definition, events)
        # Of an event that it was merged into, what it looked like before is somebody else's photo.
        pictures = await ctx.data.fetch(_PHOTOS, found.event, found.shown, phases)
        reports = await ctx.data.find(PublicReport, id=found.report or NOBODY)
        until = await reopen_until(ctx, counter, found)
        photos = await _photos(ctx, pictures)
    found.known()
    (event,), (report,) = events, reports
    assert definition is not None
    closed_at = event["closed_at"] if event["is_final"] else None
    is_english = counter.visitor.request.locale == "en"
    return Progress(
        state=public_name(definition, event["state"], is_english=is_english),
        is_finished=event["is_final"],
        is_merged=found.event != found.shown,
        place=place,
        reported_at=report.created_at,
        steps=_steps(definition, steps, is_english=is_english),
        photos=photos,
        answer=report.answer,
        answered_at=report.answered_at,
        rating=report.rating,
        reopened=report.reopened,
        has_contact=has_contact(report),
        may_rate=may_rate(report, closed_at),
        may_reopen=until is not None,
        reopen_until=until,
    )


def public_name(definition: WorkflowDefinition, code: str, *, is_english: bool) -> str:
    """What the public is told of a state."""
    state = definition.state(code)
    if state.public is not None:
        return state.public.name_en if is_english else state.public.name_zh
    return _WORDS[state.kind][is_english]


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


async def _definition(
    ctx: CoreContext, events: Sequence[Mapping[str, Any]]
) -> WorkflowDefinition | None:
    configuration = await ctx.configuration.get()
    return configuration.workflow(events[0]["workflow"]).read if events else None


def _phases(
    definition: WorkflowDefinition | None, events: Sequence[Mapping[str, Any]]
) -> list[str]:
    """The phases of the photos that the state lets the public see; none unless it says so."""
    if definition is None:
        return []
    face = definition.state(events[0]["state"]).public
    return [] if face is None else [phase.value for phase in face.photos]


def _steps(
    definition: WorkflowDefinition, rows: Sequence[Mapping[str, Any]], *, is_english: bool
) -> list[PublicStep]:
    """The way so far; steps that read the same for the public are one."""
    steps: list[PublicStep] = []
    known = {state.code for state in definition.states}
    for row in rows:
        # States of an earlier version of the workflow may be gone from this one.
        if row["to_state"] not in known:
            continue
        name = public_name(definition, row["to_state"], is_english=is_english)
        if not steps or steps[-1].name != name:
            steps.append(PublicStep(name, row["at"]))
    return steps


async def _photos(ctx: CoreContext, rows: Sequence[Mapping[str, Any]]) -> list[PublicPhoto]:
    store, expires_s = ctx.platform.store, ctx.platform.evidence_settings.link_s
    found = []
    for row in rows:
        view = await signed_link(store, row, VIEW, expires_s)
        small = await signed_link(store, row, THUMBNAIL, expires_s)
        if view and small:
            found.append(PublicPhoto(row["phase"], view, small))
    return found
