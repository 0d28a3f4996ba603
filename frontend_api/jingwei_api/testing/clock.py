"""The clock of a test (测试时钟): stands still until moved, and knows the calendar."""

import tomllib
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from zoneinfo import ZoneInfo

from jingwei_core.events.work_clock import TimeUnit, WorkClock, hours, read_work_clock

ZONE = ZoneInfo("Asia/Shanghai")
BEGINNING = datetime(2026, 6, 3, 10, 0, tzinfo=ZONE)


class StandingClock:
    """A working clock; see the kit's contract."""

    def __init__(self) -> None:
        self._instant = BEGINNING.astimezone(UTC)
        self._work = _calendar()

    def now(self) -> datetime:
        """The instant, in UTC."""
        return self._instant

    def set(self, instant: datetime | str) -> None:
        """Move to an instant; one without a zone is the cities' local time."""
        moment = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZONE)
        self._instant = moment.astimezone(UTC)

    def advance(self, by: timedelta | None = None, **units: float) -> None:
        """Move on by a duration, or by ``hours=2`` and so on."""
        self._instant += (by or timedelta()) + timedelta(**units)

    def advance_work_hours(self, amount: float) -> None:
        """Move on until so many hours of work have passed."""
        self._instant = self._work.after(self._instant, hours(Decimal(str(amount)))).astimezone(UTC)

    def advance_work_days(self, amount: int) -> None:
        """Move to the end of work of the working day that is so many after today."""
        self._instant = self._work.add(self._instant, amount, TimeUnit.WORK_DAY).astimezone(UTC)

    def is_working_day(self, day: date | None = None) -> bool:
        """Whether anyone works on a day, today unless named."""
        return self._work.is_working_day(day or self._instant.astimezone(ZONE).date())


def _calendar() -> WorkClock:
    """The calendar in the data of the cities."""
    text = (files("jingwei_api.testing") / "city" / "calendar.toml").read_text(encoding="utf-8")
    told = tomllib.loads(text)
    days = {entry["day"]: False for entry in told.get("holidays", ())}
    days |= {entry["day"]: True for entry in told.get("make_up_days", ())}
    return read_work_clock(told, days, ZONE)
