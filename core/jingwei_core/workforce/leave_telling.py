"""Telling of leave (请假通知): who has to decide, who stands in, who asked, and whom the rules of
the city name besides (告知)."""

import uuid
from collections.abc import Iterable

from jingwei_core.events.ports import Message
from jingwei_core.events.whom import read_whom
from jingwei_core.recipients.resolving import Matter, resolve_whom
from jingwei_core.recipients.telling import tell_others
from jingwei_core.workforce.rules import Approval
from jingwei_core.workforce.states import LeaveState
from jingwei_core.workforce.tables import Leave
from jingwei_sdk.context import Context

REQUESTED, APPROVED, REFUSED = "LEAVE_REQUESTED", "LEAVE_APPROVED", "LEAVE_REFUSED"
COVERING, CHANGED, ANNOUNCED = "LEAVE_COVERING", "LEAVE_CHANGED", "LEAVE_ANNOUNCED"


async def tell_requested(ctx: Context, leave: Leave, approval: Approval) -> None:
    """Tell whoever is to approve it."""
    matter = Matter(leave.place_path)
    await _tell(
        ctx, leave, REQUESTED, await resolve_whom(ctx, read_whom(approval.approver), matter)
    )


async def tell_decided(ctx: Context, leave: Leave, approval: Approval) -> None:
    """Tell who asked; of an approved leave the substitute too, and whom the rule names."""
    if leave.state != LeaveState.APPROVED:
        await _tell(ctx, leave, REFUSED, (leave.account,))
        return
    await _tell(ctx, leave, APPROVED, (leave.account,))
    await _tell(ctx, leave, COVERING, (leave.substitute,))
    named: set[uuid.UUID] = set()
    for text in approval.told:
        named |= {*await resolve_whom(ctx, read_whom(text), Matter(leave.place_path))}
    await _tell(ctx, leave, ANNOUNCED, named - {leave.account, leave.substitute})


async def tell_changed(ctx: Context, leave: Leave) -> None:
    """Tell both that an approved leave was taken back or ends earlier."""
    await _tell(ctx, leave, CHANGED, (leave.account, leave.substitute))


async def _tell(ctx: Context, leave: Leave, code: str, accounts: Iterable[uuid.UUID]) -> None:
    await tell_others(ctx, accounts, Message(code, {}, ("Leave", leave.id), leave.place_path))
