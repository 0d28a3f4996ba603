"""Reactions (响应) of work safety to the steps of events."""

from jingwei_safety_production.hazards import EVENT_KIND, follow_event
from jingwei_safety_production.tables import SafetyHazard
from jingwei_sdk.context import Context
from jingwei_sdk.hooks import EventTransition, Veto, hookimpl


class SafetyHooks:
    """What the plugin does when an event of its kind moves."""

    @hookimpl
    async def before_event_transition(self, ctx: Context, change: EventTransition) -> Veto | None:
        """未整改不得销号: refuse to close a hazard's event while no measures are stated."""
        if change.kind != EVENT_KIND or change.to_state != "closed":
            return None
        for hazard in await ctx.data.find(SafetyHazard, event=change.event_id):
            if not hazard.measures:
                return Veto("SAFETY_HAZARD_NOT_RECTIFIED", {"number": change.number})
        return None

    @hookimpl
    async def on_event_transitioned(self, ctx: Context, change: EventTransition) -> None:
        """Settle or reopen the hazard after its event."""
        if change.kind != EVENT_KIND:
            return
        for hazard in await ctx.data.find(SafetyHazard, event=change.event_id):
            await follow_event(ctx, hazard.id)
