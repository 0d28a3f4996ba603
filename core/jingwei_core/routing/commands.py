"""The commands of routing: acknowledge, supervise and answer, extend and decide, merge."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec

from jingwei_core.events.duplicates import EventId
from jingwei_core.events.records import EVENT
from jingwei_core.events.reporting import TEXT_LENGTH, clean_text
from jingwei_core.events.tables import Event
from jingwei_core.events.work_clock import TimeUnit
from jingwei_core.routing import extending, merging, supervising
from jingwei_core.routing.records import EXTENSION, REPORT_UP, SUPERVISION
from jingwei_core.routing.reports_up import SUPERVISE, acknowledge
from jingwei_core.routing.tables import DeadlineExtension, EventReportUp, Supervision
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context

Words = Annotated[str, msgspec.Meta(max_length=TEXT_LENGTH)]


class AcknowledgeReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """That a report upward was heard, with a word to those who reported."""

    note: Words = ""


class SuperviseEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why somebody above asks about an event, and when the answer is due."""

    reason: Words
    due_at: datetime | None = None


class AnswerSupervision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of the event."""

    answer: Words


class AskForTime(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much more time than the limit gives, by the work clock, and why."""

    amount: float
    unit: TimeUnit
    reason: Words


class DecideExtension(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether more time is given."""

    is_granted: bool
    note: Words = ""


class MergeEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The open event that says the same."""

    into: EventId
    reason: Words = ""


@command("event.acknowledge", permission="event.read", on=REPORT_UP)
async def acknowledge_report(
    ctx: Context, report: EventReportUp, given: AcknowledgeReport
) -> EventReportUp:
    """确认收到: acknowledge a report that was made to me, or to whom I cover."""
    return await acknowledge(ctx, report, given.note.strip())


@command("event.supervise", permission=SUPERVISE, on=EVENT, returns=SUPERVISION)
async def supervise(ctx: Context, event: Event, given: SuperviseEvent) -> Supervision:
    """督办: ask what becomes of an open event; who works on it is told and has to answer."""
    new = supervising.NewSupervision(ctx.actor.account_id, given.reason.strip(), given.due_at)
    return await supervising.supervise(ctx, event, new)


@command("event.answer", permission="event.read", on=SUPERVISION)
async def answer(ctx: Context, supervision: Supervision, given: AnswerSupervision) -> Supervision:
    """答复督办: say what becomes of an event that I work on."""
    return await supervising.answer(ctx, supervision, clean_text("answer", given.answer))


@command("event.ask-extension", permission="event.read", on=EVENT, returns=EXTENSION)
async def ask_extension(ctx: Context, event: Event, given: AskForTime) -> DeadlineExtension:
    """申请延期: ask for more time for an event that is assigned to me."""
    asked = extending.Asked(Decimal(str(given.amount)), given.unit, given.reason.strip())
    return await extending.ask(ctx, event, asked)


@command("event.decide-extension", permission="event.extend", on=EXTENSION)
async def decide_extension(
    ctx: Context, extension: DeadlineExtension, given: DecideExtension
) -> DeadlineExtension:
    """批准延期: grant or refuse more time that somebody else asked for."""
    return await extending.decide(ctx, extension, granted=given.is_granted, note=given.note.strip())


@command("event.merge", permission=merging.PERMISSION, on=EVENT)
async def merge(ctx: Context, event: Event, given: MergeEvent) -> Event:
    """合并: end an event in another open one of the same subtree that says the same."""
    return await merging.merge(ctx, event, given.into, given.reason.strip())


COMMANDS = (
    acknowledge_report,
    supervise,
    answer,
    ask_extension,
    decide_extension,
    merge,
)
