"""Tips of the public (随手拍隐患): what anybody tells of a hazard without an account.

A tip is no hazard yet: it becomes an event that is looked at on site, and an inspection finds what
is to be rectified. Nothing is kept of who sent it: with the code that they got they see how it
stands.
"""

import uuid
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from jingwei_safety_production.settings import SafetySettings
from jingwei_safety_production.tables import SafetyTip
from jingwei_sdk.context import Context, OpenEvent
from jingwei_sdk.errors import NotFound
from jingwei_sdk.presence import PUBLIC, PublicForm

EVENT_KIND = "safety.hazard.tip"
_TITLE_LENGTH = 40


class HazardTip(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``place`` is the code on the poster of the grid, ``text`` what was seen and where."""

    place: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    text: Annotated[str, msgspec.Meta(min_length=5, max_length=1000)]
    photos: tuple[uuid.UUID, ...]
    code: str


class OwnTip(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The code that a tip was answered with."""

    code: str


class StillThere(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why the matter of a tip is not settled, by the code that it was answered with."""

    code: str
    reason: Annotated[str, msgspec.Meta(min_length=2, max_length=500)]


async def take_tip(ctx: Context, tip: HazardTip) -> Mapping[str, Any]:
    """随手拍隐患: open an event at the place, and say on which day it was received.

    Raises ``NotFound`` (``SAFETY_PLACE_UNKNOWN``).
    """
    places = await ctx.records.some(ctx, "Place", most=1, code=tip.place)
    if not places:
        raise NotFound("SAFETY_PLACE_UNKNOWN", field="place", place=tip.place)
    first = tip.text.splitlines()[0]
    title = first if len(first) <= _TITLE_LENGTH else first[: _TITLE_LENGTH - 1] + "…"
    told = OpenEvent(EVENT_KIND, places[0]["id"], title, tip.text, photos=tip.photos)
    event = await ctx.events.open(ctx, told)
    await ctx.data.insert(SafetyTip(code_digest=tip.code, event=event))
    return {"received": ctx.today().isoformat()}


async def tell_state(ctx: Context, own: OwnTip) -> Mapping[str, Any] | None:
    """隐患办理进度: how the tip stands, in the tenant's words for the public."""
    for tip in await ctx.data.find(SafetyTip, code_digest=own.code):
        told = await ctx.events.progress(ctx, tip.event)
        return {
            "state": told.state,
            "isFinished": told.is_finished,
            "steps": [{"name": step.name, "at": step.at.isoformat()} for step in told.steps],
            "photos": [photo.thumbnail_url for photo in told.photos],
        }
    return None


async def take_up_again(ctx: Context, said: StillThere) -> Mapping[str, Any] | None:
    """反映隐患仍未解决: take the action that the tenant has for it; raises what it refuses."""
    for tip in await ctx.data.find(SafetyTip, code_digest=said.code):
        action = ctx.settings_of(SafetySettings).tip_again_action
        await ctx.events.act(ctx, tip.event, action, reason=said.reason)
        return {"received": ctx.today().isoformat()}
    return None


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
        photos=3,
        gives_code=True,
    ),
    PublicForm(
        "tip/state",
        "查询隐患办理进度",
        "How a hazard that was told stands",
        OwnTip,
        tell_state,
        PUBLIC,
        setting="public_tips",
        fill_seconds=0,
        opened_by="tip",
    ),
    PublicForm(
        "tip/again",
        "反映隐患仍未解决",
        "Say that a hazard is still there",
        StillThere,
        take_up_again,
        PUBLIC,
        setting="public_tips",
        opened_by="tip",
        action_setting="tip_again_action",
    ),
)
