"""Patrols (巡查): what was seen of a lamp, and the event of a dark one."""

from typing import Annotated

import msgspec
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context, OpenEvent
from jingwei_sdk.plugin import EventKindDeclaration

from road_lamp_patrol.records import LAMP, PATROL
from road_lamp_patrol.tables import RoadLamp, RoadLampCondition, RoadLampPatrol

PATROLLING = "road-lamp.patrol"
DARK = EventKindDeclaration("road-lamp.dark", "路灯不亮", "Road lamp is dark")

Note = Annotated[str, msgspec.Meta(max_length=500)]


class Visit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a patrol saw."""

    condition: RoadLampCondition
    note: Note = ""


@command("road-lamp.patrol", permission=PATROLLING, on=LAMP, returns=PATROL)
async def patrol(ctx: Context, lamp: RoadLamp, seen: Visit) -> RoadLampPatrol:
    """巡查: note what was seen of a lamp; a dark one opens an event, unless one is open."""
    event = lamp.event
    if seen.condition is RoadLampCondition.DARK and not event:
        event = await ctx.events.open(
            ctx,
            OpenEvent(
                kind=DARK.code,
                place_id=lamp.place_id,
                title=f"路灯不亮：{lamp.code}",
                description=seen.note,
                subject_type=LAMP.name,
                subject_id=lamp.id,
            ),
        )
    today = ctx.today()
    changed = await ctx.data.update(
        lamp, condition=seen.condition, event=event, patrolled_on=today, overdue_since=None
    )
    await ctx.signals.changed(LAMP.name, changed.id, changed.place_path)
    visit = RoadLampPatrol(
        lamp=lamp.id, patrolled_on=today, condition=seen.condition, note=seen.note.strip()
    )
    return await ctx.data.insert(visit)
