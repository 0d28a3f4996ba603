"""Tips of the public (随手拍隐患): what anybody tells of a hazard without an account.

A tip is no hazard yet: it becomes an event that is looked at on site, and an inspection finds what
is to be rectified. Nothing is kept of who sent it.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from jingwei_sdk.context import Context, OpenEvent
from jingwei_sdk.errors import NotFound
from jingwei_sdk.presence import PUBLIC, PublicForm

EVENT_KIND = "safety.hazard.tip"
_TITLE_LENGTH = 40


class HazardTip(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``place`` is the code on the poster of the grid, ``text`` what was seen and where."""

    place: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    text: Annotated[str, msgspec.Meta(min_length=5, max_length=1000)]


async def take_tip(ctx: Context, tip: HazardTip) -> Mapping[str, Any]:
    """随手拍隐患: open an event at the place, and say on which day it was received.

    Raises ``NotFound`` (``SAFETY_PLACE_UNKNOWN``).
    """
    places = await ctx.records.some(ctx, "Place", most=1, code=tip.place)
    if not places:
        raise NotFound("SAFETY_PLACE_UNKNOWN", field="place", place=tip.place)
    first = tip.text.splitlines()[0]
    title = first if len(first) <= _TITLE_LENGTH else first[: _TITLE_LENGTH - 1] + "…"
    await ctx.events.open(ctx, OpenEvent(EVENT_KIND, places[0]["id"], title, tip.text))
    return {"received": ctx.today().isoformat()}


PUBLIC_FORMS = (
    PublicForm(
        "tip",
        "随手拍隐患",
        "Tell of a hazard",
        HazardTip,
        take_tip,
        PUBLIC,
        acts_with=("event.report", "place.read"),
        setting="public_tips",
        per_hour=10,
        per_day=500,
    ),
)
