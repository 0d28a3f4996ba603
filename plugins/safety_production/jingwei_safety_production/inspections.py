"""Inspections (检查): a checklist answered at an enterprise, and the hazards it found."""

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Annotated

import msgspec

from jingwei_safety_production.checklists import item_codes
from jingwei_safety_production.hazards import FoundHazard, Origin, open_hazard
from jingwei_safety_production.records import ENTERPRISE, INSPECTION
from jingwei_safety_production.tables import (
    SafetyChecklist,
    SafetyEnterprise,
    SafetyInspection,
    SafetyInspectionItem,
    SafetyVerdict,
)
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Invalid

ChecklistId = Annotated[uuid.UUID, msgspec.Meta(extra={"record": "SafetyChecklist"})]
Note = Annotated[str, msgspec.Meta(max_length=2000)]


class SafetyItemVerdict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The verdict on one item of the checklist."""

    code: str
    verdict: SafetyVerdict
    note: Note = ""


class SafetyHazardAtItem(FoundHazard, frozen=True, kw_only=True):
    """A hazard, and the failed item that it belongs to."""

    item: str


class NewInspection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An inspection: every item of the checklist is answered once."""

    checklist: ChecklistId
    items: tuple[SafetyItemVerdict, ...]
    inspected_on: Annotated[date, msgspec.Meta(description="today when left out")] | None = None
    hazards: tuple[SafetyHazardAtItem, ...] = ()
    note: Note = ""


@command(
    "safety.inspection.record",
    permission="safety.inspection.write",
    on=ENTERPRISE,
    returns=INSPECTION,
)
async def record(ctx: Context, target: SafetyEnterprise, new: NewInspection) -> SafetyInspection:
    """记录检查: store an inspection; each hazard opens an event of its own.

    Raises ``Invalid``: ``SAFETY_CHECKLIST_UNKNOWN``, ``SAFETY_ITEM_UNKNOWN``,
    ``SAFETY_ITEM_TWICE``, ``SAFETY_ITEMS_MISSING``, ``SAFETY_HAZARD_WITHOUT_FAILURE``,
    ``SAFETY_DATE_FUTURE`` and those of :func:`open_hazard`.
    """
    inspected_on = new.inspected_on or ctx.today()
    if inspected_on > ctx.today():
        raise Invalid("SAFETY_DATE_FUTURE", field="inspectedOn", day=inspected_on.isoformat())
    found = await ctx.data.find(SafetyChecklist, id=new.checklist)
    if not found:
        raise Invalid("SAFETY_CHECKLIST_UNKNOWN", field="checklist")
    failed = _failed(item_codes(found[0]), new)
    inspection = await ctx.data.insert(
        SafetyInspection(
            enterprise=target.id,
            checklist=found[0].id,
            inspector=ctx.actor.account_id,
            inspected_on=inspected_on,
            failed_items=len(failed),
            note=new.note.strip(),
            place_id=target.place_id,
        )
    )
    answered = [
        SafetyInspectionItem(
            inspection=inspection.id, code=item.code, verdict=item.verdict, note=item.note.strip()
        )
        for item in new.items
    ]
    await ctx.data.insert_all(answered)
    before: date | None = target.last_inspected_on
    if before is None or before < inspected_on:
        target = await ctx.data.update(target, last_inspected_on=inspected_on)
    for hazard in new.hazards:
        await open_hazard(ctx, target, hazard, Origin(inspection.id, hazard.item))
    await ctx.signals.changed(INSPECTION.name, inspection.id, inspection.place_path)
    return inspection


def _failed(asked: Sequence[str], new: NewInspection) -> set[str]:
    """The codes of the failed items, after checking answers and hazards against the checklist."""
    answered = [item.code for item in new.items]
    unknown = sorted(set(answered) - set(asked))
    if unknown:
        raise Invalid("SAFETY_ITEM_UNKNOWN", field="items", items=unknown)
    twice = sorted({code for code in answered if answered.count(code) > 1})
    if twice:
        raise Invalid("SAFETY_ITEM_TWICE", field="items", items=twice)
    missing = [code for code in asked if code not in answered]
    if missing:
        raise Invalid("SAFETY_ITEMS_MISSING", field="items", items=missing)
    failed = {item.code for item in new.items if item.verdict is SafetyVerdict.FAIL}
    for place, hazard in enumerate(new.hazards):
        if hazard.item not in failed:
            field = f"hazards.{place}.item"
            raise Invalid("SAFETY_HAZARD_WITHOUT_FAILURE", field=field, item=hazard.item)
    return failed
