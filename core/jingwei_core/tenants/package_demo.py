"""Reading the demo rows of a package: accounts without passwords, events, organisations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import shapely
from shapely.geometry import Point, Polygon

from jingwei_core.events.workflow import WorkflowDefinition
from jingwei_core.tenants.package_files import PackageFolder, Record
from jingwei_core.tenants.package_model import (
    Demo,
    DemoAccount,
    DemoEvent,
    DemoOrganisation,
    KindRow,
    PlaceRow,
    PlaceShape,
)

ACCOUNT_COLUMNS = ("login", "name_zh", "name_en", "role", "place", "department", "primary")
EVENT_COLUMNS = (
    "code",
    "kind",
    "place",
    "title",
    "description",
    "longitude",
    "latitude",
    "days_ago",
    "state",
)
ORGANISATION_COLUMNS = (
    "code",
    "name_zh",
    "name_en",
    "category",
    "place",
    "longitude",
    "latitude",
)


@dataclass(frozen=True, slots=True)
class DemoWorld:
    """What demo rows may point to."""

    places: Mapping[str, PlaceRow]
    shapes: Sequence[PlaceShape]
    kinds: Mapping[str, KindRow]
    workflows: Mapping[str, WorkflowDefinition]
    roles: frozenset[str]
    departments: frozenset[str]

    def require_place(self, record: Record, code: str) -> None:
        """Note a place the package does not have."""
        if code and code not in self.places:
            record.refuse("PACKAGE_UNKNOWN_PLACE", "place", value=code)


def read_demo(folder: PackageFolder, world: DemoWorld) -> Demo:
    """The demo rows, each checked against the rest of the package."""
    polygons = {shape.place: Polygon(shape.rings[0], shape.rings[1:]) for shape in world.shapes}
    return Demo(
        accounts=_accounts(folder, world),
        events=_events(folder, world, polygons),
        organisations=_organisations(folder, world, polygons),
    )


def _accounts(folder: PackageFolder, world: DemoWorld) -> tuple[DemoAccount, ...]:
    rows: dict[str, DemoAccount] = {}
    for record in folder.table("demo/accounts.csv", ACCOUNT_COLUMNS):
        row = DemoAccount(
            login=record.code("login"),
            name_zh=record.text("name_zh"),
            name_en=record.text("name_en"),
            role=record.text("role"),
            place=record.text("place"),
            department=record.optional("department"),
            is_primary=record.is_yes("primary"),
        )
        world.require_place(record, row.place)
        if row.role and row.role not in world.roles:
            record.refuse("PACKAGE_UNKNOWN_ROLE", "role", value=row.role)
        if row.department and row.department not in world.departments:
            record.refuse("PACKAGE_UNKNOWN_DEPARTMENT", "department", value=row.department)
        if row.login in rows:
            record.refuse("PACKAGE_DUPLICATE", "login", value=row.login)
        rows[row.login] = row
    return tuple(rows.values())


def _events(
    folder: PackageFolder, world: DemoWorld, polygons: Mapping[str, Polygon]
) -> tuple[DemoEvent, ...]:
    rows: dict[str, DemoEvent] = {}
    for record in folder.table("demo/events.csv", EVENT_COLUMNS):
        row = DemoEvent(
            code=record.code("code"),
            kind=record.text("kind"),
            place=record.text("place"),
            title=record.text("title"),
            description=record.text("description"),
            longitude=_degrees(record, "longitude"),
            latitude=_degrees(record, "latitude"),
            days_ago=record.integer("days_ago", 0, 3660),
            state=record.text("state"),
        )
        world.require_place(record, row.place)
        _check_position(record, row, polygons)
        _check_kind(record, row, world)
        if row.code in rows:
            record.refuse("PACKAGE_DUPLICATE", "code", value=row.code)
        rows[row.code] = row
    return tuple(rows.values())


def _check_kind(record: Record, row: DemoEvent, world: DemoWorld) -> None:
    kind = world.kinds.get(row.kind)
    if kind is None or not kind.is_leaf:
        if row.kind:
            record.refuse("PACKAGE_UNKNOWN_KIND", "kind", value=row.kind)
        return
    workflow = world.workflows.get(kind.workflow)
    states = {state.code for state in workflow.states} if workflow else set()
    if workflow and row.state and row.state not in states:
        record.refuse("PACKAGE_UNKNOWN_STATE", "state", value=row.state)


def _organisations(
    folder: PackageFolder, world: DemoWorld, polygons: Mapping[str, Polygon]
) -> tuple[DemoOrganisation, ...]:
    rows: dict[str, DemoOrganisation] = {}
    for record in folder.table("demo/organisations.csv", ORGANISATION_COLUMNS):
        row = DemoOrganisation(
            code=record.code("code"),
            name_zh=record.text("name_zh"),
            name_en=record.text("name_en"),
            category=record.code("category"),
            place=record.text("place"),
            longitude=_degrees(record, "longitude"),
            latitude=_degrees(record, "latitude"),
        )
        world.require_place(record, row.place)
        _check_position(record, row, polygons)
        if row.code in rows:
            record.refuse("PACKAGE_DUPLICATE", "code", value=row.code)
        rows[row.code] = row
    return tuple(rows.values())


def _degrees(record: Record, name: str) -> float:
    low, high = (73, 136) if name == "longitude" else (3, 54)
    return float(record.decimal(name, Decimal(low), Decimal(high)))


def _check_position(
    record: Record, row: DemoEvent | DemoOrganisation, polygons: Mapping[str, Polygon]
) -> None:
    polygon = polygons.get(row.place)
    if polygon is None or not record.is_sound:
        return
    if not shapely.covers(polygon, Point(row.longitude, row.latitude)):
        record.refuse("PACKAGE_OUTSIDE", "longitude", place=row.place)
