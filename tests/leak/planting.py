"""A row of every record in every zone it can lie in, its texts full of canaries."""

import json
import tomllib
import uuid
from datetime import date
from pathlib import Path
from typing import Any

from jingwei_core.access.tables import Account, Department, Post, Role
from jingwei_core.database.unit import Unit
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
from jingwei_core.evidence.keys import Area, object_key
from jingwei_core.evidence.tables import Evidence
from jingwei_core.places.tables import Place, PlaceCode, PlaceLevel, PlaceShape
from jingwei_core.registers.tables import Organisation
from jingwei_core.tenants.tables import PracticeSwitch
from tests.leak.planting_notifications import plant_notification
from tests.leak.planting_patrols import plant_patrols
from tests.leak.planting_public import plant_public_report, plant_public_rules
from tests.leak.planting_reminders import plant_reminder
from tests.leak.planting_routing import plant_routing
from tests.leak.planting_safety import plant_safety
from tests.leak.planting_tasks import plant_tasks
from tests.leak.planting_workforce import plant_workforce
from tests.leak.world import HASH, HOME_OF_STAFF, LONG_AGO, NOW, PATHS, PLACES, ROLES, STAFF, City

STANDARD = Path(__file__).resolve().parents[2] / "tenants/yichang/events/workflows/standard.toml"
LEAF_KIND = "canary.leaf"
LEVELS = ("city", "street", "grid", "building")
LEVEL_OF = {"city": "city", "street": "street", "aside": "street", "near": "grid", "far": "grid"}
# Squares of 0.01 degree with a common edge at 111.30.
WEST_OF = {"near": 1_112_900_000, "far": 1_113_000_000}
SOUTH, SIDE = 306_900_000, 100_000
OWNERS = ("near_worker", "far_worker")
"""Whose uploads there are."""
# zone of an event: (place, reporter, whether it is assigned to the department, whose photo)
EVENTS = {
    "city": ("street", "chief", False, "near_worker"),
    "near": ("near", "chief", False, "near_worker"),
    "far": ("far", "far_worker", False, "far_worker"),
    "department": ("far_house", "far_worker", True, "far_worker"),
    "reported": ("far", "near_worker", False, "near_worker"),
}
_AUDIT = "SELECT core.audit_append($1, 'account', $2, $3, 'test.plant', 'r', $4, $5, $6::jsonb)"


async def plant_everything(city: City, unit: Unit) -> None:
    """All rows of a tenant, in the order in which they refer to each other."""
    await _places(city, unit)
    department = await _staff(city, unit)
    await plant_workforce(city, unit)
    walkers = {owner: await _evidence(city, unit, owner, f"walk-{owner[:4]}") for owner in OWNERS}
    await plant_patrols(city, unit, walkers)
    rules = await _rules(city, unit, department)
    await plant_public_rules(city, unit)
    for number, zone in enumerate(EVENTS):
        event = await _event(city, unit, zone, (number, department, *rules))
        if zone != "reported":
            await plant_tasks(city, unit, zone, event, department)
        if zone in ("city", "near", "far"):
            await plant_public_report(city, unit, zone, event)
            await _organisation(city, unit, zone)  # one that no plugin knows of
            organisation = await _organisation(city, unit, zone)
            await plant_safety(city, unit, zone, organisation, event)
            await _audit(city, unit, zone, event)
    for owner in OWNERS:
        await _evidence(city, unit, owner, f"pending-{owner.replace('_', '-')}")
        await plant_reminder(city, unit, owner)
        await plant_notification(city, unit, owner)


async def _places(city: City, unit: Unit) -> None:
    for rank, code in enumerate(LEVELS):
        named = {"name_zh": city.canary("wide", "level"), "name_en": ""}
        await city.plant(unit, PlaceLevel, "wide", code=code, rank=rank, **named)
    for name, (parent, ordinal, code, zone) in PLACES.items():
        # The names of a place's ancestors are public; everything else of them is not.
        shown = "wide" if zone == "city" else zone
        called, hidden = city.canary(shown, f"place.{name}"), city.canary("hidden", f"{zone}.place")
        city.places[name] = await city.plant(
            unit,
            Place,
            zone,
            parent=city.places.get(parent or ""),
            level=LEVEL_OF.get(name, "building"),
            ordinal=ordinal,
            path=PATHS[name],
            depth=PATHS[name].count("/") - 2,
            name=called,
            name_en=city.canary(zone, "place"),
            search_text=f"{called} {hidden}".lower(),
            code=code,
            kind=city.canary(zone, "place.kind"),
            source=city.canary(zone, "place.source"),
            valid_from=date(2026, 1, 1),
        )
        place = city.places[name]
        of_place: dict[str, Any] = {"place": place, "code": code, "valid_from": date(2026, 1, 1)}
        system = city.canary(zone, f"code.{name}")
        await city.plant(unit, PlaceCode, zone, **of_place, system=system)
        await _shape(city, unit, name, zone)


async def _shape(city: City, unit: Unit, name: str, zone: str) -> None:
    west = WEST_OF.get(name)
    if west is None and name != "street":
        return
    west = west or 1_120_000_000
    corners = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]
    ring = [[(west + x * SIDE) / 1e7, (SOUTH + y * SIDE) / 1e7] for x, y in corners]
    await city.plant(
        unit,
        PlaceShape,
        zone,
        place=city.places[name],
        geometry={"type": "Polygon", "coordinates": [ring], "name": city.canary(zone, "shape")},
        source=city.canary(zone, "shape"),
        min_lon_e7=west,
        max_lon_e7=west + SIDE,
        min_lat_e7=SOUTH,
        max_lat_e7=SOUTH + SIDE,
    )


async def _rules(city: City, unit: Unit, department: uuid.UUID) -> tuple[uuid.UUID, uuid.UUID]:
    definition = tomllib.loads(STANDARD.read_text(encoding="utf-8"))
    told = city.canary("wide", "rule")
    workflow = await city.plant(
        unit, Workflow, "wide", code="standard", number=1, digest=told, definition=definition
    )
    await city.plant(
        unit,
        DeadlineRule,
        "wide",
        profile="canary",
        state="registered",
        amount=2.0,
        unit="hour",
        source=told,
    )
    await _calendar(city, unit)
    return workflow, await _kinds(city, unit, department)


async def _calendar(city: City, unit: Unit) -> None:
    told = city.canary("wide", "rule")
    hours = [{"begin": "08:30", "end": "12:00"}]
    calendar = {"working_hours": hours, "weekend": [6, 7], "source": told}
    await city.plant(unit, WorkCalendar, "wide", code="default", definition=calendar)
    day = {"day": date(2026, 10, 1), "is_working": False, "name": told}
    await city.plant(unit, CalendarDay, "wide", **day)
    await city.plant(unit, PracticeSwitch, "wide", code="check_in", name=told, rule=told)


async def _kinds(city: City, unit: Unit, department: uuid.UUID) -> uuid.UUID:
    told = city.canary("wide", "rule")
    group = await city.plant(
        unit, EventKind, "wide", code="canary", name=told, name_en=told, workflow=""
    )
    return await city.plant(
        unit,
        EventKind,
        "wide",
        code=LEAF_KIND,
        parent=group,
        rank=3,
        name=told,
        name_en=told,
        department=department,
        workflow="standard",
        deadline_profile="canary",
        source=told,
        duplicate_radius_m=5000,
    )


async def _staff(city: City, unit: Unit) -> uuid.UUID:
    told = city.canary("wide", "staff")
    department = await city.plant(
        unit, Department, "wide", code="roads", name=told, name_en=told, duties=told
    )
    roles = {
        code: await city.plant(
            unit, Role, "wide", code=code, name=told, name_en=told, permissions=permissions
        )
        for code, permissions in ROLES.items()
    }
    for login in STAFF:
        await _person(city, unit, login, roles, department)
    return department


async def _person(
    city: City, unit: Unit, login: str, roles: dict[str, uuid.UUID], department: uuid.UUID
) -> None:
    post = STAFF[login]
    home = HOME_OF_STAFF.get(login, "city")
    zone = city.zone_of(login)
    account = await city.plant(
        unit,
        Account,
        zone,
        home,
        login=login,
        name=city.canary(zone, f"staff.{login}"),
        password_hash=HASH,
        phone=city.canary("hidden", f"phone.{login}"),
        email=city.canary("hidden", f"email.{login}"),
    )
    city.accounts[login] = account
    # The account "elsewhere" has its post in the neighbour tenant only.
    if post is None and city.name == "b":
        post = STAFF["chief"]
    if post is None:
        return
    role, place, is_member, begin, end = post
    await city.plant(
        unit,
        Post,
        PLACES[place][3],
        account=account,
        role=roles[role],
        department=department if is_member else None,
        place_id=city.places[place],
        valid_from=begin,
        valid_to=end,
    )


async def _organisation(city: City, unit: Unit, zone: str) -> uuid.UUID:
    told = city.canary(zone, "organisation")
    return await city.plant(
        unit,
        Organisation,
        zone,
        name=told,
        kind="enterprise",
        credit_code=city.canary(zone, "credit"),
        address=told,
        search_text=city.canary("hidden", f"{zone}.organisation").lower(),
        place_id=city.places["street" if zone == "city" else zone],
    )


async def _evidence(city: City, unit: Unit, owner: str, name: str) -> uuid.UUID:
    is_pending = name.startswith("pending")
    areas = (Area.STAGED, None) if is_pending else (Area.ORIGINAL, Area.DERIVED)
    keys = [object_key(city.id, area, name) if area else None for area in areas]
    zone = "theirs" if owner == "far_worker" else "mine"
    return await city.plant(
        unit,
        Evidence,
        zone,
        status="pending" if is_pending else "committed",
        owner=city.accounts[owner],
        store_key=keys[0],
        content_type="image/jpeg",
        size_bytes=1000,
        sha256=city.canary(zone, "digest"),
        position_crs=city.canary(zone, "crs"),
        expires_at=NOW.replace(year=NOW.year + 1),
        derivative_key=keys[1],
        thumbnail_key=keys[1],
    )


async def _event(city: City, unit: Unit, zone: str, given: tuple[Any, ...]) -> uuid.UUID:
    number, department, workflow, kind = given
    place, reporter, is_assigned, _ = EVENTS[zone]
    told = city.canary(zone, "event")
    event = await city.plant(
        unit,
        Event,
        zone,
        created_at=NOW,
        number=f"{told}.number.{number}",
        kind=kind,
        workflow=workflow,
        state="dispatched" if is_assigned else "registered",
        title=told,
        description=told,
        form={"told": told},
        lon_e7=WEST_OF["far"],
        lat_e7=SOUTH,
        position_crs=told,
        place_id=city.places[place],
        reporter=city.accounts[reporter],
        assigned_department=department if is_assigned else None,
        assigned_account=None,
        subject_type=told,
        subject_id=uuid.uuid4(),
        state_since=LONG_AGO,
        state_due_at=NOW,
        due_at=NOW,
    )
    await _step(city, unit, zone, event, number)
    await plant_routing(city, unit, zone, event, (place, "chief"))
    return event


async def _step(city: City, unit: Unit, zone: str, event: uuid.UUID, number: int) -> None:
    _, reporter, _, photographer = EVENTS[zone]
    told = city.canary(zone, "event")
    step = await city.plant(
        unit,
        EventStep,
        zone,
        event=event,
        sequence=1,
        action="register",
        to_state="registered",
        actor=city.accounts[reporter],
        actor_name=told,
        note=told,
        reason=told,
        at=NOW,
        due_at=NOW,
    )
    photo = await _evidence(city, unit, photographer, f"photo-{number}")
    of_event = {"event": event, "step": step, "evidence": photo}
    await city.plant(unit, StepEvidence, zone, **of_event, phase=city.canary(zone, "phase"))


async def _audit(city: City, unit: Unit, zone: str, event: uuid.UUID) -> None:
    told = city.canary(zone, "audit")
    path = await unit.fetchval("SELECT place_path FROM core.event WHERE id = $1", event)
    changes = [{"table": "event", "id": str(event), "before": None, "after": {"title": told}}]
    await unit.execute(_AUDIT, NOW, city.accounts["chief"], told, event, path, json.dumps(changes))
    row = await unit.fetchrow(
        "SELECT * FROM core.audit_entry WHERE actor_name = $1 ORDER BY sequence DESC LIMIT 1", told
    )
    assert row is not None
    city.remember("AuditEntry", row["id"], zone, zone, dict(row))
