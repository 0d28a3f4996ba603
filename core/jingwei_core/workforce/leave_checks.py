"""What may be asked for (请假校验): the interval, the substitute, whom either would leave alone.

Cover is one deep. A substitute is here for the whole interval and nobody's burden grows beyond what
the tenant allows; who covers somebody does not go away in that time.
"""

import uuid
from datetime import datetime, timedelta
from typing import Any

import msgspec

from jingwei_core.access.loading import ACTIVE
from jingwei_core.access.tables import Account
from jingwei_core.workforce.rules import LeaveKind, LeaveRules
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, Invalid, NotFound

_DAY = timedelta(days=1)
_MEETING = """
SELECT id, account, substitute FROM core.leave
 WHERE state IN ('requested', 'approved') AND begins_at < $2 AND ends_at > $1
   AND (account = ANY($3::uuid[]) OR substitute = ANY($3::uuid[])) AND id <> $4
"""
_UNCLOSED = """
SELECT EXISTS (SELECT 1 FROM core.leave
 WHERE account = $1 AND state = 'approved' AND ends_at <= $2)
"""
_COVERED_THEN = """
SELECT begins_at, ends_at FROM core.leave
 WHERE substitute = $1 AND state IN ('requested', 'approved')
   AND begins_at < $3 AND ends_at > $2 AND id <> $4
"""
NO_LEAVE = uuid.UUID(int=0)


class Away(msgspec.Struct, frozen=True):
    """Who would be away, for ``[begins, ends)``, and who would stand in; ``leave`` is the request
    itself, once it is stored."""

    account: uuid.UUID
    substitute: uuid.UUID
    begins: datetime
    ends: datetime
    leave: uuid.UUID = NO_LEAVE


def check_interval(kind: LeaveKind, away: Away, now: datetime) -> None:
    """Raise ``Invalid``: ``INSTANT_NAIVE``, ``LEAVE_INTERVAL``, ``LEAVE_PAST``, ``LEAVE_TOO_LATE``
    (asked for later than the kind allows), ``LEAVE_TOO_LONG``."""
    for field, instant in (("beginsAt", away.begins), ("endsAt", away.ends)):
        if instant.tzinfo is None:
            raise Invalid("INSTANT_NAIVE", field=field)
    if away.begins >= away.ends:
        raise Invalid("LEAVE_INTERVAL", field="endsAt")
    if away.begins < now:
        raise Invalid("LEAVE_PAST", field="beginsAt")
    if away.begins - now < timedelta(hours=kind.ahead_hours):
        raise Invalid("LEAVE_TOO_LATE", field="beginsAt", hours=kind.ahead_hours)
    if kind.longest_days and away.ends - away.begins > kind.longest_days * _DAY:
        raise Invalid("LEAVE_TOO_LONG", field="endsAt", days=kind.longest_days)


async def check_people(ctx: Context, rules: LeaveRules, away: Away) -> None:
    """Raise unless both are free for it.

    ``Invalid``: ``LEAVE_SUBSTITUTE_SELF``; ``NotFound``: ``LEAVE_SUBSTITUTE_UNKNOWN`` (another
    tenant's account is unknown too); ``Conflict``: ``LEAVE_SUBSTITUTE_SUSPENDED``,
    ``LEAVE_OVERLAPS``, ``LEAVE_WHILE_COVERING``, ``LEAVE_SUBSTITUTE_AWAY``,
    ``LEAVE_SUBSTITUTE_BUSY``.
    """
    if away.substitute == away.account:
        raise Invalid("LEAVE_SUBSTITUTE_SELF", field="substituteId")
    found = await ctx.data.find(Account, id=away.substitute)
    if not found:
        raise NotFound("LEAVE_SUBSTITUTE_UNKNOWN", field="substituteId")
    if found[0].status != ACTIVE:
        raise Conflict("LEAVE_SUBSTITUTE_SUSPENDED", field="substituteId", name=found[0].name)
    both = [away.account, away.substitute]
    for row in await ctx.data.fetch(_MEETING, away.begins, away.ends, both, away.leave):
        _check_meeting(away, row)
    await _check_burden(ctx, rules, away)


async def check_closed(ctx: Context, rules: LeaveRules, account: uuid.UUID) -> None:
    """Raise ``Conflict`` (``LEAVE_UNCLOSED``) if the account has not reported back from a leave
    that is over, and the tenant wants that first."""
    if not rules.must_close_first:
        return
    if await ctx.data.fetchval(_UNCLOSED, account, ctx.clock.now()):
        raise Conflict("LEAVE_UNCLOSED")


def _check_meeting(away: Away, other: Any) -> None:
    """What a leave in the same time forbids; one in which the substitute only covers a third one is
    counted by :func:`_check_burden`."""
    if other["account"] == away.account:
        raise Conflict("LEAVE_OVERLAPS", field="beginsAt")
    if other["substitute"] == away.account:
        raise Conflict("LEAVE_WHILE_COVERING", field="beginsAt")
    if other["account"] == away.substitute:
        raise Conflict("LEAVE_SUBSTITUTE_AWAY", field="substituteId")


async def _check_burden(ctx: Context, rules: LeaveRules, away: Away) -> None:
    rows = await ctx.data.fetch(_COVERED_THEN, away.substitute, away.begins, away.ends, away.leave)
    # The most at one time is reached where one of them begins.
    begins = [max(row["begins_at"], away.begins) for row in rows]
    most = max(
        (sum(row["begins_at"] <= at < row["ends_at"] for row in rows) for at in begins), default=0
    )
    if most >= rules.covers_at_once:
        limit = rules.covers_at_once
        raise Conflict("LEAVE_SUBSTITUTE_BUSY", field="substituteId", limit=limit)
