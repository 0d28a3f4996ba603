"""What runs and lies in a random city: kinds, events with their steps, organisations, safety."""

import json
import uuid
from typing import Any

from jingwei_core.events.tables import (
    CalendarDay,
    DeadlineRule,
    Event,
    EventKind,
    EventStep,
    StepEvidence,
    WorkCalendar,
    Workflow,
)
from jingwei_core.evidence.tables import Evidence
from jingwei_core.registers.tables import Organisation
from jingwei_core.reminders.tables import Reminder
from jingwei_core.tenants.tables import PracticeSwitch
from jingwei_safety_production.tables import (
    SafetyChecklist,
    SafetyEnterprise,
    SafetyHazard,
    SafetyHazardLevel,
    SafetyHazardStatus,
    SafetyInspection,
    SafetyInspectionItem,
    SafetyRiskLevel,
    SafetyVerdict,
)
from tests.oracle.odd import DAYS, FORMS, INSTANTS, TEXTS
from tests.oracle.planting import City, json_list, moment, workflow

EVENTS, ORGANISATIONS, ENTRIES = 55, 40, 25
SUBJECTS = (None, None, "Organisation", "Organisation", "Event", "SafetyEnterprise", "Nothing")
_AUDIT = "SELECT core.audit_append($1, 'account', $2, $3, $4, $5, $6, $7, $8::jsonb)"


async def plant_rules(city: City) -> None:
    """Workflows, kinds, deadlines and days."""
    for number in (1, 2):
        told = {"digest": city.text(), "definition": workflow(number), "is_current": number == 2}
        await city.plant(Workflow, code="standard", number=number, **told)
    for state in ("registered", "dispatched", "*"):
        amount = city.some([0.25, 2.0, 1e-3, 100.0, 1 / 3])
        told = {"amount": amount, "unit": "hour", "source": city.text()}
        await city.plant(DeadlineRule, profile="p", state=state, **told)
    await city.plant(WorkCalendar, code="default", definition=FORMS[3])
    for day in DAYS:
        await city.plant(CalendarDay, day=day, is_working=city.some([True, False]))
    for code in ("check_in", "ranking"):
        await city.plant(PracticeSwitch, code=code, name=city.text(), rule=city.text())
    for number in range(10):
        leaf = number > 3
        await city.plant(
            EventKind,
            code=f"k{number}",
            parent=city.maybe(city.any_of("EventKind")) if number else None,
            rank=3 if leaf else 1,
            name=city.text(),
            department=city.maybe(city.any_of("Department")),
            workflow="standard" if leaf else "",
            form_schema=city.maybe(city.some(FORMS), 0.5),
            grade=city.maybe(city.chance.randint(1, 4)),
            duplicate_radius_m=city.some([None, 5000, 100_000]),
            duplicate_days=city.some([None, 30, 400]),
            is_active=number != 9,
        )


async def plant_evidence(city: City) -> None:
    """Uploads, pending and committed."""
    for number in range(EVENTS):
        key = f"{city.tenant}/original/photo-{number}"
        await city.plant(
            Evidence,
            status=city.some(["pending", "committed", "committed"]),
            owner=city.some(list(city.staff.values())),
            store_key=key,
            content_type=city.some(["image/jpeg", "image/png"]),
            size_bytes=city.some([0, 1, 2**31, 2**53 - 1]),
            sha256=city.text(),
            expires_at=moment(city.chance),
            derivative_key=city.maybe(key.replace("original", "derived")),
            thumbnail_key=city.maybe(key.replace("original", "derived")),
            taken_at=city.maybe(moment(city.chance)),
            lon_e7=city.maybe(1_112_345_678),
            lat_e7=city.maybe(306_543_210),
            position_crs=city.maybe("EPSG:4326"),
        )


async def plant_events(city: City) -> None:
    """Some more events, their steps and photos."""
    states = [state["code"] for state in workflow(1)["states"]]
    taken = city.ids.setdefault("TakenEvidence", [])
    photos = [each for each in city.ids["Evidence"] if each not in taken]
    for _ in range(EVENTS):
        event = await _event(city, city.some(states))
        for sequence in range(city.chance.randrange(5)):
            step = await _step(city, event, sequence, city.some(states))
            if photos and city.chance.random() < 0.4:
                taken.append(photos.pop())
                of_event = {"event": event, "step": step, "evidence": taken[-1]}
                phase = city.some(["before", "after", "other", "处置前"])
                await city.plant(StepEvidence, **of_event, phase=phase)


async def _event(city: City, state: str) -> uuid.UUID:
    chance = city.chance
    subject = city.some(SUBJECTS)
    position = (1_112_000_000 + chance.randrange(400_000), 306_000_000 + chance.randrange(400_000))
    has_position = chance.random() < 0.7
    return await city.plant(
        Event,
        number=city.unique(city.some(["20260615-", "", "编号"])),
        kind=city.any_of("EventKind"),
        workflow=city.any_of("Workflow"),
        state=state,
        is_final=state in ("closed", "rejected", "cancelled"),
        title=city.text(),
        description=city.text(),
        source=city.some(["grid_worker", "plugin", "热线"]),
        form=city.some(FORMS),
        lon_e7=position[0] if has_position else None,
        lat_e7=position[1] if has_position else None,
        position_crs=city.maybe("EPSG:4490"),
        position_accuracy_m=city.some([None, 0, 5, 5, 2**31 - 1]),
        place_id=city.any_of("Place"),
        reporter=city.maybe(city.some(list(city.staff.values()))),
        assigned_department=city.maybe(city.any_of("Department"), 0.4),
        assigned_account=city.maybe(city.some(list(city.staff.values())), 0.3),
        subject_type=subject,
        subject_id=city.maybe(city.some([*city.ids.get(subject or "", ()), city.new_id()])),
        state_since=moment(chance),
        state_due_at=city.maybe(moment(chance), 0.6),
        warn_at=city.maybe(moment(chance)),
        due_at=city.maybe(moment(chance), 0.6),
        closed_at=city.maybe(moment(chance), 0.4),
    )


async def _step(city: City, event: uuid.UUID, sequence: int, state: str) -> uuid.UUID:
    return await city.plant(
        EventStep,
        event=event,
        sequence=sequence,
        action=city.some(["file", "verify", "备注"]),
        from_state=city.maybe("registered"),
        to_state=state,
        actor=city.maybe(city.some(list(city.staff.values()))),
        actor_name=city.text(),
        department=city.maybe(city.any_of("Department"), 0.3),
        assignee=city.maybe(city.some(list(city.staff.values())), 0.3),
        note=city.text(),
        reason=city.text(),
        at=moment(city.chance),
        due_at=city.maybe(moment(city.chance), 0.5),
        was_late=city.some([True, False]),
    )


async def plant_registers(city: City) -> None:
    """Organisations, and what work safety keeps of them."""
    for _ in range(ORGANISATIONS):
        name = city.text()
        await city.plant(
            Organisation,
            name=name,
            kind=city.some(["enterprise", "institution", "association"]),
            credit_code=city.some([None, "91420500MA48", "91420500MA49", city.text()]),
            address=city.text(),
            search_text=f"{name} {city.some(TEXTS)}".lower(),
            place_id=city.any_of("Place"),
        )
    for number in (1, 2):
        told = {"name": city.text(), "items": json_list({"code": "a", "zh": city.text()})}
        await city.plant(SafetyChecklist, code="c", number=number, **told)
    # The last ones keep books of organisations that are gone.
    for organisation in [*city.ids["Organisation"][::2], city.new_id(), city.new_id()]:
        await _enterprise(city, organisation)


async def _enterprise(city: City, organisation: uuid.UUID) -> None:
    place = {"place_id": city.any_of("Place")}
    enterprise = await city.plant(
        SafetyEnterprise,
        **place,
        organisation=organisation,
        industry=city.text(),
        risk_level=city.some(list(SafetyRiskLevel)).value,
        employee_count=city.maybe(city.chance.randrange(1000)),
        last_inspected_on=city.maybe(city.some(DAYS)),
    )
    for _ in range(city.chance.randrange(3)):
        inspection = await city.plant(
            SafetyInspection,
            place_id=city.some([place["place_id"], city.any_of("Place")]),
            enterprise=enterprise,
            checklist=city.any_of("SafetyChecklist"),
            inspector=city.some([None, city.new_id(), *city.staff.values()]),
            inspected_on=city.some(DAYS),
            failed_items=city.chance.randrange(3),
            note=city.text(),
        )
        for code in "ab":
            verdict = city.some(list(SafetyVerdict)).value
            item: dict[str, Any] = {"code": code, "verdict": verdict, "note": city.text()}
            await city.plant(SafetyInspectionItem, inspection=inspection, **item)
        await _hazard(city, enterprise, inspection)


async def _hazard(city: City, enterprise: uuid.UUID, inspection: uuid.UUID) -> None:
    taken = city.ids.setdefault("HazardEvents", [])
    event = city.any_of("Event")
    is_known = event not in taken
    taken.append(event)
    await city.plant(
        SafetyHazard,
        place_id=city.any_of("Place"),
        enterprise=enterprise,
        inspection=city.maybe(inspection),
        level=city.some(list(SafetyHazardLevel)).value,
        description=city.text(),
        rectify_by=city.some(DAYS),
        status=city.some(list(SafetyHazardStatus)).value,
        event=event if is_known else city.some([None, city.new_id()]),
        measures=city.text(),
        rectified_at=city.maybe(moment(city.chance)),
        overdue_since=city.maybe(city.some(DAYS), 0.4),
    )


async def plant_audit(city: City) -> None:
    """Entries of the audit log, some of them of no place."""
    for number in range(ENTRIES):
        path = city.maybe(city.some(list(city.paths.values())), 0.8)
        who = city.some(list(city.staff.values()))
        target = city.maybe(city.any_of("Event"))
        told = (city.text(), f"event.{number % 3}", city.text(), target, path)
        changes = json.dumps([{"table": "event", "after": city.some(FORMS)}])
        await city.unit.execute(_AUDIT, city.some(INSTANTS), who, *told, changes)


async def plant_reminders(city: City) -> None:
    """Reminders of some accounts, of rows that are there and of some that are not."""
    for number in range(ENTRIES):
        kind = city.some(SUBJECTS) or "Event"
        known = city.ids.get(kind, [city.new_id()])
        await city.plant(
            Reminder,
            account=city.some(list(city.staff.values())),
            code=f"safety-production.{number}",
            message=city.some(["EVENT_NOT_FOUND", city.text()]),
            params={"id": city.text()},
            subject_type=kind,
            subject_id=city.some([city.some(known), city.new_id()]),
            day=city.some(DAYS),
        )
