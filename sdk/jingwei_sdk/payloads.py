"""What hooks are given and answer: plain values that may be kept, queued and sent."""

import uuid
from typing import Any

import msgspec


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
