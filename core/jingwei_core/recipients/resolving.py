"""Resolving (收件人解析): which accounts a rule means now, at a place or for an event.

One statement for each question. The place tree is asked by its materialised path: the place and all
above it are the beginnings of one text. Whoever is on leave is replaced by their substitute, from
the first instant of the leave to its last; posts that a substitute only copies name nobody.
"""

import uuid
from collections.abc import Mapping
from typing import Any

import msgspec

from jingwei_core.access.permissions import EVERYTHING, wider_grants
from jingwei_core.events.tables import Event
from jingwei_core.events.whom import Who, Whom
from jingwei_core.places.labels import ancestor_paths
from jingwei_sdk.context import Context

Accounts = tuple[uuid.UUID, ...]

SUPERVISE = "event.supervise"
"""Who supervises the event is its supervisor (督办人), or else who holds this nearest upward; ``*``
alone makes nobody one."""


class Matter(msgspec.Struct, frozen=True):
    """What the people are wanted for: where it lies, and who has to do with it so far.

    ``kind`` is the event's kind, whose department counts for ``seconded`` besides the assigned one.
    """

    place_path: str
    reporter: uuid.UUID | None = None
    account: uuid.UUID | None = None
    department: uuid.UUID | None = None
    first_receiver: uuid.UUID | None = None
    kind: uuid.UUID | None = None
    event: uuid.UUID | None = None


def matter_of(event: Event) -> Matter:
    """What an event says of it."""
    return Matter(
        place_path=event.place_path,
        reporter=event.reporter,
        account=event.assigned_account,
        department=event.assigned_department,
        first_receiver=event.first_receiver,
        kind=event.kind,
        event=event.id,
    )


_SUPERVISING = [grant for grant in wider_grants(SUPERVISE) if grant != EVERYTHING]

# Each answers ``named(account, nearness)``; of those that are present the nearest are meant.
_ONE = "SELECT $3::uuid AS account, 0 AS nearness"
_VALID = "p.covers IS NULL AND p.valid_from <= $1 AND (p.valid_to IS NULL OR p.valid_to > $1)"
_MEMBERS = (
    "SELECT p.account, 0 AS nearness FROM core.post p"
    f" JOIN core.department d ON d.tenant_id = p.tenant_id AND d.id = p.department WHERE {_VALID}"
)
_HOLDERS = (
    "SELECT p.account, {nearness} AS nearness FROM core.post p"
    " JOIN core.role r ON r.tenant_id = p.tenant_id AND r.id = p.role"
    " JOIN core.place l ON l.tenant_id = p.tenant_id AND l.id = p.place_id"
    f" WHERE {_VALID} AND p.place_path = ANY($3::text[])"
)
_SECONDED = """
SELECT s.account, 0 AS nearness FROM core.secondment s
 WHERE s.valid_from <= $2 AND (s.valid_to IS NULL OR s.valid_to > $2)
   AND s.place_path = ANY($3::text[])
   AND (s.department = $4 OR s.department = (
       SELECT k.department FROM core.event_kind k WHERE k.id = $5))
"""
_ASKING = (
    " UNION ALL SELECT v.supervisor, 32767 FROM core.supervision v"
    " WHERE v.event = $5::uuid AND v.supervisor IS NOT NULL"
)
_PRESENT = """
WITH named AS MATERIALIZED ({named}),
present AS (
    SELECT coalesce(s.id, a.id) AS account, n.nearness
      FROM named n
      JOIN core.account a ON a.id = n.account
      LEFT JOIN LATERAL (
          SELECT t.id FROM core.leave l
            JOIN core.account t ON t.tenant_id = l.tenant_id AND t.id = l.substitute
           WHERE l.tenant_id = a.tenant_id AND l.account = a.id
             AND l.state IN ('approved', 'closed')
             AND l.begins_at <= $1 AND l.ends_at > $1 AND t.status = 'active'
           LIMIT 1) s ON true
     WHERE s.id IS NOT NULL OR a.status = 'active'
)
SELECT DISTINCT account FROM present
 WHERE nearness = (SELECT max(nearness) FROM present) AND $2::date IS NOT NULL
 ORDER BY account
"""


async def resolve_whom(ctx: Context, whom: Whom, matter: Matter) -> Accounts:
    """The active accounts that are meant now, each once, by id; a suspended substitute leaves the
    one who is away. Empty when there is nobody, without a statement where the matter names none."""
    named, values = _named(whom, matter)
    if named is None:
        return ()
    sql = _PRESENT.format(named=named)
    rows = await ctx.data.fetch(sql, ctx.clock.now(), ctx.today(), *values)
    return tuple(row["account"] for row in rows)


def _named(whom: Whom, matter: Matter) -> tuple[str | None, tuple[Any, ...]]:
    """The SQL of who is named, and its values from ``$3`` on."""
    if whom.who is Who.ROLE:
        return _holders(whom, matter)
    if whom.who is Who.SUPERVISOR:
        named = f"{_HOLDERS.format(nearness='l.depth')} AND r.permissions && $4::text[]"
        return named + _ASKING, (_upward(matter), _SUPERVISING, matter.event)
    if whom.who is Who.SECONDED:
        return _SECONDED, (_upward(matter), matter.department, matter.kind)
    if whom.department:
        return f"{_MEMBERS} AND d.code = $3", (whom.department,)
    is_departments = whom.who is Who.DEPARTMENT or (
        whom.who is Who.ASSIGNED and matter.account is None
    )
    if is_departments:
        return _if_any(f"{_MEMBERS} AND d.id = $3", matter.department)
    return _if_any(_ONE, _PEOPLE[whom.who](matter))


def _holders(whom: Whom, matter: Matter) -> tuple[str, tuple[Any, ...]]:
    if whom.level:
        named = f"{_HOLDERS.format(nearness=0)} AND r.code = $4 AND l.level = $5"
        return named, (_upward(matter), whom.role, whom.level)
    named = f"{_HOLDERS.format(nearness='l.depth')} AND r.code = $4"
    return named, (_upward(matter), whom.role)


def _if_any(named: str, value: uuid.UUID | None) -> tuple[str | None, tuple[Any, ...]]:
    return (None, ()) if value is None else (named, (value,))


def _upward(matter: Matter) -> list[str]:
    """The paths of the place and of all above it."""
    return [*ancestor_paths(matter.place_path), matter.place_path]


def _reporter(matter: Matter) -> uuid.UUID | None:
    return matter.reporter


def _account(matter: Matter) -> uuid.UUID | None:
    return matter.account


def _first_receiver(matter: Matter) -> uuid.UUID | None:
    return matter.first_receiver


_PEOPLE: Mapping[Who, Any] = {
    Who.REPORTER: _reporter,
    Who.ASSIGNED: _account,
    Who.FIRST_RECEIVER: _first_receiver,
}


class PlaceRecipients:
    """The port :class:`jingwei_core.events.ports.Recipients`, over posts, leaves, secondments."""

    async def resolve(self, ctx: Context, whom: Whom, about: Event) -> Accounts:
        """See :func:`resolve_whom`."""
        return await resolve_whom(ctx, whom, matter_of(about))
