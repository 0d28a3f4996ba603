"""Deferring a step (单程办理): an event that is not locked moves with the unit's last message."""

from collections.abc import Mapping

from jingwei_core.commands.data import Deferred, UnitData
from jingwei_core.commands.shapes import shape_of
from jingwei_core.commands.steps import as_changed, as_told
from jingwei_core.commands.unlocked import needs_lock
from jingwei_core.database.expressions import Expression
from jingwei_core.events.tables import Event, EventStep
from jingwei_sdk.context import Context

_MOVED = {
    "state": "text",
    "is_final": "boolean",
    "assigned_department": "uuid",
    "assigned_account": "uuid",
    "closed_at": "timestamptz",
    "state_since": "timestamptz",
    "state_due_at": "timestamptz",
    "warn_at": "timestamptz",
    "found_by": "uuid",
    "owned_by": "uuid",
    "owned_department": "uuid",
    "solved_by": "uuid",
    "checked_by": "uuid",
    "returns": "integer",
    "demands": "text[]",
}
"""The columns that ``core.event_moves`` changes and their types, in the order of its parameters."""
_VALUES = ", ".join(f"{{{kind}}}" for kind in _MOVED.values())
_MOVES = f"core.event_moves({{uuid}}, {{integer}}, {{text}}, {{timestamptz}}, {_VALUES}, {{text}})"


def defer_move(
    ctx: Context, event: Event, changes: Mapping[str, object], entry: EventStep
) -> Event:
    """Have the event changed and the entry behind its last one, if the event is then what it is
    here; the event as it will stand. A step that changes other columns needs the lock."""
    assert isinstance(ctx.data, UnitData)
    if not changes.keys() <= _MOVED.keys():
        needs_lock()
    moved: Event = shape_of(Event).changed(event, changes)
    moved.updated_at = entry.created_at = entry.updated_at = now = ctx.clock.now()
    told = f"{as_changed(event, moved)},{as_told(entry)}"
    read = (event.id, event.version, event.place_path, now)
    call = Expression(_MOVES, (*read, *(getattr(moved, name) for name in _MOVED), told))
    ctx.data.defer(Deferred(call, event.place_path, (Event, EventStep)))
    return moved
