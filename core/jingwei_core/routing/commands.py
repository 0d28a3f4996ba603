"""The commands of routing: acknowledge."""

from typing import Annotated

import msgspec

from jingwei_core.events.reporting import TEXT_LENGTH
from jingwei_core.routing.records import REPORT_UP
from jingwei_core.routing.reports_up import acknowledge
from jingwei_core.routing.tables import EventReportUp
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context

Words = Annotated[str, msgspec.Meta(max_length=TEXT_LENGTH)]


class AcknowledgeReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """That a report upward was heard, with a word to those who reported."""

    note: Words = ""


@command("event.acknowledge", permission="event.read", on=REPORT_UP)
async def acknowledge_report(
    ctx: Context, report: EventReportUp, given: AcknowledgeReport
) -> EventReportUp:
    """确认收到: acknowledge a report that was made to me, or to whom I cover."""
    return await acknowledge(ctx, report, given.note.strip())


COMMANDS = (acknowledge_report,)
