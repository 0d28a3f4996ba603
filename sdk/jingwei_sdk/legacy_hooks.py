"""Hooks as a plugin of SDK 0.1 declares them: methods of one object, marked ``@hookimpl``.

Served as long as 0.1 is; a plugin of 1.0 decorates functions instead (:mod:`jingwei_sdk.hooks`).
"""

import pluggy

from jingwei_sdk.context import Context
from jingwei_sdk.payloads import EventTransition, Veto

PROJECT = "jingwei"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Hooks:
    """The hook specifications of 0.1; implementations are methods marked ``@hookimpl``."""

    @hookspec
    async def before_event_transition(self, ctx: Context, change: EventTransition) -> Veto | None:
        """Answer a ``Veto`` to stop the step; runs in the step's transaction."""

    @hookspec
    async def on_event_transitioned(self, ctx: Context, change: EventTransition) -> None:
        """React to a committed step; may run twice, so it must be idempotent."""
