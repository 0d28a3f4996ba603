"""Tables of tasks: what several departments have to do about one event, each for itself."""

from piccolo.columns import JSONB, UUID, Boolean, Integer, Text, Timestamptz
from piccolo.columns.base import OnDelete
from piccolo.columns.reference import LazyTableReference

from jingwei_core.access.tables import Account, Department
from jingwei_core.events.tables import Event, EventStep
from jingwei_core.tasks.states import OperationState, TaskState
from jingwei_sdk.tables import PlacedTable, TenantFK, choice


class JointOperation(PlacedTable, tablename="joint_operation", schema="core"):
    """联合执法: several departments go out together about an event; one of them leads."""

    event = TenantFK(Event, null=False, on_delete=OnDelete.restrict)
    title = Text(default=None, null=False)
    lead = TenantFK(Account, null=True, on_delete=OnDelete.restrict)
    lead_department = TenantFK(Department, null=False, on_delete=OnDelete.restrict)
    planned_at = Timestamptz(default=None, null=False, help_text="when they go out")
    certificate_kind = Text(default="", null=False, help_text="asked of whoever accepts a task")
    opened_by = TenantFK(Account, null=True, on_delete=OnDelete.restrict)
    decided_by = UUID(default=None, null=True, help_text="the meeting's item that decided on it")
    state = choice(OperationState, OperationState.PLANNED)
    ended_at = Timestamptz(default=None, null=True)


class EventTask(PlacedTable, tablename="event_task", schema="core"):
    """子任务: what a department, or a person, has to do about an event; the event waits for it.

    A task lies where its event lies. Handing it over ends it and makes a new one, whose
    ``handed_from`` names it.
    """

    UNIQUE = (("handed_from",),)
    INDEXES = (("department", "is_final", "due_at"), ("assignee", "is_final", "due_at"))

    event = TenantFK(Event, null=False, on_delete=OnDelete.restrict)
    operation = TenantFK(JointOperation, null=True, on_delete=OnDelete.restrict)
    department = TenantFK(Department, null=True, on_delete=OnDelete.restrict)
    assignee = TenantFK(Account, null=True, on_delete=OnDelete.restrict)
    opened_by = TenantFK(Account, null=True, on_delete=OnDelete.restrict)
    title = Text(default=None, null=False)
    title_en = Text(default="", null=False)
    certificate_kind = Text(default="", null=False, help_text="asked of whoever accepts it")
    asks_evidence = Boolean(default=False, null=False, help_text="a picture after the work")
    state = choice(TaskState, TaskState.OPEN)
    is_final = Boolean(default=False, null=False, help_text="done, cancelled or handed over")
    time_limit = JSONB(default=None, null=True, help_text="{amount, unit, warn_at_percent}")
    begun_at = Timestamptz(default=None, null=False, help_text="when its limit began")
    due_at = Timestamptz(default=None, null=True)
    warn_at = Timestamptz(default=None, null=True)
    accepted_at = Timestamptz(default=None, null=True)
    ended_at = Timestamptz(default=None, null=True)
    result = Text(default="", null=False)
    reason = Text(default="", null=False, help_text="of its last return, hand-over or cancelling")
    returns = Integer(default=0, null=False, help_text="how often it was returned")
    extended_count = Integer(default=0, null=False)
    asked_by = TenantFK(
        Account, null=True, on_delete=OnDelete.restrict, help_text="who waits for more time"
    )
    asked_limit = JSONB(default=None, null=True, help_text="{amount, unit, warn_at_percent}")
    asked_reason = Text(default="", null=False)
    handed_from = TenantFK(
        LazyTableReference("EventTask", module_path=__name__),
        null=True,
        on_delete=OnDelete.restrict,
    )
    done_step = TenantFK(EventStep, null=True, on_delete=OnDelete.restrict)
