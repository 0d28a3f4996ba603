"""Cadence (频次): in which period a day lies, and when the next visit falls due."""

from calendar import monthrange
from datetime import date, timedelta

from jingwei_core.patrols.states import Per, VisitPer

_MONTHS = {VisitPer.MONTH: 1, VisitPer.QUARTER: 3, VisitPer.YEAR: 12}


def period_begin(day: date, per: Per) -> date:
    """The first day of the period that holds ``day``."""
    match per:
        case Per.DAY:
            return day
        case Per.WEEK:
            return day - timedelta(days=day.weekday())
        case Per.MONTH:
            return day.replace(day=1)


def period_end(day: date, per: Per) -> date:
    """The last day of the period that holds ``day``."""
    match per:
        case Per.DAY:
            return day
        case Per.WEEK:
            return period_begin(day, per) + timedelta(days=6)
        case Per.MONTH:
            return day.replace(day=monthrange(day.year, day.month)[1])


def months_after(day: date, months: int) -> date:
    """The same day so many months later, or the last of that month where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def next_due(day: date, times: int, per: VisitPer) -> date:
    """The last day by which the next visit keeps the cadence, after one on ``day``.

    With several times in a period it is divided evenly, in whole days, at least one.
    """
    end = day + timedelta(days=7) if per is VisitPer.WEEK else months_after(day, _MONTHS[per])
    return day + timedelta(days=max(1, (end - day).days // times))
