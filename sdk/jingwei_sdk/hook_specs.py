"""The hooks there are. A new one comes only with a shipped plugin that hears it."""

from typing import Any

from jingwei_sdk.hooks import Failure, Hook, Mode
from jingwei_sdk.payloads import EventTransition, Veto

before_event_transition: Hook[EventTransition, Veto | None] = Hook(
    name="before_event_transition",
    mode=Mode.VETO,
    given=EventTransition,
    failure=Failure.SKIP,
    timeout_s=5.0,
    since="0.1",
    description="事件流转之前 · before a step of an event, in its transaction; a Veto stops it",
)

on_event_transitioned: Hook[EventTransition, None] = Hook(
    name="on_event_transitioned",
    mode=Mode.COLLECT,
    given=EventTransition,
    failure=Failure.SKIP,
    timeout_s=300.0,
    since="0.1",
    description="事件流转之后 · after a step is committed; at least once, so be idempotent",
)

ALL_HOOKS: tuple[Hook[Any, Any], ...] = (before_event_transition, on_event_transitioned)
