"""A plugin that hears every step of its tenants and forbids the actions it is told to."""

from jingwei_sdk.context import Context
from jingwei_sdk.hooks import EventTransition, Veto, hookimpl

PLUGIN_ID = "listening"


class ListeningHooks:
    def __init__(self) -> None:
        self.asked: list[EventTransition] = []
        self.forbidden: set[str] = set()

    @hookimpl
    async def before_event_transition(self, ctx: Context, change: EventTransition) -> Veto | None:
        self.asked.append(change)
        if change.action in self.forbidden:
            return Veto("LISTENING_FORBIDS", {"action": change.action})
        return None

    @hookimpl
    async def on_event_transitioned(self, ctx: Context, change: EventTransition) -> None:
        raise AssertionError("reactions run in jobs, never in the step itself")
