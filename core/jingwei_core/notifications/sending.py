"""Sending outward (外发): what waits for an account leaves by the channels that it wants.

A job does it, with the account's row locked: two of them never send the same thing. What it sends
goes into the outbox in the transaction that says so, one message for each channel, so that each is
tried, repeated and given up by itself. Who may not see a matter any more is not told of it, nor who
has read of it in the inbox by then.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from uuid_utils.compat import uuid7

from jingwei_core.access.loading import ACTIVE, load_access
from jingwei_core.jobs.core_jobs import NOTIFICATION_SEND
from jingwei_core.notifications.bundling import Verdict, Waiting, decide
from jingwei_core.notifications.channels import EMAIL, person_channels
from jingwei_core.notifications.letters import body_of, subject_of
from jingwei_core.notifications.records import READ
from jingwei_core.notifications.rules import Rules, rules_of
from jingwei_core.notifications.states import Outward, Urgency
from jingwei_core.notifications.texts import subject_of as matter_of
from jingwei_core.notifications.texts import subjects_in_sight, texts
from jingwei_core.notifications.wishes import Wishes, wishes_of
from jingwei_core.outbox.channels import Owned
from jingwei_core.session import CoreContext
from jingwei_sdk.channels import Letter
from jingwei_sdk.context import Actor, Context

MOST_AT_ONCE = 500
"""So many notifications of an account are looked at in one run, the oldest first."""

_ACCOUNT = """
SELECT email IS NOT NULL AS has_email FROM core.account WHERE id = $1 FOR NO KEY UPDATE
"""
_WAITING = f"""
SELECT id, code, params, subject_type, subject_id, urgency, waits_until, read_at
  FROM core.notification WHERE account = $1 AND outward = 'waiting' ORDER BY id LIMIT {MOST_AT_ONCE}
"""
_LATELY = """
SELECT max(sent_at) AS at FROM core.notification
 WHERE account = $1 AND sent_at > $2 AND urgency <> 'now' GROUP BY letter ORDER BY 1
"""
_LEFT = """
UPDATE core.notification SET outward = $2, sent_at = $3, letter = $4, waits_until = NULL,
       updated_at = $5
 WHERE id = ANY($1::uuid[])
"""
_WAITS = """
UPDATE core.notification SET waits_until = $2, updated_at = $3 WHERE id = ANY($1::uuid[])
"""


class Reader(msgspec.Struct, frozen=True):
    """An account that is written to: a context with its own sight and language, its wishes, and
    the channels that reach it."""

    ctx: CoreContext
    account: uuid.UUID
    wishes: Wishes
    channels: Mapping[str, Owned]

    def ways(self, urgencies: Collection[Urgency]) -> list[str]:
        """The channels that the account wants for any of these and that reach it."""
        wanted = {code for each in urgencies for code in self.wishes.channels[each]}
        return sorted(wanted & self.channels.keys())


async def send(ctx: Context, payload: Mapping[str, Any]) -> None:
    """Send what waits for the accounts ``payload["accounts"]``, or queue when to look again."""
    assert isinstance(ctx, CoreContext)
    rules = await rules_of(ctx)
    for account in sorted(uuid.UUID(each) for each in payload["accounts"]):
        await _send_to(ctx, account, rules)


async def _send_to(ctx: CoreContext, account: uuid.UUID, rules: Rules) -> None:
    found = await ctx.unit.fetch(_ACCOUNT, account)
    rows = await ctx.unit.fetch(_WAITING, account)
    if not rows:
        return
    reader = await _reader(ctx, account, rules, has_email=bool(found and found[0]["has_email"]))
    seen = await subjects_in_sight(reader.ctx, rows) if reader is not None else {}
    sendable = [
        row
        for row in rows
        if reader is not None
        and row["read_at"] is None
        and matter_of(row) in seen
        and reader.ways([Urgency(row["urgency"])])
    ]
    kept = {row["id"] for row in rows} - {row["id"] for row in sendable}
    now = ctx.clock.now()
    if kept:
        await ctx.unit.execute(_LEFT, list(kept), Outward.KEPT.value, None, None, now)
    if reader is None or not sendable:
        return
    since = now - reader.wishes.hours.window
    lately = [row["at"] for row in await ctx.unit.fetch(_LATELY, account, since)]
    waiting = [Waiting(row["id"], Urgency(row["urgency"]), row["waits_until"]) for row in sendable]
    verdict = decide(waiting, lately, reader.wishes.hours, ctx.now())
    await _leave(reader, sendable, verdict)
    await _put_off(ctx, account, waiting, verdict)


async def _reader(
    ctx: CoreContext, account: uuid.UUID, rules: Rules, *, has_email: bool
) -> Reader | None:
    """The account as a reader; ``None`` when it is suspended or may not read notifications: it has
    no post any more."""
    access = await load_access(ctx.unit, account, ctx.clock.now())
    if access is None or access.status != ACTIVE or not access.permissions.allows(READ):
        return None
    wishes = await wishes_of(ctx, account, rules)
    actor = Actor("account", access.name, account, access.department_ids, access.covers)
    own = replace(ctx, actor=actor, permissions=access.permissions, locale=wishes.locale)
    channels = person_channels(ctx.registry)
    if not has_email:
        channels.pop(EMAIL, None)
    return Reader(own, account, wishes, channels)


async def _leave(reader: Reader, rows: Sequence[Mapping[str, Any]], verdict: Verdict) -> None:
    """Put each letter into the outbox, once for each channel, and say that it left."""
    ctx = reader.ctx
    by_id = {row["id"]: row for row in rows}
    for letter in verdict.letters:
        told = [by_id[each] for each in letter]
        lines = await texts(ctx, told)
        for code in reader.ways({Urgency(row["urgency"]) for row in told}):
            await ctx.signals.send(code, _letter(reader, lines, reader.channels[code]))
        outward = Outward.SENT if len(letter) == 1 else Outward.BUNDLED
        now = ctx.clock.now()
        await ctx.unit.execute(_LEFT, list(letter), outward.value, now, uuid7(), now)


def _letter(reader: Reader, lines: Sequence[str], found: Owned) -> Letter:
    catalogue, locale = reader.ctx.platform.catalogue, reader.wishes.locale
    return Letter(
        text=body_of(catalogue, lines, locale, found.channel.limits.longest_text),
        subject=subject_of(catalogue, lines, locale),
        account=reader.account,
        locale="en" if locale == "en" else "zh",
    )


async def _put_off(
    ctx: CoreContext, account: uuid.UUID, waiting: Sequence[Waiting], verdict: Verdict
) -> None:
    """Say until when the rest waits; a job looks at it then, one for each instant."""
    now = ctx.clock.now()
    held = {one.id: one.until for one in waiting}
    queued = {until for until in held.values() if until is not None and until > now}
    by_instant: dict[datetime, list[uuid.UUID]] = {}
    for row_id, until in verdict.later.items():
        if held[row_id] != until:
            by_instant.setdefault(until, []).append(row_id)
    for until, ids in by_instant.items():
        await ctx.unit.execute(_WAITS, ids, until, now)
        if until not in queued:
            delay_s = (until - now).total_seconds()
            await ctx.signals.enqueue(
                NOTIFICATION_SEND, {"accounts": [str(account)]}, delay_s=delay_s
            )
