"""What staff do with public reports (答复、回访): answer, and see whom to call back."""

from typing import Annotated

import msgspec

from jingwei_core.presence.visitors import plain
from jingwei_core.public_reports.records import ANSWER, CONTACT, PUBLIC_REPORT
from jingwei_core.public_reports.tables import PublicReport
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Invalid
from jingwei_sdk.personal import Revealed, RevealPurpose, revealed


class PublicAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the resident reads by the tracking code; write no names into it."""

    text: Annotated[str, msgspec.Meta(max_length=1000)]


@command("public-report.answer", permission=ANSWER, on=PUBLIC_REPORT, returns=PUBLIC_REPORT)
async def answer(ctx: Context, target: PublicReport, given: PublicAnswer) -> PublicReport:
    """答复: tell the resident how the matter stands; a later answer takes the place of this one."""
    text = plain(given.text)
    if not text:
        raise Invalid("EVENT_TEXT_REQUIRED", field="text")
    stored = await ctx.data.update(
        target, answer=text, answered_at=ctx.now(), answered_by=ctx.actor.account_id
    )
    await ctx.signals.changed("PublicReport", stored.id, stored.place_path)
    return stored


@command("public-report.reveal-phone", permission=CONTACT, on=PUBLIC_REPORT, reveals="phone")
async def reveal_phone(ctx: Context, target: PublicReport, why: RevealPurpose) -> Revealed:
    """查看上报人电话: the phone in clear, for a purpose that goes into the audit log."""
    return revealed(target.phone, ctx.clock.now())


@command("public-report.reveal-name", permission=CONTACT, on=PUBLIC_REPORT, reveals="name")
async def reveal_name(ctx: Context, target: PublicReport, why: RevealPurpose) -> Revealed:
    """查看上报人姓名: the name in clear, for a purpose that goes into the audit log."""
    return revealed(target.name, ctx.clock.now())


COMMANDS = (answer, reveal_phone, reveal_name)
