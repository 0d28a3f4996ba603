"""Who is expected at a meeting (应到人员), and who comes in place of those on leave."""

import uuid
from datetime import datetime

import msgspec

from jingwei_core.events.ports import Message
from jingwei_core.meetings.rules import Series
from jingwei_core.meetings.states import ExpectedAs, Presence
from jingwei_core.meetings.tables import Meeting, MeetingAttendance
from jingwei_core.places.labels import ancestor_paths
from jingwei_core.reading.sight import beyond
from jingwei_core.recipients.telling import tell_others
from jingwei_sdk.context import Context

PLANNED = "MEETING_PLANNED"
_TIME = "%Y-%m-%d %H:%M"

# Each once: by the role that the series names first, or else as seconded.
_EXPECTED = """
SELECT DISTINCT ON (e.account) e.account, e.role, e.department, e.as_, l.substitute
  FROM (
    SELECT p.account, r.code AS role, p.department, 'post' AS as_,
           array_position($2::text[], r.code) AS rank
      FROM core.post p
      JOIN core.role r ON r.tenant_id = p.tenant_id AND r.id = p.role
     WHERE r.code = ANY($2::text[]) AND p.covers IS NULL
       AND (r.code <> $3 AND p.place_path >= $4 AND p.place_path < $5 OR p.place_path = $4)
       AND p.valid_from <= $1 AND (p.valid_to IS NULL OR p.valid_to > $1)
    UNION ALL
    SELECT s.account, '', s.department, 'seconded', 1000
      FROM core.secondment s
     WHERE $6 AND s.valid_from <= $7 AND (s.valid_to IS NULL OR s.valid_to > $7)
       AND (s.place_path >= $4 AND s.place_path < $5 OR s.place_path = ANY($8::text[]))
  ) e
  JOIN core.account a ON a.id = e.account AND a.status = 'active'
  LEFT JOIN core.leave l ON l.account = e.account AND l.state IN ('approved', 'closed')
   AND l.begins_at <= $1 AND l.ends_at > $1
 ORDER BY e.account, e.rank, l.id
"""


class Expected(msgspec.Struct, frozen=True):
    """Somebody who is expected; ``substitute`` stands in for them at the time of the meeting."""

    account: uuid.UUID
    role: str
    department: uuid.UUID | None
    expected_as: ExpectedAs
    substitute: uuid.UUID | None


async def expected_at(ctx: Context, meeting: Meeting, series: Series) -> list[Expected]:
    """Whom the series expects at the time for which the meeting is planned."""
    at = meeting.planned_at
    path = meeting.place_path
    rows = await ctx.data.fetch(
        _EXPECTED,
        at,
        list(series.roles()),
        series.chair,
        path,
        beyond(path),
        series.seconded,
        at.astimezone(ctx.tenant.timezone).date(),
        ancestor_paths(path),
    )
    return [
        Expected(
            row["account"],
            row["role"],
            row["department"],
            ExpectedAs(row["as_"]),
            row["substitute"],
        )
        for row in rows
    ]


async def expect(ctx: Context, meeting: Meeting, series: Series) -> Meeting:
    """Note who is expected, and who has gone on leave since; the meeting with all who may read it.

    Who came or did not is left as it was noted.
    """
    wanted = await expected_at(ctx, meeting, series)
    known = {row.account: row for row in await ctx.data.find(MeetingAttendance, meeting=meeting.id)}
    await ctx.data.insert_all([_row(meeting, one) for one in wanted if one.account not in known])
    for one in wanted:
        row = known.get(one.account)
        is_open = row is not None and row.noted_by is None
        if row is not None and is_open and row.substitute != one.substitute:
            state = _state(one)
            await ctx.data.update(row, substitute=one.substitute, state=state.value)
    named = {one.account for one in wanted} | set(known)
    named |= {one.substitute for one in wanted if one.substitute is not None}
    await _invite(ctx, meeting, named - {*meeting.attendees})
    attendees = sorted({*meeting.attendees, *named})
    if attendees == sorted(meeting.attendees):
        return meeting
    return await ctx.data.update(meeting, attendees=attendees)


async def _invite(ctx: Context, meeting: Meeting, accounts: set[uuid.UUID]) -> None:
    """Tell who is expected since just now of a meeting that lies ahead, in the next digest."""
    planned: datetime = meeting.planned_at
    if planned <= ctx.clock.now():
        return
    at = planned.astimezone(ctx.tenant.timezone).strftime(_TIME)
    about = ("Meeting", meeting.id)
    message = Message(PLANNED, {"at": at}, about, meeting.place_path, urgency="digest")
    await tell_others(ctx, accounts, message)


def _row(meeting: Meeting, one: Expected) -> MeetingAttendance:
    return MeetingAttendance(
        meeting=meeting.id,
        account=one.account,
        expected_as=one.expected_as.value,
        role=one.role,
        department=one.department,
        state=_state(one).value,
        substitute=one.substitute,
    )


def _state(one: Expected) -> Presence:
    return Presence.EXPECTED if one.substitute is None else Presence.EXCUSED
