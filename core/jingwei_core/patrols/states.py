"""How often, and what came of it (频次与结果)."""

from enum import StrEnum


class Per(StrEnum):
    """The period in which a plan's times are counted; weeks begin on Monday (ISO 8601)."""

    DAY = "day"
    """日"""
    WEEK = "week"
    """周"""
    MONTH = "month"
    """月"""


class VisitPer(StrEnum):
    """The period of a visiting cadence."""

    WEEK = "week"
    """周"""
    MONTH = "month"
    """月"""
    QUARTER = "quarter"
    """季"""
    YEAR = "year"
    """年"""


class VisitOutcome(StrEnum):
    """What came of a visit (走访结果)."""

    HELD = "held"
    """已走访"""
    REFUSED = "refused"
    """谢绝走访: the person's wish, and a result like any other."""
    ABSENT = "absent"
    """无人在家: the visit is still due."""
