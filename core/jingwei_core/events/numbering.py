"""Event numbers (事件编号): ``20261122-000017``, the tenant's day and a number in it."""

from datetime import date

from jingwei_core.events.tables import EventNumber
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict


async def next_number(ctx: Context) -> str:
    """A number that no other event of the tenant has.

    The day's counter stays locked until the transaction ends, so ask for a number as late as
    possible. A transaction that is rolled back gives its number back.
    """
    day = ctx.today()
    counter = await _counter(ctx, day)
    counter = await ctx.data.update(counter, last=counter.last + 1)
    return f"{day:%Y%m%d}-{counter.last:06d}"


async def _counter(ctx: Context, day: date) -> EventNumber:
    """The day's counter, locked. Two first events of a day meet at its unique key."""
    found = await ctx.data.find(EventNumber, day=day)
    if not found:
        try:
            async with ctx.data.savepoint():
                return await ctx.data.insert(EventNumber(day=day, last=0))
        except Conflict:
            found = await ctx.data.find(EventNumber, day=day)
    return await ctx.data.lock(EventNumber, found[0].id)
