"""Hazards (隐患): opening them with an event, rectification, and what the event's steps mean."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any

import msgspec

from jingwei_safety_production.event_types import HAZARD_SETTLED, HazardSettled
from jingwei_safety_production.records import ENTERPRISE, HAZARD
from jingwei_safety_production.settings import SafetySettings
from jingwei_safety_production.tables import (
    UNSETTLED,
    SafetyEnterprise,
    SafetyHazard,
    SafetyHazardLevel,
    SafetyHazardStatus,
)
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context, OpenEvent
from jingwei_sdk.errors import Conflict, Invalid

PLUGIN = "safety-production"
EVENT_KIND = "safety.hazard.inspection"
"""Below the group ``safety.hazard`` that tenants keep for what anybody may report."""

_TITLE_LENGTH = 100
_BATCH = 500
_LEVELS = {SafetyHazardLevel.GENERAL: "一般隐患", SafetyHazardLevel.MAJOR: "重大隐患"}
_OVERDUE = """
SELECT id FROM safety_production.hazard
WHERE status = 'open' AND overdue_since IS NULL AND rectify_by < $1 ORDER BY id
"""

Words = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class FoundHazard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A hazard as it is found; without ``rectify_by`` the tenant's days for its level count."""

    description: Words
    level: SafetyHazardLevel = SafetyHazardLevel.GENERAL
    rectify_by: Annotated[date, msgspec.Meta(description="整改期限, the last day")] | None = None


class Rectification(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """整改情况: what was done about the hazard."""

    measures: Words


@dataclass(frozen=True, slots=True)
class Origin:
    """The inspection and the item of its checklist that brought a hazard up."""

    inspection: uuid.UUID | None = None
    item_code: str = ""


@command("safety.hazard.report", permission="safety.hazard.write", on=ENTERPRISE, returns=HAZARD)
async def report(ctx: Context, target: SafetyEnterprise, found: FoundHazard) -> SafetyHazard:
    """上报隐患: report a hazard at an enterprise outside an inspection; its event is opened."""
    return await open_hazard(ctx, target, found, Origin())


@command("safety.hazard.rectify", permission="safety.hazard.rectify", on=HAZARD)
async def rectify(ctx: Context, target: SafetyHazard, given: Rectification) -> SafetyHazard:
    """填报整改: state the measures taken; the hazard then waits for its event to be closed.

    Raises ``Conflict`` (``SAFETY_HAZARD_SETTLED``) for one that is verified or withdrawn,
    ``Invalid`` (``SAFETY_TEXT_REQUIRED``).
    """
    if target.status not in (SafetyHazardStatus.OPEN, SafetyHazardStatus.RECTIFIED):
        raise Conflict("SAFETY_HAZARD_SETTLED", field="id", status=target.status)
    return await _change(
        ctx,
        target,
        measures=_text("measures", given.measures),
        status=SafetyHazardStatus.RECTIFIED,
        rectified_at=ctx.now(),
    )


async def open_hazard(
    ctx: Context, enterprise: SafetyEnterprise, found: FoundHazard, origin: Origin
) -> SafetyHazard:
    """Store a hazard together with an event of the plugin's own kind, due when it is.

    Raises ``Invalid`` (``SAFETY_RECTIFY_BY_PAST``, ``SAFETY_TEXT_REQUIRED``).
    """
    description = _text("description", found.description)
    rectify_by = found.rectify_by or ctx.today() + timedelta(days=_days(ctx, found.level))
    if rectify_by < ctx.today():
        raise Invalid("SAFETY_RECTIFY_BY_PAST", field="rectifyBy", day=rectify_by.isoformat())
    hazard = SafetyHazard(
        enterprise=enterprise.id,
        inspection=origin.inspection,
        item_code=origin.item_code,
        level=found.level,
        description=description,
        rectify_by=rectify_by,
        place_id=enterprise.place_id,
    )
    organisation = await ctx.records.get(ctx, "Organisation", enterprise.organisation)
    title = f"{_LEVELS[found.level]}·{organisation['name']}：{description}"
    hazard.event = await ctx.events.open(
        ctx,
        OpenEvent(
            kind=EVENT_KIND,
            place_id=enterprise.place_id,
            title=title if len(title) <= _TITLE_LENGTH else title[: _TITLE_LENGTH - 1] + "…",
            description=description,
            subject_type=HAZARD.name,
            subject_id=hazard.id,
            due_at=datetime.combine(rectify_by, time(23, 59, 59), ctx.tenant.timezone),
        ),
    )
    stored = await ctx.data.insert(hazard)
    await ctx.signals.changed(HAZARD.name, stored.id, stored.place_path)
    return stored


async def follow_event(ctx: Context, hazard_id: uuid.UUID) -> None:
    """Bring a hazard to what its event says now: closed 销号, rejected or cancelled withdrawn,
    taken up again open.

    It reads where the event stands instead of believing the message, so a message that comes twice,
    late or in the wrong order changes nothing.
    """
    hazard = await ctx.data.lock(SafetyHazard, hazard_id)
    event = await ctx.records.get(ctx, "Event", hazard.event)
    status = settled_status(hazard, event)
    if status == hazard.status:
        return
    if status is SafetyHazardStatus.OPEN:
        await _change(ctx, hazard, status=status, measures="", rectified_at=None)
    else:
        stored = await _change(ctx, hazard, status=status)
        level = SafetyHazardLevel(stored.level)
        told = HazardSettled(stored.id, stored.enterprise, level, status)
        await ctx.signals.publish(HAZARD_SETTLED, told)


def settled_status(hazard: SafetyHazard, event: Mapping[str, Any]) -> SafetyHazardStatus:
    """The status that a hazard has when its event stands as it does."""
    status = SafetyHazardStatus(hazard.status)
    if event["is_final"]:
        is_closed = event["state"] == "closed"
        return SafetyHazardStatus.VERIFIED if is_closed else SafetyHazardStatus.WITHDRAWN
    if status in (SafetyHazardStatus.VERIFIED, SafetyHazardStatus.WITHDRAWN):
        return SafetyHazardStatus.OPEN
    return status


async def mark_overdue(ctx: Context, payload: Mapping[str, Any]) -> None:
    """逾期未整改: mark open hazards whose last day has passed; a second run finds none."""
    today = ctx.today()
    for row in await ctx.data.fetch(_OVERDUE, today):
        hazard = await ctx.data.lock(SafetyHazard, row["id"])
        if hazard.status == SafetyHazardStatus.OPEN:
            await _change(ctx, hazard, overdue_since=hazard.rectify_by + timedelta(days=1))


async def catch_up(ctx: Context, payload: Mapping[str, Any]) -> None:
    """补齐销号: settle hazards whose event ended unheard, while the plugin was switched off."""
    waiting = [row for each in UNSETTLED for row in await ctx.data.find(SafetyHazard, status=each)]
    for start in range(0, len(waiting), _BATCH):
        part = waiting[start : start + _BATCH]
        events = await ctx.records.many(ctx, "Event", [hazard.event for hazard in part])
        for hazard in part:
            event = events.get(hazard.event)
            if event is not None and settled_status(hazard, event) != hazard.status:
                await follow_event(ctx, hazard.id)


async def _change(ctx: Context, hazard: SafetyHazard, **changes: object) -> SafetyHazard:
    stored = await ctx.data.update(hazard, **changes)
    await ctx.signals.changed(HAZARD.name, stored.id, stored.place_path)
    return stored


def _days(ctx: Context, level: SafetyHazardLevel) -> int:
    """整改天数 of the tenant."""
    settings = ctx.settings_of(SafetySettings)
    if level is SafetyHazardLevel.MAJOR:
        return settings.rectify_days_major
    return settings.rectify_days_general


def _text(field: str, text: str) -> str:
    text = text.strip()
    if not text:
        raise Invalid("SAFETY_TEXT_REQUIRED", field=field)
    return text
