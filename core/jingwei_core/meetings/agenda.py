"""The agenda (议程): open events by the series' rule, and what the last meeting left unsolved."""

import uuid
from collections.abc import Sequence
from typing import Any

from jingwei_core.events.workflow_effects import ReportUpEffect
from jingwei_core.meetings.rules import AgendaRule, Series
from jingwei_core.meetings.states import ItemKind, ItemState
from jingwei_core.meetings.tables import Meeting, MeetingItem
from jingwei_core.reading.sight import beyond
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context

MOST_ITEMS = 300
"""Events drawn at once; what is beyond comes with the next drawing."""

_EVENTS = """
SELECT e.id FROM core.event e
  JOIN core.event_kind k ON k.tenant_id = e.tenant_id AND k.id = e.kind
 WHERE NOT e.is_final AND e.place_path >= $2 AND e.place_path < $3
   AND (e.state = ANY($4::text[])
     OR $5 AND (e.state_due_at < $6 OR e.due_at < $6)
     OR EXISTS (SELECT 1 FROM unnest($7::text[]) AS known(prefix)
                 WHERE k.code = prefix OR starts_with(k.code, prefix || '.'))
     OR EXISTS (SELECT 1 FROM core.event_step s
                 WHERE s.event = e.id AND s.action = ANY($8::text[])))
   AND NOT EXISTS (SELECT 1 FROM core.meeting_item i WHERE i.meeting = $1 AND i.event = e.id)
 ORDER BY e.created_at, e.id LIMIT $9
"""
# Solved since the last meeting closed: then it is read again as solved, and no more after that.
_UNSOLVED = """
SELECT i.id FROM core.meeting_item i
  JOIN core.meeting m ON m.tenant_id = i.tenant_id AND m.id = i.meeting
 WHERE m.id = (SELECT l.id FROM core.meeting l
                WHERE l.place_id = $1 AND l.series = $2 AND l.state = 'closed'
                  AND l.planned_at < $3
                ORDER BY l.planned_at DESC, l.id LIMIT 1)
   AND (i.state = 'carried' OR i.state = 'solved' AND i.solved_at > m.closed_at)
   AND NOT EXISTS (SELECT 1 FROM core.meeting_item n WHERE n.carried_from = i.id)
 ORDER BY i.number
"""


async def draw(ctx: Context, meeting: Meeting, series: Series) -> list[MeetingItem]:
    """Put on the agenda of a locked meeting what is not on it yet; the new items.

    What was left unsolved comes first (二次通报), then events by the rule, the oldest first.
    """
    carried = await _carry(ctx, meeting)
    known = await ctx.data.find(MeetingItem, meeting=meeting.id)
    events = await _events(ctx, meeting, series.agenda)
    start = len(known)
    rows = [
        MeetingItem(meeting=meeting.id, number=start + at, kind=ItemKind.PROBLEM.value, event=event)
        for at, event in enumerate(events, start=1)
    ]
    return [*carried, *await ctx.data.insert_all(rows)]


async def _events(ctx: Context, meeting: Meeting, rule: AgendaRule) -> Sequence[uuid.UUID]:
    path: str = meeting.place_path
    rows = await ctx.data.fetch(
        _EVENTS,
        meeting.id,
        path,
        beyond(path),
        list(rule.states),
        rule.overdue,
        ctx.clock.now(),
        list(rule.kinds),
        await _actions_upward(ctx) if rule.reported_up else [],
        MOST_ITEMS,
    )
    return [row["id"] for row in rows]


async def _actions_upward(ctx: Context) -> list[str]:
    """The actions by which events are reported upward, in any version of a workflow."""
    assert isinstance(ctx, CoreContext)
    definitions = (await ctx.configuration.get()).definitions.values()
    return sorted(
        {
            action.code
            for definition in definitions
            for action in definition.actions
            if any(isinstance(effect, ReportUpEffect) for effect in action.effects)
        }
    )


async def _carry(ctx: Context, meeting: Meeting) -> list[MeetingItem]:
    """The unsolved items of the last meeting, read again in this one."""
    args = (meeting.place_id, meeting.series, meeting.planned_at)
    found = [row["id"] for row in await ctx.data.fetch(_UNSOLVED, *args)]
    known = await ctx.data.find(MeetingItem, meeting=meeting.id)
    by_event = {item.event: item for item in known if item.event is not None}
    carried: list[MeetingItem] = []
    for item_id in found:
        # Locked: whoever tells its result meanwhile waits, and is told that it has moved on.
        old = await ctx.data.lock(MeetingItem, item_id)
        present = by_event.get(old.event) if old.event is not None else None
        if present is not None:
            carried.append(await ctx.data.update(present, **_continued(old)))
            continue
        row = MeetingItem(
            meeting=meeting.id,
            number=len(known) + 1,
            event=old.event,
            text=old.text,
            put_by=old.put_by,
            **_continued(old),
        )
        known.append(row)
        carried.append(await ctx.data.insert(row))
    return carried


def _continued(old: MeetingItem) -> dict[str, Any]:
    """What an item takes along from the one that it carries on."""
    is_solved = old.state == ItemState.SOLVED
    return {
        "kind": ItemKind.CARRIED.value,
        "carried_from": old.id,
        "carried_count": old.carried_count + 1,
        "assigned_department": old.assigned_department,
        "assigned_account": old.assigned_account,
        "due_at": old.due_at,
        "operation": old.operation,
        "supervised_by": old.supervised_by,
        "state": (ItemState.SOLVED if is_solved else ItemState.OPEN).value,
        "result": old.result,
        "solved_at": old.solved_at,
    }
