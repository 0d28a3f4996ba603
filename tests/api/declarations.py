"""A small city's declarations: core tables as records, and a plugin that extends one of them."""

import enum
import uuid
from datetime import datetime
from typing import Annotated, Any

import msgspec

from jingwei_core.access.questions import QUESTIONS
from jingwei_core.access.tables import Account, Department, Post, Role
from jingwei_core.events.tables import Event, EventKind, EventStep
from jingwei_core.places.tables import Place
from jingwei_core.reading.subscriptions import SUBSCRIPTIONS
from jingwei_core.registry import Registry, build_registry
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.records import (
    AtPlace,
    Computed,
    Extension,
    Many,
    OwnedBy,
    Record,
    TenantWide,
    Through,
)
from jingwei_sdk.tables import CoreRef, PlacedTable, TenantTable, choice

places = Record(
    Place,
    read="place.read",
    scope=(AtPlace("path"),),
    filters=("level", "parent", "valid_from"),
    sort=("ordinal", "name"),
    search="search_text",
    hidden=frozenset({"path", "search_text"}),
    relations={"children": Many("Place", "parent")},
)
accounts = Record(
    Account,
    read="account.read",
    scope=(TenantWide(), OwnedBy("id")),
    sort=("name",),
    guarded={"login": "account.manage"},
    hidden=frozenset({"password_hash", "failed_count", "locked_until", "session_epoch"}),
)
departments = Record(Department, read="department.read", scope=(TenantWide(),), sort=("code",))
roles = Record(Role, read="role.read", scope=(TenantWide(),), sort=("code",))
posts = Record(
    Post, read="post.read", scope=(AtPlace(), OwnedBy("account")), filters=("account", "is_primary")
)
kinds = Record(
    EventKind, read="event.read", scope=(TenantWide(),), filters=("code",), sort=("code",)
)
events = Record(
    Event,
    read="event.read",
    scope=(AtPlace(), OwnedBy("reporter")),
    filters=("id", "state", "kind", "place_id", "is_final", "state_due_at", "closed_at", "lon_e7"),
    sort=("created_at", "state_due_at", "title"),
    hidden=frozenset({"lat_e7"}),
    relations={"steps": Many("EventStep", "event")},
)
steps = Record(EventStep, read="event.read", scope=(Through("event", "Event"),), sort=("sequence",))


class Photo(msgspec.Struct, frozen=True):
    """照片: a photo that is already uploaded."""

    evidence_id: uuid.UUID
    phase: str = "before"


class Report(msgspec.Struct, frozen=True):
    """What was found, and where."""

    place_id: Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Place"})]
    title: Annotated[str, msgspec.Meta(max_length=40)]
    photos: tuple[Photo, ...] = ()
    found_at: datetime | None = None
    form: dict[str, Any] = {}


class Ticket(msgspec.Struct, frozen=True):
    """A plain answer."""

    number: str
    place: Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Place"})]
    until: datetime | None = None


@command("event.report", permission="event.report", at="place_id", returns=events)
async def report(ctx: Context, change: Report) -> Event:
    """Report an event (上报)."""
    raise NotImplementedError


@command("event.file", permission="event.file", on=events)
async def file(ctx: Context, event: Event) -> Event:
    """File an event (立案)."""
    return event


@command("event.ticket", permission="event.report", tenant_wide=True)
async def ticket(ctx: Context, change: Report) -> Ticket:
    """A ticket."""
    return Ticket("1", change.place_id)


CORE = Plugin(
    id="core",
    package="jingwei_core",
    questions=QUESTIONS,
    subscriptions=SUBSCRIPTIONS,
    records=(places, accounts, departments, roles, posts, kinds, events, steps),
    commands=(report, file, ticket),
)


class HazardLevel(enum.StrEnum):
    """隐患等级: how dangerous it is."""

    GENERAL = "general"
    MAJOR = "major"


class SafetyHazard(PlacedTable, tablename="hazard", schema="safety_production"):
    """安全隐患: a hazard found at an enterprise."""

    event = CoreRef("Event", null=True)
    level = choice(HazardLevel, HazardLevel.GENERAL)


hazards = Record(
    SafetyHazard, read="safety.hazard.read", scope=(AtPlace(),), filters=("level", "event")
)


async def _risk(ctx: Context, rows: Any) -> list[int]:
    return [len(rows)] * len(rows)


SAFETY = Plugin(
    id="safety-production",
    package="jingwei_safety_production",
    tables=(SafetyHazard,),
    records=(hazards,),
    extensions=(
        Extension(
            "Event",
            relations={"safety_hazards": Many("SafetyHazard", "event")},
            computed={"safety_batch": Computed(int, ("id",), _risk, description="Batch size.")},
        ),
    ),
)


def registry(*plugins: Plugin) -> Registry:
    """The registry of the core and these plugins."""
    return build_registry((CORE, *plugins))


def other_record(name: str, table: type[TenantTable] = Place) -> Record:
    """A record of another plugin with a chosen type name."""
    return Record(table, read="other.read", scope=(AtPlace("path"),), name=name, plural=f"{name}x")
