"""What a type checker has to find for an author: each line marked ``[wrong]`` is a mistake."""

from collections.abc import Mapping
from typing import Any

from piccolo.columns import Text

from jingwei_sdk.context import Context
from jingwei_sdk.hook_specs import before_event_transition
from jingwei_sdk.hooks import EventTransition, Veto
from jingwei_sdk.plugin import Job, Plugin
from jingwei_sdk.records import Record
from jingwei_sdk.tables import TenantTable


class Lamp(TenantTable, tablename="lamp", schema="consumer"):
    """A street lamp."""

    code = Text(default=None, null=False)


async def read(ctx: Context) -> None:
    """A service function."""
    lamps: list[str] = await ctx.data.find(Lamp)  # [wrong] rows are lamps
    ctx.require(1)  # [wrong] a permission is a text
    day: int = ctx.today()  # [wrong] a day is a date
    city = ctx.tenants  # [wrong] there is one tenant
    await ctx.data.insert("lamp")  # [wrong] a row is stored, not a text
    del lamps, day, city


def no_context(payload: Mapping[str, Any]) -> None:
    """A job without its context."""


@before_event_transition  # [wrong] the answer is a veto or nothing
def answers_a_number(ctx: Context, given: EventTransition) -> int:
    """A hook with a wrong answer."""
    return 1


@before_event_transition  # [wrong] what is given is no number
async def takes_a_number(ctx: Context, given: int) -> Veto | None:
    """A hook with a wrong parameter."""
    return None


JOB = Job("consumer.job", no_context)  # [wrong] ctx comes first
RECORD = Record(Lamp, read=None, scope=())  # [wrong] a permission is named
PLUGIN = Plugin(id="consumer", package="consumer", records=(Lamp,))  # [wrong] a table is no record
