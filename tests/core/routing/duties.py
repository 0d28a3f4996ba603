"""A city whose potholes follow a test's own workflow, with the rooms of routing themselves."""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from jingwei_core.events.ports import Ports
from jingwei_core.routing.reports_up import EventReportsUp
from jingwei_core.routing.router import PlaceRouter
from jingwei_sdk.errors import JingweiError
from tests.core.events.city import City
from tests.core.events.rulebook import Rooms, ruled

TABLES = (
    *("event", "event_step", "event_report_up", "supervision", "deadline_extension"),
    *("event_merge", "event_escalation", "audit_entry"),
)
GRANTS = {
    "superior": ["event.supervise", "event.merge", "event.extend"],
    "centre": ["event.merge"],
    "handler": ["event.extend"],
}


async def routed(city: City, definition: Mapping[str, Any], rooms: Rooms | None = None) -> City:
    """The city under the definition; ``rooms`` resolve who is meant and hear what is told."""
    rooms = rooms or Rooms()
    found = await ruled(city, definition, rooms)
    found.platform.event_ports = Ports(
        recipients=rooms,
        notifier=rooms,
        tasks=rooms,
        certificates=rooms,
        upward_reports=EventReportsUp(),
        router=PlaceRouter(),
    )
    for role, permissions in GRANTS.items():
        await found.fetch(
            "UPDATE core.role SET permissions = permissions || $1::text[] WHERE code = $2",
            permissions,
            role,
        )
    return replace(found)


async def everything(city: City) -> dict[str, Any]:
    """What a refusal must leave alone."""
    return await city.rows(TABLES)


async def refusal_of(
    city: City, login: str, command: str, target: uuid.UUID, **given: Any
) -> JingweiError:
    """The refusal of a command, after which everything is as it was."""
    before = await everything(city)
    with pytest.raises(JingweiError) as refusal:
        await city.run(login, command, target, **given)
    assert await everything(city) == before
    return refusal.value
