"""How reports upward are read, and what was done because time was up."""

from jingwei_core.routing.tables import EventReportUp
from jingwei_sdk.records import AtPlace, One, OwnedBy, Record

REPORT_UP = Record(
    EventReportUp,
    read="event.read",
    scope=(AtPlace(), OwnedBy("account", covered=True)),
    plural="eventReportsUp",
    filters=("event", "account", "asked_at", "acknowledged_at"),
    sort=("asked_at",),
    hidden=frozenset({"place_path"}),
    relations={
        "event": One("event", "Event"),
        "account": One("account", "Account"),
    },
)

RECORDS = (REPORT_UP,)
