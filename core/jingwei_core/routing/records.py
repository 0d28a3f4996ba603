"""How reports upward are read, and what was done because time was up."""

from datetime import datetime

from jingwei_core.routing.tables import (
    DeadlineExtension,
    EventEscalation,
    EventReportUp,
    Supervision,
)
from jingwei_core.routing.told import (
    account_names,
    acknowledged_by_names,
    event_numbers,
    event_places,
    event_titles,
    events_closed_at,
)
from jingwei_sdk.records import AtPlace, Computed, One, OwnedBy, Record, Through

_EVENT = One("event", "Event")
_NEEDS = ("event",)
REPORT_UP = Record(
    EventReportUp,
    read="event.read",
    scope=(AtPlace(), OwnedBy("account", covered=True)),
    plural="eventReportsUp",
    filters=("event", "account", "asked_at", "acknowledged_at"),
    sort=("asked_at",),
    hidden=frozenset({"place_path"}),
    relations={"event": _EVENT, "account": One("account", "Account")},
    # Whoever is reported to has to know of what, also without a post over the event's place.
    computed={
        "event_number": Computed(
            str | None, _NEEDS, event_numbers, description="number of the event that is reported"
        ),
        "event_title": Computed(
            str | None, _NEEDS, event_titles, description="what the event is called"
        ),
        "event_place_name": Computed(
            str | None, _NEEDS, event_places, description="where it lies, in words"
        ),
        "event_closed_at": Computed(
            datetime | None, _NEEDS, events_closed_at, description="when it came to its end"
        ),
        "account_name": Computed(
            str | None, ("account",), account_names, description="work name of the recipient"
        ),
        "acknowledged_by_name": Computed(
            str | None,
            ("acknowledged_by",),
            acknowledged_by_names,
            description="work name of who acknowledged it",
        ),
    },
)
ESCALATION = Record(
    EventEscalation,
    read="event.read",
    scope=(Through("event", "Event"),),
    filters=("event", "at"),
    sort=("at",),
    hidden=frozenset({"told"}),
    relations={"event": _EVENT},
)
SUPERVISION = Record(
    Supervision,
    read="event.read",
    scope=(Through("event", "Event"),),
    filters=("event", "supervisor", "answered_at", "due_at"),
    sort=("asked_at",),
    relations={"event": _EVENT, "supervisor": One("supervisor", "Account")},
)
EXTENSION = Record(
    DeadlineExtension,
    read="event.read",
    scope=(Through("event", "Event"),),
    filters=("event", "state", "asked_by"),
    sort=("asked_at",),
    relations={"event": _EVENT},
)

RECORDS = (REPORT_UP, ESCALATION, SUPERVISION, EXTENSION)
