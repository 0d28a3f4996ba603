"""Event types (事件消息): what a plugin tells others after a commit, with a schema and a version.

The name is ``<plugin>.<thing>_<past>.vN``; a payload that older readers could not read is a new
``vN``. Whoever listens is told at least once; the platform drops what a consumer has had already.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from jingwei_sdk.context import Context
from jingwei_sdk.errors import Refused

EVENT_TYPE = re.compile(r"^[a-z][a-z0-9-]*\.[a-z][a-z0-9_]*\.v[1-9][0-9]*\Z")
Payload = TypeVar("Payload", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class EventType(Generic[Payload]):
    """A kind of message with the struct it carries; raises ``Refused`` (``EVENT_TYPE_NAME``)."""

    name: str
    payload: type[Payload]
    description: str = ""

    def __post_init__(self) -> None:
        if not EVENT_TYPE.match(self.name):
            raise Refused("EVENT_TYPE_NAME", event_type=self.name)

    def json_schema(self) -> dict[str, Any]:
        """The JSON Schema 2020-12 of the payload, for readers outside the platform."""
        return msgspec.json.schema(self.payload)


@dataclass(frozen=True, slots=True)
class Consumer(Generic[Payload]):
    """A function that is told of each message of a type, once for each message that counts.

    ``name`` is what the platform remembers messages under; a new name starts anew.
    """

    event_type: str
    name: str
    payload: type[Payload]
    run: Callable[[Context, Payload], Awaitable[None]]
