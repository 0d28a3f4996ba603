"""Messages of event types (事件消息) in the outbox: what is stored when a plugin publishes one."""

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from uuid_utils.compat import uuid7

from jingwei_core.database.expressions import Expression
from jingwei_core.outbox.sending import PAYLOAD_LIMIT
from jingwei_sdk.errors import Invalid, Refused
from jingwei_sdk.events import EventType

if TYPE_CHECKING:
    from jingwei_core.registry import Registry

EVENTS = "plugin-events"
"""The channel of these messages; what is sent there otherwise is refused, as on any unknown one."""


def published(
    registry: "Registry", event_type: EventType[Any], payload: msgspec.Struct, at: datetime
) -> tuple[uuid.UUID, Expression]:
    """The id of a new message, and what stores it with the unit's last words.

    Raises ``Refused``: ``EVENT_TYPE_UNDECLARED`` for a type that no enabled plugin declares,
    ``EVENT_PAYLOAD`` for a payload that is not the type's; ``Invalid``
    (``OUTBOX_PAYLOAD_TOO_LARGE``).
    """
    owner = next((p.id for p in registry.plugins if event_type in p.event_types), None)
    if owner is None:
        raise Refused("EVENT_TYPE_UNDECLARED", event_type=event_type.name)
    if type(payload) is not event_type.payload:
        found = type(payload).__name__
        raise Refused("EVENT_PAYLOAD", event_type=event_type.name, found=found)
    message_id: uuid.UUID = uuid7()
    told = {"id": message_id, "type": event_type.name, "source": owner, "at": at, "data": payload}
    text = msgspec.json.encode(told).decode()
    size = len(text.encode())
    if size > PAYLOAD_LIMIT:
        raise Invalid("OUTBOX_PAYLOAD_TOO_LARGE", size=size, limit=PAYLOAD_LIMIT)
    values = (message_id, EVENTS, text)
    return message_id, Expression("core.message_waits({uuid}, {text}, {text})", values)
