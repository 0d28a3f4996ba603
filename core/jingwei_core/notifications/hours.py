"""Hours of the day (时刻): quiet hours and digests, in the tenant's time."""

import re
from collections.abc import Iterable
from datetime import datetime, time, timedelta

from jingwei_sdk.errors import Invalid

_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
DAY = timedelta(days=1)


def time_of_day(text: str, field: str = "at") -> time:
    """``08:30`` as a time; raises ``Invalid`` (``NOTIFICATION_TIME``)."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise Invalid("NOTIFICATION_TIME", field=field, value=text[:20])
    return time(int(found[1]), int(found[2]))


def quiet_until(now: datetime, begins: time, ends: time) -> datetime | None:
    """When the quiet hours end in which ``now`` lies, aware as ``now`` is, which is in the tenant's
    zone; ``None`` outside of them. They are ``[begins, ends)``, over midnight where they end
    earlier than they begin."""
    at = now.timetz().replace(tzinfo=None)
    if begins <= ends:
        is_quiet, days = begins <= at < ends, 0
    else:
        is_quiet, days = at >= begins or at < ends, int(at >= begins)
    if not is_quiet:
        return None
    return datetime.combine(now.date() + days * DAY, ends, tzinfo=now.tzinfo)


def next_of(now: datetime, times: Iterable[time]) -> datetime | None:
    """The first of the times of day after ``now``; ``None`` where there are none."""
    days = (now.date(), now.date() + DAY)
    ways = [datetime.combine(day, at, tzinfo=now.tzinfo) for day in days for at in times]
    return min((way for way in ways if way > now), default=None)
