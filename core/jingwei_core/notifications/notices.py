"""Notices (通知种类): what people may be told, the catalogue that a workflow's ``notify`` names.

Each has a text in both languages in ``messages.toml`` of this room. A text speaks of the record
that it is about by ``columns``, read when the reader reads it and only in the reader's sight, and
by ``words``: references and public words, which are stored.
"""

from collections.abc import Mapping

import msgspec

REFERENCE = ("number",)
"""All that most texts say of an event; whoever may see more of it follows ``about``."""


class Notice(msgspec.Struct, frozen=True):
    """One kind of notification; ``code`` is that of its text."""

    code: str
    record: str
    columns: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


_OF_EVENTS = (
    "EVENT_ASSIGNED",
    "EVENT_REASSIGNED",
    "EVENT_FILED",
    "EVENT_SOLVED",
    "EVENT_CHECKED",
    "EVENT_CLOSED",
    "EVENT_REJECTED",
    "EVENT_CANCELLED",
    "EVENT_RETURNED",
    "EVENT_REOPENED",
    "EVENT_SUSPENDED",
    "EVENT_RESUMED",
    "EVENT_REPORTED_UP",
    "EVENT_ESCALATED",
    "EVENT_SUPERVISED",
    "EVENT_DUE_SOON",
    "EVENT_OVERDUE",
    "EVENT_MERGED",
    "EVENT_EXTENDED",
    "EVENT_ALARM",
    "EVENT_TO_CHECK",
    "EVENT_ON_AGENDA",
    "EVENT_TASKS_DONE",
)
_OF_TASKS = (
    "TASK_OPENED",
    "TASK_RETURNED",
    "TASK_TIME_ASKED",
    "TASK_EXTENDED",
    "TASK_TIME_REFUSED",
)
_OF_LEAVES = (
    "LEAVE_REQUESTED",
    "LEAVE_APPROVED",
    "LEAVE_REFUSED",
    "LEAVE_COVERING",
    "LEAVE_CHANGED",
    "LEAVE_ANNOUNCED",
)

NOTICES: Mapping[str, Notice] = {
    notice.code: notice
    for notice in (
        *(Notice(code, "Event", columns=REFERENCE) for code in _OF_EVENTS),
        *(Notice(code, "EventTask", words=REFERENCE) for code in _OF_TASKS),
        *(Notice(code, "Leave") for code in _OF_LEAVES),
        Notice("MEETING_PLANNED", "Meeting", words=("at",)),
    )
}
"""Every notice by its code."""
