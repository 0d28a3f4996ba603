"""What routing keeps of events in the leak tests: reports upward, supervision, time, rungs."""

import uuid

from jingwei_core.database.unit import Unit
from jingwei_core.routing.tables import (
    DeadlineExtension,
    EventEscalation,
    EventReportUp,
    Supervision,
)
from tests.leak.world import NOW, City


async def plant_routing(
    city: City, unit: Unit, zone: str, event: uuid.UUID, where: tuple[str, str]
) -> None:
    """A row of each about an event; ``where`` names a place, and an account that may see it."""
    place, account = where
    told, who = city.canary(zone, "routing"), city.accounts[account]
    said = {"event": event, "asked_at": NOW}
    await city.plant(
        unit,
        EventReportUp,
        zone,
        **said,
        place_id=city.places[place],
        whom=told,
        account=who,
        note=told,
    )
    answer = {"answer": told, "answered_by": who, "answered_at": NOW}
    await city.plant(
        unit, Supervision, zone, **said, supervisor=who, reason=told, due_at=NOW, **answer
    )
    await city.plant(
        unit,
        DeadlineExtension,
        zone,
        **said,
        state="asked",
        asked_by=city.accounts["suspended"],  # nobody decides on what they asked for
        amount=1,
        unit="day",
        reason=told,
        event_state=told,
        decision_note=told,
    )
    rung = {"state": told, "entered_at": NOW, "rung": 1, "due_at": NOW, "whom": told, "does": told}
    await city.plant(unit, EventEscalation, zone, event=event, at=NOW, **rung)
