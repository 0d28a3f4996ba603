"""How reports upward are read, and what was done because time was up."""

from jingwei_core.routing.tables import (
    DeadlineExtension,
    EventEscalation,
    EventReportUp,
    Supervision,
)
from jingwei_sdk.records import AtPlace, One, OwnedBy, Record, Through

_EVENT = One("event", "Event")
REPORT_UP = Record(
    EventReportUp,
    read="event.read",
    scope=(AtPlace(), OwnedBy("account", covered=True)),
    plural="eventReportsUp",
    filters=("event", "account", "asked_at", "acknowledged_at"),
    sort=("asked_at",),
    hidden=frozenset({"place_path"}),
    relations={"event": _EVENT, "account": One("account", "Account")},
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
