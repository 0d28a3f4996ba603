"""Leave (请销假): asked for with a substitute, approved, ended early, reported back."""

import uuid
from datetime import datetime
from typing import Annotated

import msgspec

from jingwei_core.access.guards import hold_policy
from jingwei_core.access.loading import ACTIVE
from jingwei_core.access.tables import Account, Post
from jingwei_core.events.whom import Who, read_whom
from jingwei_core.recipients.resolving import Matter, resolve_whom
from jingwei_core.workforce.cover_posts import follow_leave, own_post_at
from jingwei_core.workforce.leave_checks import Away, check_closed, check_interval, check_people
from jingwei_core.workforce.leave_telling import tell_changed, tell_decided, tell_requested
from jingwei_core.workforce.records import LEAVE
from jingwei_core.workforce.rules import Approval, LeaveKind, LeaveRules, Rules, named, rules_of
from jingwei_core.workforce.states import LeaveState
from jingwei_core.workforce.tables import Leave
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, Denied, Invalid

APPROVE = "leave.approve"
"""Held at the place of a post, it lets its holder hand that post to a substitute, as ``role.bind``
does for good; whose leave it is about is said by the tenant's rules besides."""

AccountId = Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Account"})]
Note = Annotated[str, msgspec.Meta(max_length=1000)]


class LeaveRequest(msgspec.Struct, frozen=True):
    """A leave to ask for: ``[begins_at, ends_at)``, from now on unless said otherwise. It is one's
    own unless ``account_id`` names somebody for whom one may approve leave."""

    kind: str
    ends_at: datetime
    begins_at: datetime | None = None
    substitute_id: AccountId | None = None
    account_id: AccountId | None = None
    reason: Note = ""


class LeaveDecision(msgspec.Struct, frozen=True):
    """A word with a decision."""

    note: Note = ""


class LeaveEnd(msgspec.Struct, frozen=True):
    """When the one who is away is back; now unless said otherwise."""

    at: datetime | None = None


@command("leave.request", permission="leave.request", tenant_wide=True, returns=LEAVE)
async def request_leave(ctx: Context, asked: LeaveRequest) -> Leave:
    """请假: ask for leave and name who stands in; nothing changes until it is approved."""
    account = asked.account_id or ctx.actor.account_id
    if account is None:
        raise Invalid("LEAVE_ACCOUNT_MISSING", field="accountId")
    rules = await rules_of(ctx)
    kind = _kind(rules.leave, asked.kind)
    if asked.substitute_id is None:
        raise Invalid("LEAVE_SUBSTITUTE_MISSING", field="substituteId")
    now = ctx.clock.now()
    away = Away(account, asked.substitute_id, asked.begins_at or now, asked.ends_at)
    check_interval(kind, away, now)
    # One after the other, so that two requests cannot each find the other's people free.
    await hold_policy(ctx)
    await check_closed(ctx, rules.leave, account)
    await check_people(ctx, rules.leave, away)
    post = await own_post_at(ctx, account, away.begins)
    if post is None:
        raise Conflict("LEAVE_NO_POST")
    if account != ctx.actor.account_id:
        ctx.require(APPROVE, post["place_path"])
    approval = _approval(rules, post["role"], post["level"])
    stored = await ctx.data.insert(
        Leave(
            place_id=post["place_id"],
            account=account,
            kind=kind.code,
            begins_at=away.begins,
            ends_at=away.ends,
            asked_until=away.ends,
            substitute=away.substitute,
            reason=asked.reason.strip(),
        )
    )
    await tell_requested(ctx, stored, approval)
    return await _told(ctx, stored)


@command("leave.approve", permission=APPROVE, on=LEAVE)
async def approve_leave(ctx: Context, leave: Leave, given: LeaveDecision) -> Leave:
    """批准请假: the substitute holds the posts of the one who is away for exactly the leave."""
    approval = await _may_decide(ctx, leave)
    await hold_policy(ctx)
    if leave.ends_at <= ctx.clock.now():
        raise Conflict("LEAVE_OVER")
    rules = await rules_of(ctx)
    away = Away(leave.account, leave.substitute, leave.begins_at, leave.ends_at, leave.id)
    await check_people(ctx, rules.leave, away)
    await _check_may_hand_over(ctx, leave)
    stored = await _decided(ctx, leave, LeaveState.APPROVED, given.note)
    await follow_leave(ctx, stored)
    await tell_decided(ctx, stored, approval)
    return await _told(ctx, stored)


@command("leave.refuse", permission=APPROVE, on=LEAVE)
async def refuse_leave(ctx: Context, leave: Leave, given: LeaveDecision) -> Leave:
    """不予批准: the leave is not granted; why is said."""
    approval = await _may_decide(ctx, leave)
    if not given.note.strip():
        raise Invalid("LEAVE_REASON_REQUIRED", field="note")
    stored = await _decided(ctx, leave, LeaveState.REFUSED, given.note)
    await tell_decided(ctx, stored, approval)
    return await _told(ctx, stored)


@command("leave.cancel", permission="leave.read", on=LEAVE)
async def cancel_leave(ctx: Context, leave: Leave) -> Leave:
    """撤销请假: take back a leave that has not begun; nobody covers then."""
    _check_ones_own(ctx, leave)
    _check_state(leave, LeaveState.REQUESTED, LeaveState.APPROVED)
    if leave.state == LeaveState.APPROVED and leave.begins_at <= ctx.clock.now():
        raise Conflict("LEAVE_BEGUN")
    await hold_policy(ctx)
    was_approved = leave.state == LeaveState.APPROVED
    stored = await ctx.data.update(leave, state=LeaveState.CANCELLED)
    await follow_leave(ctx, stored)
    if was_approved:
        await tell_changed(ctx, stored)
    return await _told(ctx, stored)


@command("leave.end", permission="leave.read", on=LEAVE)
async def end_leave(ctx: Context, leave: Leave, end: LeaveEnd) -> Leave:
    """提前返岗: a leave that runs ends earlier, and with it the cover."""
    _check_ones_own(ctx, leave)
    _check_state(leave, LeaveState.APPROVED)
    now = ctx.clock.now()
    if not leave.begins_at <= now < leave.ends_at:
        raise Conflict("LEAVE_NOT_RUNNING")
    at = end.at or now
    if at.tzinfo is None:
        raise Invalid("INSTANT_NAIVE", field="at")
    if not now <= at < leave.ends_at:
        raise Invalid("LEAVE_END", field="at")
    await hold_policy(ctx)
    stored = await ctx.data.update(leave, ends_at=at)
    await follow_leave(ctx, stored)
    await tell_changed(ctx, stored)
    return await _told(ctx, stored)


@command("leave.close", permission="leave.read", on=LEAVE)
async def close_leave(ctx: Context, leave: Leave) -> Leave:
    """销假: report back after the leave."""
    _check_ones_own(ctx, leave)
    _check_state(leave, LeaveState.APPROVED)
    now = ctx.clock.now()
    if now < leave.ends_at:
        raise Conflict("LEAVE_STILL_RUNNING")
    return await _told(ctx, await ctx.data.update(leave, state=LeaveState.CLOSED, closed_at=now))


async def _may_decide(ctx: Context, leave: Leave) -> Approval:
    """The rule by which the leave waits for the actor's decision; raises where it does not.

    ``Conflict``: ``LEAVE_STATE``; ``Denied``: ``LEAVE_APPROVER_AWAY`` (nobody decides on their own
    leave, nor does who stands in for them), ``LEAVE_APPROVER_SUBSTITUTE`` (nobody gives themselves
    posts), ``LEAVE_NOT_APPROVER`` (the tenant's rules name another).
    """
    _check_state(leave, LeaveState.REQUESTED)
    if leave.account in ctx.actor.desks:
        raise Denied("LEAVE_APPROVER_AWAY")
    if leave.substitute == ctx.actor.account_id:
        raise Denied("LEAVE_APPROVER_SUBSTITUTE")
    post = await own_post_at(ctx, leave.account, leave.begins_at)
    if post is None:
        raise Conflict("LEAVE_NO_POST")
    rules = await rules_of(ctx)
    approval = _approval(rules, post["role"], post["level"])
    meant = await resolve_whom(ctx, read_whom(approval.approver), Matter(leave.place_path))
    if ctx.actor.account_id not in meant:
        raise Denied("LEAVE_NOT_APPROVER", approver=approval.approver)
    return approval


async def _check_may_hand_over(ctx: Context, leave: Leave) -> None:
    """Raise ``Denied`` (``LEAVE_ABOVE_APPROVER``) if the one who is away holds a post at a place
    where the actor approves no leave."""
    for post in await ctx.data.find(Post, account=leave.account, covers=None):
        ends: datetime | None = post.valid_to
        is_held = post.valid_from < leave.ends_at and (ends is None or ends > leave.begins_at)
        if is_held and not ctx.permissions.allows(APPROVE, post.place_path):
            raise Denied("LEAVE_ABOVE_APPROVER")
    account = await ctx.data.get(Account, leave.account)
    if account.status != ACTIVE:
        raise Conflict("LEAVE_ACCOUNT_SUSPENDED")


async def _decided(ctx: Context, leave: Leave, state: LeaveState, note: str) -> Leave:
    return await ctx.data.update(
        leave,
        state=state,
        approver=ctx.actor.account_id,
        decided_at=ctx.clock.now(),
        decision_note=note.strip(),
    )


async def _told(ctx: Context, leave: Leave) -> Leave:
    await ctx.signals.changed("Leave", leave.id, leave.place_path)
    return leave


def _kind(rules: LeaveRules, code: str) -> LeaveKind:
    found = named(rules.kinds, code)
    if not isinstance(found, LeaveKind):
        raise Invalid("LEAVE_KIND_UNKNOWN", field="kind", kind=code)
    return found


def _approval(rules: Rules, role: str, level: str) -> Approval:
    """The first rule that concerns the person; raises ``Conflict`` (``LEAVE_NO_RULE``)."""
    for approval in rules.leave.approvals:
        is_role = read_whom(approval.approver).who is Who.ROLE
        if is_role and approval.concerns(role, level):
            return approval
    raise Conflict("LEAVE_NO_RULE", role=role)


def _check_ones_own(ctx: Context, leave: Leave) -> None:
    """Raise ``Denied`` (``LEAVE_NOT_ONES_OWN``) unless it is the actor's leave, or the actor
    approves leave where the one who is away is on duty."""
    is_own = leave.account == ctx.actor.account_id
    if not is_own and not ctx.permissions.allows(APPROVE, leave.place_path):
        raise Denied("LEAVE_NOT_ONES_OWN")


def _check_state(leave: Leave, *wanted: LeaveState) -> None:
    if str(leave.state) not in wanted:
        raise Conflict("LEAVE_STATE", state=str(leave.state))


COMMANDS = (request_leave, approve_leave, refuse_leave, cancel_leave, end_leave, close_leave)
