"""Event types (事件消息类型) as plugins declare them: what they lack, and their schemas."""

from collections.abc import Iterable, Iterator
from typing import Any

from jingwei_sdk.events import EVENT_TYPE
from jingwei_sdk.plugin import Plugin


def event_type_objections(plugin: Plugin) -> Iterator[str]:
    """What a plugin's event types and consumers lack, a sentence each."""
    for event_type in plugin.event_types:
        if event_type.name.partition(".")[0] != plugin.id:
            yield f"the event type {event_type.name} does not begin with {plugin.id}."
        try:
            event_type.json_schema()
        except TypeError as error:
            yield f"the payload of {event_type.name} has no JSON Schema: {error}"
    for consumer in plugin.consumers:
        if not EVENT_TYPE.match(consumer.event_type):
            yield f"the consumer {consumer.name} names no event type: {consumer.event_type}"


def event_type_lines(plugins: Iterable[Plugin]) -> list[dict[str, Any]]:
    """Each event type by name: its plugin, who consumes it, and the JSON Schema of its payload."""
    known = list(plugins)
    return [
        {
            "event_type": event_type.name,
            "plugin": plugin.id,
            "description": event_type.description,
            "consumers": sorted(
                f"{other.id}:{consumer.name}"
                for other in known
                for consumer in other.consumers
                if consumer.event_type == event_type.name
            ),
            "schema": event_type.json_schema(),
        }
        for plugin in known
        for event_type in sorted(plugin.event_types, key=lambda each: each.name)
    ]
