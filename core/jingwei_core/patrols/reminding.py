"""Reminding (到期提醒) whoever walks and visits, before it is due: one digest a day for each.

Daily patrols are due every day and reminded of by nobody. Who is meant holds the plan's role, or
may log visits, nearest to the place upward; whoever is on leave or has no active account is left
out, and the substitute, who holds the same posts, is in.
"""

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from jingwei_core.access.permissions import EVERYTHING, EVERYWHERE, wider_grants
from jingwei_core.patrols.cadence import period_end
from jingwei_core.patrols.due import walks_due
from jingwei_core.patrols.records import LOG_VISITS
from jingwei_core.patrols.rules import rules_of
from jingwei_core.patrols.states import Per
from jingwei_core.places.labels import ancestor_paths
from jingwei_sdk.context import Context
from jingwei_sdk.reminders import Due, Reminder

CODE = "patrols-due"
MOST = 100_000
"""More places than a city has."""

_VISITS = """
SELECT id, place_path AS path FROM core.visit_need
 WHERE ended_on IS NULL AND next_due_on BETWEEN $1 AND $2 ORDER BY next_due_on, id
"""
_PRESENT = """
SELECT p.account, r.code AS role, p.place_path AS path, r.permissions && $2::text[] AS visits
  FROM core.post p
  JOIN core.role r ON r.tenant_id = p.tenant_id AND r.id = p.role
  JOIN core.account a ON a.tenant_id = p.tenant_id AND a.id = p.account AND a.status = 'active'
 WHERE p.valid_from <= $1 AND (p.valid_to IS NULL OR p.valid_to > $1)
   AND (r.code = ANY($3::text[]) OR r.permissions && $2::text[])
   AND NOT EXISTS (
       SELECT 1 FROM core.leave l
        WHERE l.tenant_id = p.tenant_id AND l.account = p.account
          AND l.state IN ('approved', 'closed') AND l.begins_at <= $1 AND l.ends_at > $1)
"""
_TOLD = "SELECT DISTINCT account FROM core.reminder WHERE code = $1 AND day = $2"
_GRANTS = [grant for grant in wider_grants(LOG_VISITS) if grant != EVERYTHING]
"""``*`` alone makes nobody a visitor of the whole city."""

Desk = tuple[str, str]
"""A role, or nothing for who visits, and the path of a place."""


async def find(ctx: Context) -> list[Due]:
    """What falls due within the days that the tenant's rules name; once a day for each account."""
    days = (await rules_of(ctx)).remind_days
    if days is None:
        return []
    today = ctx.today()
    walks = [
        row
        for row in await walks_due(ctx, (EVERYWHERE,), MOST, of_all=True)
        if _is_near(row, today, days)
    ]
    visits = await ctx.data.fetch(_VISITS, today, today + timedelta(days=days))
    roles = sorted({row["role"] for row in walks})
    holders = _by_desk(await ctx.data.fetch(_PRESENT, ctx.clock.now(), _GRANTS, roles))
    told = {row["account"] for row in await ctx.data.fetch(_TOLD, f"core.{CODE}", today)}
    patrols: Counter[uuid.UUID] = Counter()
    logs: Counter[uuid.UUID] = Counter()
    about: dict[uuid.UUID, tuple[str, uuid.UUID]] = {}
    for row in walks:
        for account in _nearest(holders, row["role"], row["path"]):
            patrols[account] += 1
            about.setdefault(account, ("PatrolPlan", row["plan_id"]))
    for row in visits:
        for account in _nearest(holders, "", row["path"]):
            logs[account] += 1
            about.setdefault(account, ("VisitNeed", row["id"]))
    return [
        Due(account, first, {"patrols": patrols[account], "visits": logs[account]})
        for account, first in about.items()
        if account not in told
    ]


def _is_near(row: Mapping[str, Any], today: date, days: int) -> bool:
    """Whether few days more are left in the period than walks: several are on different days."""
    per = Per(row["per"])
    left = (period_end(today, per) - today).days + 1
    return per is not Per.DAY and left - (row["times"] - row["done"]) <= days


def _by_desk(rows: Sequence[Mapping[str, Any]]) -> Mapping[Desk, set[uuid.UUID]]:
    found: dict[Desk, set[uuid.UUID]] = {}
    for row in rows:
        found.setdefault((row["role"], row["path"]), set()).add(row["account"])
        if row["visits"]:
            found.setdefault(("", row["path"]), set()).add(row["account"])
    return found


def _nearest(holders: Mapping[Desk, set[uuid.UUID]], role: str, path: str) -> Iterator[uuid.UUID]:
    for place in (path, *reversed(ancestor_paths(path))):
        if (role, place) in holders:
            yield from sorted(holders[role, place])
            return


REMINDERS = (Reminder(CODE, "40 7 * * *", find, "PATROLS_DUE"),)
