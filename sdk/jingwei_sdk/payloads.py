"""What hooks are given and answer: plain values that may be kept, queued and sent."""

import uuid
from collections.abc import Mapping, Sequence
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


class PluginEnabled(msgspec.Struct, frozen=True):
    """A plugin was switched on for the tenant; ``before`` is the version that it last had there,
    ``None`` for the first time."""

    plugin: str
    version: str
    before: str | None = None


class EventToAssign(msgspec.Struct, frozen=True):
    """An event that is about to be assigned to a department (分派) which nobody has named."""

    event_id: uuid.UUID
    number: str
    kind: str
    action: str
    place_id: uuid.UUID
    subject_type: str | None = None
    subject_id: uuid.UUID | None = None


class DepartmentChoice(msgspec.Struct, frozen=True):
    """The department an event goes to, by its code in the tenant."""

    code: str


class SubjectExport(msgspec.Struct, frozen=True):
    """The copy of their data that a person gets (个人信息副本): rows of plain values by topic.

    ``subject`` is the type name of the record that stands for the person, such as ``Account``.
    """

    subject: str
    subject_id: uuid.UUID
    topics: Mapping[str, Sequence[Mapping[str, Any]]] = {}

    def adding(self, topic: str, rows: Sequence[Mapping[str, Any]]) -> "SubjectExport":
        """The same with more rows of a topic, after those that are there."""
        together = [*self.topics.get(topic, ()), *rows]
        return msgspec.structs.replace(self, topics={**self.topics, topic: together})
