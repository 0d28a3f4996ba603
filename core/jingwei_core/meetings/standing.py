"""What a meeting's state allows, and who may do what in it (会议权限)."""

from jingwei_core.meetings.states import MeetingState
from jingwei_core.meetings.tables import Meeting, MeetingItem
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, Denied

PREPARE = "meeting.prepare"
"""Plan meetings, draw their agenda, note who came (会务)."""

CHAIR = "meeting.chair"
"""Hold meetings, decide, close them (主持)."""


def require_open(meeting: Meeting) -> None:
    """Raise ``Conflict`` (``MEETING_CLOSED``) once there are minutes: nothing reopens a meeting."""
    if meeting.state == MeetingState.CLOSED:
        raise Conflict("MEETING_CLOSED", series=meeting.series)


def require_held(meeting: Meeting) -> None:
    """Raise ``Conflict`` (``MEETING_CLOSED``, ``MEETING_NOT_HELD``) unless it takes place now."""
    require_open(meeting)
    if meeting.state != MeetingState.HELD:
        raise Conflict("MEETING_NOT_HELD", series=meeting.series)


def require_attending(ctx: Context, meeting: Meeting) -> None:
    """Raise ``Denied`` unless the actor is expected at the meeting, or prepares or chairs it."""
    if any(desk in meeting.attendees for desk in ctx.actor.desks):
        return
    if not any(ctx.permissions.allows(one, meeting.place_path) for one in (PREPARE, CHAIR)):
        raise Denied("MEETING_NOT_EXPECTED")


async def open_meeting(ctx: Context, item: MeetingItem) -> Meeting:
    """The meeting of an item, locked before it; raises as :func:`require_held`."""
    meeting = await ctx.data.get(Meeting, item.meeting)
    require_held(meeting)
    return meeting
