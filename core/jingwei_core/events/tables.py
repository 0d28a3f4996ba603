"""Events (事件): their kinds, workflows and deadlines as data, and each event's closed loop."""

from piccolo.columns import (
    JSONB,
    UUID,
    Array,
    BigInt,
    Boolean,
    Date,
    DoublePrecision,
    Integer,
    Text,
    Timestamptz,
)
from piccolo.columns.base import OnDelete
from piccolo.columns.reference import LazyTableReference

from jingwei_core.access.tables import Account, Department
from jingwei_core.evidence.tables import Evidence
from jingwei_sdk.personal import Personal, Sensitivity
from jingwei_sdk.tables import PlacedTable, TenantFK, TenantTable, append_only


class Workflow(TenantTable, tablename="workflow", schema="core"):
    """流程: a version of a state machine; a running event keeps the version it began with."""

    UNIQUE = (("code", "number"),)
    IS_SMALL = True

    code = Text(default=None, null=False)
    number = Integer(default=1, null=False, help_text="version of this workflow code")
    digest = Text(default=None, null=False)
    definition = JSONB(default=None, null=False)
    is_current = Boolean(default=True, null=False)
    owner_plugin = Text(default="", null=False, help_text="plugin that brings the version")


class DeadlineRule(TenantTable, tablename="deadline_rule", schema="core"):
    """时限: how long an event of a profile may stay in a state."""

    UNIQUE = (("profile", "state"),)
    IS_SMALL = True

    profile = Text(default=None, null=False, index=True)
    state = Text(default=None, null=False, help_text="a state's code, or * for the whole loop")
    amount = DoublePrecision(default=None, null=False, help_text="e.g. 0.25 hours")
    unit = Text(default=None, null=False, help_text="hour, work_hour, work_day or day")
    warn_at_percent = Integer(default=80, null=False)
    source = Text(default="", null=False)
    owner_plugin = Text(default="", null=False, help_text="plugin that brings the rule")


class WorkCalendar(TenantTable, tablename="work_calendar", schema="core"):
    """工作日历: the tenant's working hours; exceptions are :class:`CalendarDay`."""

    UNIQUE = (("code",),)
    IS_SMALL = True

    code = Text(default="default", null=False)
    definition = JSONB(default=None, null=False, help_text="reads as calendar.toml")


class CalendarDay(TenantTable, tablename="calendar_day", schema="core"):
    """调休: a day that differs from its weekday, a holiday or a make-up working day."""

    UNIQUE = (("day",),)
    IS_SMALL = True

    day = Date(default=None, null=False)
    is_working = Boolean(default=False, null=False)
    name = Text(default="", null=False)


class EventKind(TenantTable, tablename="event_kind", schema="core"):
    """事件类型: a node of the three-level kind tree with a stable code."""

    UNIQUE = (("code",),)
    IS_SMALL = True

    code = Text(default=None, null=False)
    parent = TenantFK(
        LazyTableReference("EventKind", module_path=__name__),
        null=True,
        on_delete=OnDelete.restrict,
    )
    rank = Integer(default=1, null=False, help_text="1 major, 2 middle, 3 leaf")
    name = Text(default=None, null=False)
    name_en = Text(default="", null=False)
    department = TenantFK(Department, null=True, on_delete=OnDelete.set_null)
    workflow = Text(default="", null=False, help_text="code; empty above the leaves")
    deadline_profile = Text(default="", null=False)
    form_schema = JSONB(default=None, null=True)
    photo_required = Boolean(default=False, null=False)
    grade = Integer(default=None, null=True, help_text="1 most urgent to 4 ordinary; leaves only")
    duplicate_radius_m = Integer(default=None, null=True, help_text="empty for the default")
    duplicate_days = Integer(default=None, null=True, help_text="empty for the default")
    owner_plugin = Text(default="", null=False, help_text="plugin that brings the kind")
    is_active = Boolean(default=True, null=False)
    source = Text(default="", null=False)


class Event(PlacedTable, tablename="event", schema="core"):
    """事件: something found at a place that runs its loop until it is closed."""

    UNIQUE = (("number",),)
    INDEXES = (
        ("created_at", "id"),
        ("place_path", "created_at"),
        ("state", "created_at"),
        ("assigned_account", "is_final", "created_at"),
        ("assigned_department", "is_final", "created_at"),
        ("reporter", "created_at"),
        ("kind", "created_at"),
        ("is_final", "created_at", "id"),
        ("workflow", "is_final", "state"),
        ("is_final", "kind", "lat_e7"),
        ("merged_into", "created_at", "id"),
    )

    number = Text(default=None, null=False, help_text="e.g. 20261122-000017, unique in the tenant")
    kind = TenantFK(EventKind, null=False, on_delete=OnDelete.restrict)
    workflow = TenantFK(Workflow, null=False, on_delete=OnDelete.restrict)
    state = Text(default=None, null=False, index=True)
    is_final = Boolean(default=False, null=False)
    title = Text(default=None, null=False)
    description = Text(default="", null=False)
    source = Text(default="grid_worker", null=False, help_text="intake: grid_worker, plugin, …")
    form = JSONB(default="{}", null=False)
    lon_e7 = BigInt(default=None, null=True, help_text="EPSG:4490 longitude, 1e-7 degree")
    lat_e7 = BigInt(default=None, null=True, help_text="EPSG:4490 latitude, 1e-7 degree")
    position_crs = Text(default=None, null=True, help_text="as the client labelled it")
    position_accuracy_m = Integer(default=None, null=True)
    reporter = TenantFK(Account, null=True, on_delete=OnDelete.restrict)
    assigned_department = TenantFK(Department, null=True, on_delete=OnDelete.restrict)
    assigned_account = TenantFK(Account, null=True, on_delete=OnDelete.restrict)
    subject_type = Text(default=None, null=True, help_text="record of a plugin it is about")
    subject_id = UUID(default=None, null=True, index=True)
    state_since = Timestamptz(default=None, null=False)
    state_due_at = Timestamptz(default=None, null=True)
    warn_at = Timestamptz(default=None, null=True)
    due_at = Timestamptz(default=None, null=True, help_text="for the whole loop")
    closed_at = Timestamptz(default=None, null=True)
    handling = Text(default="", null=False, help_text="general, coordinated, emergency, approval")
    first_receiver = TenantFK(Account, null=True, on_delete=OnDelete.restrict)
    found_by = TenantFK(Account, null=True, on_delete=OnDelete.restrict)
    owned_by = TenantFK(Account, null=True, on_delete=OnDelete.restrict)
    owned_department = TenantFK(Department, null=True, on_delete=OnDelete.restrict)
    solved_by = TenantFK(Account, null=True, on_delete=OnDelete.restrict)
    checked_by = TenantFK(Account, null=True, on_delete=OnDelete.restrict)
    returns = Integer(default=0, null=False, help_text="how often it was sent back")
    extended_count = Integer(default=0, null=False, help_text="how often its limit was extended")
    merged_into = TenantFK(
        LazyTableReference("Event", module_path=__name__), null=True, on_delete=OnDelete.restrict
    )
    suspended = JSONB(default=None, null=True, help_text="what stands still while it waits")
    demands = Array(base_column=Text(), default=list, null=False, help_text="phases of photos owed")
    open_tasks = Integer(default=0, null=False, help_text="tasks that it waits for")


@append_only
class EventStep(TenantTable, tablename="event_step", schema="core"):
    """事件流程记录: one entry of the timeline; never changed once written."""

    UNIQUE = (("event", "sequence"),)
    PERSONAL = {
        "actor_name": Personal(
            "办理过程留痕",
            "the record of who did what with an event",
            "个人信息保护法 PIPL art. 13(1)(3), 34; 国家档案局令第8号",
            Sensitivity.GENERAL,
            "P10Y",
            counted_from="结案之日 closing of the event",
            unmasked_because="work name as it was then; whoever sees the event sees who handled it",
        )
    }

    event = TenantFK(Event, null=False, on_delete=OnDelete.restrict)
    sequence = Integer(default=None, null=False)
    action = Text(default=None, null=False)
    from_state = Text(default=None, null=True)
    to_state = Text(default=None, null=False)
    actor = TenantFK(Account, null=True, on_delete=OnDelete.restrict)
    actor_name = Text(default="", null=False)
    acted_for = TenantFK(Account, null=True, on_delete=OnDelete.restrict)
    department = TenantFK(Department, null=True, on_delete=OnDelete.restrict)
    assignee = TenantFK(Account, null=True, on_delete=OnDelete.restrict)
    note = Text(default="", null=False)
    reason = Text(default="", null=False, help_text="why it was returned, rejected or passed on")
    at = Timestamptz(default=None, null=False)
    happened_at = Timestamptz(default=None, null=True, help_text="before, told by a device later")
    due_at = Timestamptz(default=None, null=True, help_text="deadline of the state it entered")
    was_late = Boolean(default=False, null=False, help_text="left its state after the deadline")


@append_only
class StepEvidence(TenantTable, tablename="step_evidence", schema="core"):
    """环节证据: a photo that belongs to a step, taken before or after the handling."""

    UNIQUE = (("evidence",),)

    step = TenantFK(EventStep, null=False, on_delete=OnDelete.restrict)
    event = TenantFK(Event, null=False, on_delete=OnDelete.restrict)
    evidence = TenantFK(Evidence, null=False, on_delete=OnDelete.restrict)
    phase = Text(default=None, null=False, help_text="before, after or other")


class EventNumber(TenantTable, tablename="event_number", schema="core"):
    """事件编号: the last number given on a day."""

    UNIQUE = (("day",),)

    day = Date(default=None, null=False)
    last = Integer(default=0, null=False)
