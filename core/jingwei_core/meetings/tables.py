"""Meetings (例会): when they are, who is expected, what is on the agenda and what was decided."""

from piccolo.columns import JSONB, UUID, Array, Date, Integer, Text, Timestamptz
from piccolo.columns.base import OnDelete
from piccolo.columns.reference import LazyTableReference

from jingwei_core.access.tables import Account, Department
from jingwei_core.events.tables import Event
from jingwei_core.evidence.tables import Evidence
from jingwei_core.meetings.states import ExpectedAs, ItemKind, ItemState, MeetingState, Presence
from jingwei_sdk.tables import PlacedTable, TenantFK, TenantTable, choice


class MeetingRules(TenantTable, tablename="meeting_rules", schema="core"):
    """例会制度: one row a tenant; what its package says in ``meetings.toml``."""

    UNIQUE = ((),)
    IS_SMALL = True

    definition = JSONB(default=None, null=False, help_text="reads as meetings.toml")


class Meeting(PlacedTable, tablename="meeting", schema="core"):
    """例会: one meeting of a series at a place; after closing it never changes.

    ``occasion`` is the day that the series names, before holidays moved it.
    """

    UNIQUE = (("place_id", "series", "occasion"),)
    INDEXES = (("series", "state", "planned_at"),)

    series = Text(default=None, null=False, help_text="a series of meetings.toml")
    occasion = Date(default=None, null=False)
    planned_at = Timestamptz(default=None, null=False)
    held_at = Timestamptz(default=None, null=True)
    closed_at = Timestamptz(default=None, null=True)
    chair = TenantFK(Account, null=True, on_delete=OnDelete.set_null)
    state = choice(MeetingState, MeetingState.PLANNED)
    minutes = TenantFK(Evidence, null=True, on_delete=OnDelete.restrict)
    digest = Text(default="", null=False, help_text="SHA-256 of the minutes, lower-case hex")
    language = Text(default="zh", null=False, help_text="of the minutes, zh or en")
    attendees = Array(base_column=UUID(), default=list, null=False, help_text="who may read it")


class MeetingAttendance(TenantTable, tablename="meeting_attendance", schema="core"):
    """到会: somebody who is expected at a meeting, and whether they came."""

    UNIQUE = (("meeting", "account"),)
    INDEXES = (("meeting", "created_at", "id"),)

    meeting = TenantFK(Meeting, null=False, on_delete=OnDelete.cascade)
    account = TenantFK(Account, null=False, on_delete=OnDelete.cascade)
    expected_as = choice(ExpectedAs, ExpectedAs.POST)
    role = Text(default="", null=False, help_text="code of the role that is expected")
    department = TenantFK(Department, null=True, on_delete=OnDelete.set_null)
    state = choice(Presence, Presence.EXPECTED)
    substitute = TenantFK(Account, null=True, on_delete=OnDelete.set_null)
    noted_by = TenantFK(Account, null=True, on_delete=OnDelete.set_null)


class MeetingItem(TenantTable, tablename="meeting_item", schema="core"):
    """议题: what a meeting hears or decides; an event or a matter of its own."""

    UNIQUE = (("meeting", "number"), ("meeting", "event"), ("carried_from",))

    meeting = TenantFK(Meeting, null=False, on_delete=OnDelete.restrict)
    number = Integer(default=None, null=False)
    kind = choice(ItemKind, ItemKind.PROBLEM)
    event = TenantFK(Event, null=True, on_delete=OnDelete.restrict)
    text = Text(default="", null=False)
    put_by = TenantFK(Account, null=True, on_delete=OnDelete.set_null)
    decision = Text(default="", null=False)
    decided_by = TenantFK(Account, null=True, on_delete=OnDelete.set_null)
    decided_at = Timestamptz(default=None, null=True)
    assigned_department = TenantFK(Department, null=True, on_delete=OnDelete.restrict)
    assigned_account = TenantFK(Account, null=True, on_delete=OnDelete.set_null)
    due_at = Timestamptz(default=None, null=True, help_text="by the tenant's work clock")
    operation = UUID(default=None, null=True, help_text="joint operation that it opened")
    state = choice(ItemState, ItemState.OPEN)
    result = Text(default="", null=False, help_text="how it was solved, where it has no event")
    solved_at = Timestamptz(default=None, null=True)
    carried_from = TenantFK(
        LazyTableReference("MeetingItem", module_path=__name__),
        null=True,
        on_delete=OnDelete.restrict,
    )
    carried_count = Integer(default=0, null=False, help_text="how many meetings it was put off")
    supervised_by = TenantFK(Account, null=True, on_delete=OnDelete.set_null)
