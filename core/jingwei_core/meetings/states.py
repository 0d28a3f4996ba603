"""The states of meetings, of those who attend and of what is on the agenda (例会状态)."""

from enum import StrEnum


class MeetingState(StrEnum):
    """Where a meeting stands. A closed one is never opened again."""

    PLANNED = "planned"
    """已安排"""
    HELD = "held"
    """进行中"""
    CLOSED = "closed"
    """已形成纪要"""


class Presence(StrEnum):
    """Whether somebody who is expected came."""

    EXPECTED = "expected"
    """应到"""
    PRESENT = "present"
    """出席"""
    ABSENT = "absent"
    """缺席"""
    EXCUSED = "excused"
    """请假"""
    SUBSTITUTE = "substitute"
    """由顶岗人员出席"""


class ExpectedAs(StrEnum):
    """Why somebody is expected."""

    POST = "post"
    """岗位"""
    SECONDED = "seconded"
    """下派"""


class ItemKind(StrEnum):
    """What an item of the agenda is."""

    REPORT = "report"
    """通报"""
    PROBLEM = "problem"
    """问题"""
    CARRIED = "carried"
    """二次通报"""
    DECISION = "decision"
    """议定事项"""
    PLAN = "plan"
    """下周重点"""


ASKING = (ItemKind.PROBLEM, ItemKind.CARRIED, ItemKind.DECISION)
"""Items that ask for a decision; a report and a plan are only heard."""


class ItemState(StrEnum):
    """Where an item stands."""

    OPEN = "open"
    """未结"""
    SOLVED = "solved"
    """已解决"""
    CARRIED = "carried"
    """转下次会议"""
