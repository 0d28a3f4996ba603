"""Event numbers (事件编号): ``20261122-000017``, the tenant's day and a number in it.

The day's counter stays locked from the moment a number is taken until the transaction ends, so it
is taken as late as possible. A transaction that is rolled back gives its number back.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from jingwei_core.commands.data import UnitData
from jingwei_core.commands.shapes import shape_of
from jingwei_core.commands.steps import AddingText, added
from jingwei_core.events.tables import EventNumber
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, JingweiError

_DIGITS = 6


async def next_number(ctx: Context) -> str:
    """A number that no other event of the tenant has."""
    assert isinstance(ctx.data, UnitData)
    (counter,) = await ctx.data.together(Counting(ctx.today()))
    return f"{counter.day:%Y%m%d}-{counter.last:0{_DIGITS}d}"


def number_of(step: str) -> str:
    """The number as an expression over the row of a :class:`Counting` step."""
    last = f"(SELECT last::text FROM {step})"
    padded = f"lpad({last}, greatest(length({last}), {_DIGITS}), '0')"
    return f"(SELECT to_char(day, 'YYYYMMDD') FROM {step}) || '-' || {padded}"


@dataclass(frozen=True, slots=True)
class _CountingText:
    table: type[EventNumber] = EventNumber

    def sql(self, first: int) -> tuple[str, int]:
        added_sql, free = AddingText(self.table).sql(first)
        insert, returning = added_sql.split(" RETURNING ")
        # Two first events of a day meet at its unique key: the second counts on.
        counted = (
            "ON CONFLICT (tenant_id, day) DO UPDATE SET last = event_number.last + 1,"
            " updated_at = excluded.updated_at, version = event_number.version + 1"
        )
        return f"{insert} {counted} RETURNING {returning}", free


@dataclass(frozen=True, slots=True)
class Counting:
    """A step that takes the next number of a day."""

    day: date

    @property
    def text(self) -> _CountingText:
        """See :class:`jingwei_core.commands.steps.Step`."""
        return _CountingText()

    def values(self, now: datetime) -> list[Any]:
        """The counter of a day on which nothing was counted yet."""
        shape = shape_of(EventNumber)
        return added(shape, shape.new(day=self.day, last=1), now, {})

    def before(self, stored: Any) -> EventNumber | None:
        """The counter one number ago; none on the first of the day."""
        if stored.version == 1:
            return None
        before: EventNumber = shape_of(EventNumber).row(
            [getattr(stored, name) for name in shape_of(EventNumber).names]
        )
        before.last = stored.last - 1
        return before

    def refused(self) -> JingweiError:
        """See :class:`jingwei_core.commands.steps.Step`."""
        return Conflict("ROW_CHANGED", record=EventNumber.__name__)
