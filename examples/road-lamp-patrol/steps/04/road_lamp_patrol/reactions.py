"""What the steps of an event mean for its lamp."""

from jingwei_sdk.context import Context
from jingwei_sdk.hook_specs import before_event_transition, on_event_transitioned
from jingwei_sdk.hooks import EventTransition, Veto

from road_lamp_patrol.patrols import DARK
from road_lamp_patrol.tables import RoadLamp, RoadLampCondition


@before_event_transition
async def seen_lit_before_closing(ctx: Context, given: EventTransition) -> Veto | None:
    """An event is closed only after a patrol has seen the lamp lit."""
    if given.action != "close":
        return None
    for lamp in await ctx.data.find(RoadLamp, event=given.event_id):
        if lamp.condition != RoadLampCondition.LIT:
            return Veto("ROAD_LAMP_STILL_DARK", {"lamp": lamp.code})
    return None


@on_event_transitioned
async def let_go(ctx: Context, given: EventTransition) -> None:
    """A lamp is no longer about an event that has ended; a repetition changes nothing."""
    if given.is_final:
        for lamp in await ctx.data.find(RoadLamp, event=given.event_id):
            await ctx.data.update(lamp, event=None)


HOOKS = (seen_lit_before_closing, let_go)
HEARS = frozenset({DARK.code})
