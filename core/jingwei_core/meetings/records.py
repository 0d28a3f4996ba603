"""How meetings are read: by chiefs of the place and above, and by whoever is expected."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from jingwei_core.evidence.links import ORIGINAL, signed_link
from jingwei_core.meetings.rules import rules_of
from jingwei_core.meetings.states import ItemState
from jingwei_core.meetings.tables import Meeting, MeetingAttendance, MeetingItem, MeetingRules
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context
from jingwei_sdk.records import (
    Among,
    AtPlace,
    Computed,
    Many,
    OfDepartment,
    One,
    OwnedBy,
    Record,
    TenantWide,
    Through,
)

READ = "meeting.read"
Rows = Sequence[Mapping[str, Any]]

_DOCUMENTS = """
SELECT id, status, store_key, content_type FROM core.evidence WHERE id = ANY($1::uuid[])
"""
_ENDED = "SELECT id FROM core.event WHERE is_final AND id = ANY($1::uuid[])"


async def titles(ctx: Context, rows: Rows) -> list[str]:
    """What each meeting's series is called, in the reader's language."""
    named: dict[str, str] = {one.code: one.name(ctx.locale) for one in (await rules_of(ctx)).series}
    return [named.get(row["series"]) or str(row["series"]) for row in rows]


async def minutes_links(ctx: Context, rows: Rows) -> list[str | None]:
    """A link to the minutes of each meeting, good for a few minutes."""
    return await document_links(ctx, [row["minutes"] for row in rows])


async def document_links(ctx: Context, wanted: Sequence[uuid.UUID | None]) -> list[str | None]:
    """Links to documents in the evidence store, ``None`` where there is none."""
    assert isinstance(ctx, CoreContext)
    ids = sorted({one for one in wanted if one is not None})
    found = {row["id"]: row for row in await ctx.data.fetch(_DOCUMENTS, ids)} if ids else {}
    store, lasts_s = ctx.platform.store, ctx.platform.evidence_settings.link_s
    links: dict[uuid.UUID | None, str | None] = {None: None}
    for each, row in found.items():
        links[each] = await signed_link(store, row, ORIGINAL, lasts_s)
    return [links.get(one) for one in wanted]


async def are_solved(ctx: Context, rows: Rows) -> list[bool]:
    """Whether each item is solved: its event is closed, or a result was told."""
    events = sorted({row["event"] for row in rows if row["event"] is not None})
    ended = {row["id"] for row in await ctx.data.fetch(_ENDED, events)} if events else set()
    return [row["state"] == ItemState.SOLVED or row["event"] in ended for row in rows]


MEETING_RULES = Record(
    MeetingRules,
    read="department.read",
    scope=(TenantWide(),),
    plural="meetingRulesInForce",
    description="Series of meetings, who is expected and what they talk about (例会制度).",
)
MEETING = Record(
    Meeting,
    read=READ,
    scope=(AtPlace(), Among("attendees")),
    filters=("series", "state", "place_id", "planned_at", "occasion"),
    sort=("planned_at", "created_at"),
    hidden=frozenset({"place_path", "attendees"}),
    relations={
        "chair": One("chair", "Account"),
        "place": One("place_id", "Place"),
        "attendance": Many("MeetingAttendance", "meeting"),
        "items": Many("MeetingItem", "meeting"),
    },
    computed={
        "title": Computed(str, ("series",), titles, description="name of its series"),
        "minutes_url": Computed(
            str | None, ("minutes",), minutes_links, description="the minutes, as a download"
        ),
    },
)
MEETING_ATTENDANCE = Record(
    MeetingAttendance,
    read=READ,
    scope=(Through("meeting", "Meeting"),),
    plural="meetingAttendances",
    filters=("meeting", "account", "state", "expected_as"),
    sort=("created_at",),
    relations={
        "account": One("account", "Account"),
        "substitute": One("substitute", "Account"),
        "department": One("department", "Department"),
    },
)
MEETING_ITEM = Record(
    MeetingItem,
    read=READ,
    scope=(
        Through("meeting", "Meeting"),
        OwnedBy("assigned_account", covered=True),
        OfDepartment("assigned_department"),
    ),
    filters=(
        *("meeting", "event", "kind", "state", "assigned_department", "assigned_account"),
        *("due_at", "carried_from"),
    ),
    sort=("number", "due_at", "created_at"),
    relations={
        "event": One("event", "Event"),
        "assigned_department": One("assigned_department", "Department"),
        "assigned_account": One("assigned_account", "Account"),
        "supervised_by": One("supervised_by", "Account"),
        "carried_from": One("carried_from", "MeetingItem"),
        "carried_on": Many("MeetingItem", "carried_from"),
    },
    computed={
        "is_solved": Computed(
            bool,
            ("event", "state"),
            are_solved,
            description="its event is closed, or a result was told",
        )
    },
)

RECORDS = (MEETING_RULES, MEETING, MEETING_ATTENDANCE, MEETING_ITEM)
