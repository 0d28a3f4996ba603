"""Lamps that nobody has visited in time (逾期未巡)."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from jingwei_sdk.context import Context
from jingwei_sdk.plugin import Job

from road_lamp_patrol.records import LAMP
from road_lamp_patrol.settings import RoadLampSettings
from road_lamp_patrol.tables import RoadLamp

_OVERDUE = """
SELECT id FROM road_lamp_patrol.lamp
WHERE overdue_since IS NULL AND coalesce(patrolled_on, created_at::date) < $1 ORDER BY id LIMIT 500
"""


async def find_overdue(ctx: Context, payload: Mapping[str, Any]) -> None:
    """Mark the lamps whose last patrol is too long ago; a repetition finds none of them."""
    today = ctx.today()
    latest = today - timedelta(days=ctx.settings_of(RoadLampSettings).days_between_patrols)
    for row in await ctx.data.fetch(_OVERDUE, latest):
        lamp = await ctx.data.lock(RoadLamp, row["id"])
        await ctx.data.update(lamp, overdue_since=today)
        await ctx.signals.changed(LAMP.name, lamp.id, lamp.place_path)


FIND_OVERDUE = Job("road-lamp-patrol.find-overdue", find_overdue, schedule="0 7 * * *")
