"""Questions about events (事件提问): what waits for me, what lies in my area, is it a duplicate."""

from functools import partial
from typing import Annotated

import msgspec

from jingwei_core.events.duplicates import MAX_HINTS, narrowed, near
from jingwei_core.events.kinds import checked_kind
from jingwei_core.events.placing import ReportedPosition
from jingwei_core.events.queue import in_area, queued, waiting
from jingwei_core.events.queue_guards import Standing
from jingwei_core.events.records import EVENT
from jingwei_sdk.narrowing import Asker, Narrowed
from jingwei_sdk.questions import AboutRow, Question


class DuplicateQuestion(msgspec.Struct, frozen=True):
    """A report that is about to be made."""

    kind_code: Annotated[str, msgspec.Meta(description="Code of the event kind.")]
    lon: Annotated[float, msgspec.Meta(description="Longitude, degree.")]
    lat: Annotated[float, msgspec.Meta(description="Latitude, degree.")]
    crs: Annotated[
        str,
        msgspec.Meta(description="Coordinate system of the position: EPSG:4490 or EPSG:4326."),
    ]


def my_queue(asker: Asker) -> Narrowed:
    """The open events that wait for the asker."""
    zone = asker.tenant.timezone
    clock = partial(asker.rules.work_clock, zone)
    standing = Standing(asker.actor, asker.now, asker.now.astimezone(zone).date(), clock)
    groups = waiting(asker.rules.definitions, asker.permissions)
    return Narrowed((queued(groups, standing),))


def my_area(asker: Asker) -> Narrowed:
    """The events in the asker's area."""
    return Narrowed((in_area(asker.permissions),))


def event_duplicates(asker: Asker, given: DuplicateQuestion) -> Narrowed:
    """Open events that a report may repeat; raises ``Invalid`` for an unknown kind or a position
    without a known coordinate system."""
    kinds, code = asker.rules.kinds_by_code, given.kind_code
    kind = checked_kind(kinds.get(code.strip()), code, by_plugin=True)
    return narrowed(near(kind, ReportedPosition(given.lon, given.lat, given.crs), asker.now))


QUESTIONS = (
    Question(
        "my_queue",
        EVENT,
        narrow=my_queue,
        is_page=True,
        needs_rules=True,
        signed_in=True,
        cost=5,
        description="What waits for me (我的待办).",
    ),
    Question(
        "my_area",
        EVENT,
        narrow=my_area,
        is_page=True,
        signed_in=True,
        cost=0,
        description="Events in my area (我的辖区).",
    ),
    Question(
        "event_duplicates",
        EVENT,
        narrow=event_duplicates,
        input=DuplicateQuestion,
        about=AboutRow(
            "EventDuplicate",
            "event",
            {"distance_m": "Metres from the position."},
            MAX_HINTS,
            "The event it may be.",
            "A duplicate hint (重复提示).",
        ),
        needs_rules=True,
        signed_in=True,
        cost=10,
        description="Open events of a kind near a position, nearest first: hints before a report.",
    ),
)
