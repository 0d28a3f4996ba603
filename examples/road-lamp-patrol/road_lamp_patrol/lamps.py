"""Registering lamps (登记路灯)."""

import uuid
from typing import Annotated

import msgspec
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict

from road_lamp_patrol.records import LAMP
from road_lamp_patrol.tables import RoadLamp

WRITE = "road-lamp.write"

Code = Annotated[str, msgspec.Meta(min_length=1, max_length=40, description="灯杆编号")]
PlaceId = Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Place"})]


class NewLamp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A lamp as it is registered."""

    code: Code
    place_id: PlaceId


@command("road-lamp.register", permission=WRITE, at="place_id", returns=LAMP)
async def register(ctx: Context, new: NewLamp) -> RoadLamp:
    """登记路灯: register a lamp; raises ``Conflict`` (``ROAD_LAMP_CODE_TAKEN``)."""
    code = new.code.strip()
    if await ctx.data.find(RoadLamp, code=code):
        raise Conflict("ROAD_LAMP_CODE_TAKEN", field="code", code_given=code)
    lamp = await ctx.data.insert(RoadLamp(code=code, place_id=new.place_id))
    await ctx.signals.changed(LAMP.name, lamp.id, lamp.place_path)
    return lamp
