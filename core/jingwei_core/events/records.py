"""How events and what they run by are read."""

from jingwei_core.events import computed_fields as fields
from jingwei_core.events.guarding import CASE_COLUMNS
from jingwei_core.events.tables import (
    CalendarDay,
    DeadlineRule,
    Event,
    EventKind,
    EventStep,
    StepEvidence,
    WorkCalendar,
    Workflow,
)
from jingwei_core.evidence.links import step_links
from jingwei_sdk.figures import Rollup
from jingwei_sdk.records import (
    AtPlace,
    Computed,
    Either,
    Many,
    OfDepartment,
    One,
    OwnedBy,
    Record,
    TenantWide,
    Through,
)

EVENT_KIND = Record(
    EventKind,
    read="kind.read",
    scope=(TenantWide(),),
    filters=("code", "parent", "rank", "department", "workflow", "is_active", "owner_plugin"),
    sort=("code", "created_at"),
    search="name",
    relations={"children": Many("EventKind", "parent")},
)
WORKFLOW = Record(
    Workflow,
    read="kind.read",
    scope=(TenantWide(),),
    filters=("code", "is_current"),
    sort=("code", "number"),
)
DEADLINE_RULE = Record(
    DeadlineRule,
    read="kind.read",
    scope=(TenantWide(),),
    filters=("profile", "state"),
    sort=("profile", "state"),
)
WORK_CALENDAR = Record(
    WorkCalendar, read="kind.read", scope=(TenantWide(),), filters=("code",), sort=("code",)
)
CALENDAR_DAY = Record(
    CalendarDay,
    read="kind.read",
    scope=(TenantWide(),),
    filters=("day", "is_working"),
    sort=("day",),
)
_STANDING = ("workflow", "state", "assigned_account", *CASE_COLUMNS)
EVENT = Record(
    Event,
    read="event.read",
    scope=(
        AtPlace(),
        OwnedBy("reporter"),
        OwnedBy("assigned_account", covered=True),
        OfDepartment("assigned_department"),
    ),
    filters=(
        "kind",
        "state",
        "is_final",
        "place_id",
        "reporter",
        "assigned_account",
        "assigned_department",
        "source",
        "number",
        "created_at",
        "state_due_at",
        "due_at",
        "subject_type",
        "subject_id",
    ),
    sort=("created_at", "state_due_at", "number"),
    dimensions=(
        *("kind", "state", "is_final", "source", "reporter", "assigned_account"),
        *("assigned_department", "place_id", "created_at", "state_due_at", "closed_at"),
    ),
    measures=("created_at", "state_due_at", "due_at", "closed_at"),
    rollups=(
        Rollup(("assigned_department", "state")),
        Rollup(("kind", "state")),
        Rollup(("state",), day="created_at", depth=2),
        Rollup(("kind",), day="created_at", depth=2),
    ),
    relations={
        "steps": Many("EventStep", "event"),
        "evidence": Many("StepEvidence", "event"),
        "subject": Either("subject_type", "subject_id"),
        "merged_into": One("merged_into", "Event"),
        "merged": Many("Event", "merged_into"),
        "supervisions": Many("Supervision", "event"),
        "extensions": Many("DeadlineExtension", "event"),
        "reports_up": Many("EventReportUp", "event"),
        "escalations": Many("EventEscalation", "event"),
    },
    computed={
        "available_actions": Computed(
            list[str],
            _STANDING,
            fields.available_actions,
            description="codes of the actions that you may take now",
        ),
        "requirements": Computed(
            list[str],
            _STANDING,
            fields.requirements,
            description="what they ask you to bring, as action:need, such as close:photo:after:1",
        ),
        "is_overdue": Computed(
            bool,
            ("is_final", "state_due_at", "due_at"),
            fields.is_overdue,
            description="open, and the limit of its state or of the whole loop has passed",
        ),
        "is_amber": Computed(
            bool,
            ("is_final", "state_due_at", "warn_at"),
            fields.is_amber,
            description="open, due soon and not overdue (黄灯)",
        ),
        "state_name": Computed(
            str, ("workflow", "state"), fields.state_names, description="in your language"
        ),
        "reporter_name": Computed(
            str | None, ("reporter",), fields.reporter_names, description="work name"
        ),
        "assignee_name": Computed(
            str | None, ("assigned_account",), fields.assignee_names, description="work name"
        ),
        "assigned_to_me": Computed(
            bool, ("assigned_account",), fields.assigned_to_me, description="in person"
        ),
        "lon": Computed(float | None, ("lon_e7",), fields.longitudes, description="degrees"),
        "lat": Computed(float | None, ("lat_e7",), fields.latitudes, description="degrees"),
        "crs": Computed(
            str | None, ("lon_e7",), fields.coordinate_systems, description="EPSG:4490"
        ),
    },
)
EVENT_STEP = Record(
    EventStep,
    read="event.read",
    scope=(Through("event", "Event"),),
    filters=("event", "action", "actor", "at", "was_late"),
    sort=("sequence", "at", "created_at"),
    relations={"evidence": Many("StepEvidence", "step")},
    computed={
        "acted_for_name": Computed(
            str | None,
            ("acted_for",),
            fields.acted_for_names,
            description="work name of the person on leave for whom it was done",
        )
    },
)
STEP_EVIDENCE = Record(
    StepEvidence,
    read="event.read",
    scope=(Through("event", "Event"),),
    plural="stepEvidences",
    filters=("event", "step", "phase"),
    sort=("created_at",),
    computed=step_links(),
)

RECORDS = (
    EVENT_KIND,
    WORKFLOW,
    DEADLINE_RULE,
    WORK_CALENDAR,
    CALENDAR_DAY,
    EVENT,
    EVENT_STEP,
    STEP_EVIDENCE,
)
