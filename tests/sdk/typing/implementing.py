"""The implementer's side: a type checker accepts what is right and finds each ``[wrong]`` line."""

import uuid

import msgspec

from jingwei_sdk.context import Context
from jingwei_sdk.events import Consumer, EventType
from jingwei_sdk.hook_specs import (
    before_event_transition,
    decide_event_department,
    extend_subject_export,
    on_event_transitioned,
    on_plugin_enabled,
)
from jingwei_sdk.payloads import (
    DepartmentChoice,
    EventToAssign,
    EventTransition,
    PluginEnabled,
    SubjectExport,
    Veto,
)
from jingwei_sdk.plugin import Plugin


@before_event_transition
async def veto(ctx: Context, given: EventTransition) -> Veto | None:
    return Veto("NO", {"number": given.number}) if given.is_final else None


@before_event_transition
def never(ctx: Context, given: EventTransition) -> None:
    return None


@on_event_transitioned
async def follow(ctx: Context, given: EventTransition) -> None:
    await ctx.signals.enqueue("x.count", {"event": str(given.event_id)})


@on_plugin_enabled
def greet(ctx: Context, given: PluginEnabled) -> None:
    assert given.plugin or given.before or ctx.tenant.slug


@decide_event_department
async def decide(ctx: Context, given: EventToAssign) -> DepartmentChoice | None:
    return DepartmentChoice("fire") if given.kind == "city.fire" else None


@extend_subject_export
def extend(ctx: Context, given: SubjectExport) -> SubjectExport:
    return given.adding("lamps", [{"code": "L1"}])


async def tried_by_its_author(ctx: Context, given: EventTransition) -> None:
    """A declared function is called as it was written."""
    told: Veto | None = await veto(ctx, given)
    assert told is None or told.code
    assert never(ctx, given) is None
    length = len(await veto(ctx, given))  # [wrong] a veto has no length
    await never(ctx, given)  # [wrong] it is not async
    assert length


@before_event_transition  # [wrong] a veto or nothing is answered
async def answers_a_truth(ctx: Context, given: EventTransition) -> bool:
    return True


@before_event_transition  # [wrong] what is given is the transition
async def takes_another_payload(ctx: Context, given: PluginEnabled) -> Veto | None:
    return None


@before_event_transition  # [wrong] the context comes first
async def forgets_the_context(given: EventTransition) -> Veto | None:
    return None


@before_event_transition  # [wrong] in this order
async def turns_them_round(given: EventTransition, ctx: Context) -> Veto | None:
    return None


@on_event_transitioned  # [wrong] nothing is answered
async def answers_a_veto(ctx: Context, given: EventTransition) -> Veto:
    return Veto("NO")


@on_plugin_enabled  # [wrong] two parameters are enough
def asks_for_more(ctx: Context, given: PluginEnabled, more: int) -> None:
    return None


@decide_event_department  # [wrong] a choice names the code of a department
async def answers_an_id(ctx: Context, given: EventToAssign) -> uuid.UUID | None:
    return None


@extend_subject_export  # [wrong] it is handed on
async def hands_nothing_on(ctx: Context, given: SubjectExport) -> None:
    return None


@decide_event_department
def misreads(ctx: Context, given: EventToAssign) -> DepartmentChoice:
    return DepartmentChoice(given.department)  # [wrong] there is no such field


class Repaired(msgspec.Struct, frozen=True):
    lamp: str


class Broken(msgspec.Struct, frozen=True):
    lamp: int


REPAIRED = EventType("lamps.lamp_repaired.v1", Repaired)


async def hear(ctx: Context, given: Repaired) -> None:
    await ctx.signals.publish(REPAIRED, given)
    await ctx.signals.publish(REPAIRED, Repaired("L1"))
    await ctx.signals.publish(REPAIRED, Broken(1))  # [wrong] the payload of another type
    await ctx.signals.publish("lamps.lamp_repaired.v1", given)  # [wrong] a type, not its name


RIGHT = Consumer("lamps.lamp_repaired.v1", "count", Repaired, hear)
WRONG = Consumer("lamps.lamp_repaired.v1", "count", Broken, hear)  # [wrong] it hears of repairs
plugin = Plugin(
    id="x",
    package="x",
    hooks=(veto, never, follow, greet, decide, extend),
    event_types=(REPAIRED,),
    consumers=(RIGHT,),
)
