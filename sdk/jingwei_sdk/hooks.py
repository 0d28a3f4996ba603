"""Hooks (钩子): where a plugin reacts to what the core does. ``ctx`` comes first, always.

``before_*`` runs inside the transaction and may veto; ``on_*`` runs after the commit, in a job of
its own for each plugin, at least once: a failing plugin is a recorded outcome, not a failed city.
"""

import uuid
from typing import Any

import msgspec
import pluggy

from jingwei_sdk.context import Context

PROJECT = "jingwei"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class EventTransition(msgspec.Struct, frozen=True):
    """One step of an event (事件流转): who moved it from where to where."""

    event_id: uuid.UUID
    number: str
    kind: str
    action: str
    from_state: str | None
    to_state: str
    is_final: bool
    place_id: uuid.UUID
    subject_type: str | None = None
    subject_id: uuid.UUID | None = None


class Veto(msgspec.Struct, frozen=True):
    """A refusal by a plugin, with the code of its message in the plugin's catalogue."""

    code: str
    params: dict[str, Any] = {}


class Hooks:
    """The hook specifications; implementations are methods marked ``@hookimpl``."""

    @hookspec
    async def before_event_transition(self, ctx: Context, change: EventTransition) -> Veto | None:
        """Answer a ``Veto`` to stop the step; runs in the step's transaction."""

    @hookspec
    async def on_event_transitioned(self, ctx: Context, change: EventTransition) -> None:
        """React to a committed step; may run twice, so it must be idempotent."""
