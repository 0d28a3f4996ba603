"""The commands about meetings: plan, draw the agenda, note who came, hold."""

import uuid
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from jingwei_core.commands.lock_order import locked_after
from jingwei_core.meetings.agenda import draw
from jingwei_core.meetings.expecting import expect
from jingwei_core.meetings.planning import plan_one
from jingwei_core.meetings.records import MEETING, MEETING_ATTENDANCE
from jingwei_core.meetings.rules import rules_of
from jingwei_core.meetings.standing import CHAIR, PREPARE, require_held, require_open
from jingwei_core.meetings.states import MeetingState, Presence
from jingwei_core.meetings.tables import Meeting, MeetingAttendance
from jingwei_core.places.tables import Place
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, Invalid

PlaceId = Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Place"})]
Came = Literal["present", "absent", "excused", "substitute"]


class NewMeeting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A meeting beside those that are planned by themselves, or instead of the next one."""

    place_id: PlaceId
    series: Annotated[str, msgspec.Meta(max_length=100)]
    planned_at: datetime


class NotedAttendance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether somebody who is expected came: ``substitute`` when their substitute did."""

    state: Came


@command("meeting.plan", permission=PREPARE, at="place_id", returns=MEETING)
async def plan_meeting(ctx: Context, new: NewMeeting) -> Meeting:
    """安排例会: plan a meeting of a series at a place of its level.

    Raises ``Invalid``: ``MEETING_SERIES_UNKNOWN``, ``MEETING_PLACE_LEVEL``, ``MEETING_TIME_PAST``,
    ``TIME_WITHOUT_ZONE``; ``Conflict`` (``ROW_EXISTS``) for a second one on the day.
    """
    series = (await rules_of(ctx)).of(new.series)
    place = await ctx.data.get(Place, new.place_id)
    if place.level != series.level:
        raise Invalid("MEETING_PLACE_LEVEL", field="placeId", level=series.level)
    if new.planned_at.utcoffset() is None:
        raise Invalid("TIME_WITHOUT_ZONE", field="plannedAt", value=new.planned_at.isoformat())
    if new.planned_at <= ctx.clock.now():
        raise Invalid("MEETING_TIME_PAST", field="plannedAt")
    occasion = new.planned_at.astimezone(ctx.tenant.timezone).date()
    return await plan_one(ctx, series, (place.id, occasion, new.planned_at))


@command("meeting.draw", permission=PREPARE, on=MEETING)
async def draw_agenda(ctx: Context, meeting: Meeting) -> Meeting:
    """形成议程: put on the agenda what the series asks for and the last meeting left, and note who
    is expected; drawn again it adds what is new.

    Raises ``Conflict`` (``MEETING_CLOSED``).
    """
    require_open(meeting)
    ctx.require("event.read", meeting.place_path)
    series = (await rules_of(ctx)).of(meeting.series)
    meeting = await expect(ctx, meeting, series)
    await draw(ctx, meeting, series)
    await ctx.signals.changed("Meeting", meeting.id, meeting.place_path)
    return meeting


@command("meeting.hold", permission=CHAIR, on=MEETING)
async def hold_meeting(ctx: Context, meeting: Meeting) -> Meeting:
    """召开例会: open the meeting; whoever does is its chair.

    Raises ``Conflict``: ``MEETING_CLOSED``, ``MEETING_HELD_ALREADY``.
    """
    require_open(meeting)
    if meeting.state != MeetingState.PLANNED:
        raise Conflict("MEETING_HELD_ALREADY", series=meeting.series)
    series = (await rules_of(ctx)).of(meeting.series)
    meeting = await expect(ctx, meeting, series)
    held = await ctx.data.update(
        meeting, state=MeetingState.HELD.value, held_at=ctx.now(), chair=ctx.actor.account_id
    )
    await ctx.signals.changed("Meeting", held.id, held.place_path)
    return held


@locked_after(Meeting, "meeting")
@command("meeting.attendance", permission=PREPARE, on=MEETING_ATTENDANCE)
async def note_attendance(
    ctx: Context, row: MeetingAttendance, noted: NotedAttendance
) -> MeetingAttendance:
    """登记到会: note whether somebody who is expected came.

    Raises ``Conflict``: ``MEETING_CLOSED``, ``MEETING_NOT_HELD`` (only an excuse is noted before),
    ``MEETING_NO_SUBSTITUTE``.
    """
    meeting = await ctx.data.get(Meeting, row.meeting)
    came = Presence(noted.state)
    if came is Presence.EXCUSED:
        require_open(meeting)
    else:
        require_held(meeting)
    if came is Presence.SUBSTITUTE and row.substitute is None:
        raise Conflict("MEETING_NO_SUBSTITUTE", field="state")
    return await ctx.data.update(row, state=came.value, noted_by=ctx.actor.account_id)


COMMANDS = (plan_meeting, draw_agenda, hold_meeting, note_attendance)
