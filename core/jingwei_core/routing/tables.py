"""Routing (分流督办): where events go, who hears of them, and what happens when time is up."""

from enum import StrEnum

from piccolo.columns import UUID, Array, Boolean, DoublePrecision, Integer, Text, Timestamptz
from piccolo.columns.base import OnDelete

from jingwei_core.access.tables import Account, Department
from jingwei_core.events.tables import Event
from jingwei_sdk.tables import PlacedTable, TenantFK, TenantTable, choice


class ExtensionState(StrEnum):
    """Where a request for more time stands (延期申请状态)."""

    ASKED = "asked"
    GRANTED = "granted"
    REFUSED = "refused"


class EventRoute(TenantTable, tablename="event_route", schema="core"):
    """分流规则: which department events of a kind go to, in a place or by its level."""

    UNIQUE = (("kind", "level", "place"),)
    IS_SMALL = True

    kind = Text(default="", null=False, help_text="code of a kind or of one above; empty: any")
    level = Text(default="", null=False, help_text="the department's branch for that level")
    place = Text(default="", null=False, help_text="code of a place; empty: everywhere")
    department = TenantFK(Department, null=False, on_delete=OnDelete.cascade)


class HandlingRule(TenantTable, tablename="handling_rule", schema="core"):
    """处理机制规则: the workflow by which a kind's events of a handling type run."""

    UNIQUE = (("handling", "kind"),)
    IS_SMALL = True

    handling = Text(default=None, null=False, help_text="general, coordinated, emergency, approval")
    kind = Text(default="", null=False, help_text="code of a kind or of one above; empty: any")
    workflow = Text(default=None, null=False, help_text="code of a workflow")


class EscalationRung(TenantTable, tablename="escalation_rung", schema="core"):
    """升级阶梯: what happens so long after a limit has passed."""

    UNIQUE = (("kind", "state", "rung"),)
    IS_SMALL = True

    kind = Text(default="", null=False, help_text="code of a kind or of one above; empty: any")
    state = Text(default=None, null=False, help_text="a state's code, or * for the whole loop")
    rung = Integer(default=1, null=False)
    amount = DoublePrecision(default=0, null=False, help_text="counted from the due time")
    unit = Text(default="hour", null=False, help_text="hour, work_hour, work_day or day")
    whom = Text(default=None, null=False, help_text="as in the whom-grammar")
    does = Text(default=None, null=False, help_text="notify, supervise or an action's code")
    answer_amount = DoublePrecision(default=0, null=False, help_text="to answer within; 0: none")
    answer_unit = Text(default="", null=False)


class ExtensionRule(TenantTable, tablename="extension_rule", schema="core"):
    """延期规则: how often the limits of a kind's events may be extended, and by how much."""

    UNIQUE = (("kind",),)
    IS_SMALL = True

    kind = Text(default="", null=False, help_text="code of a kind or of one above; empty: any")
    most = Integer(default=0, null=False, help_text="how often an event's limit may be extended")
    amount = DoublePrecision(default=0, null=False, help_text="the longest extension")
    unit = Text(default="work_day", null=False, help_text="hour, work_hour, work_day or day")


class EventReportUp(PlacedTable, tablename="event_report_up", schema="core"):
    """双报告: an event was reported upward to one person, who has to acknowledge it.

    Without ``account`` nobody was found for ``whom``: then it waits for who is that by now, and for
    whoever supervises events at the place.
    """

    INDEXES = (("event", "asked_at"), ("account", "acknowledged_at", "asked_at"))

    event = TenantFK(Event, null=False, on_delete=OnDelete.cascade)
    whom = Text(default=None, null=False, help_text="whom it was reported to, as the rule says it")
    account = TenantFK(Account, null=True, on_delete=OnDelete.restrict)
    asked_at = Timestamptz(default=None, null=False)
    acknowledged_at = Timestamptz(default=None, null=True)
    acknowledged_by = TenantFK(Account, null=True, on_delete=OnDelete.restrict)
    note = Text(default="", null=False)


class EventEscalation(TenantTable, tablename="event_escalation", schema="core"):
    """升级记录: a rung of the ladder was taken; once for each time an event entered the state."""

    UNIQUE = (("event", "state", "entered_at", "rung"),)
    INDEXES = (("event", "at", "id"),)

    event = TenantFK(Event, null=False, on_delete=OnDelete.cascade)
    state = Text(default=None, null=False, help_text="the rule's: a state's code or *")
    entered_at = Timestamptz(default=None, null=False, help_text="of the state or of the event")
    rung = Integer(default=None, null=False)
    due_at = Timestamptz(default=None, null=False, help_text="the limit that had passed")
    at = Timestamptz(default=None, null=False)
    whom = Text(default=None, null=False)
    told = Array(base_column=UUID(), default=list, null=False, help_text="accounts that were meant")
    does = Text(default=None, null=False)
    is_done = Boolean(default=True, null=False, help_text="whether it could be done")


class Supervision(TenantTable, tablename="supervision", schema="core"):
    """督办: somebody above wants to know what becomes of an event, and by when."""

    INDEXES = (("event", "asked_at"),)

    event = TenantFK(Event, null=False, on_delete=OnDelete.cascade)
    supervisor = TenantFK(Account, null=True, on_delete=OnDelete.restrict)
    reason = Text(default=None, null=False)
    asked_at = Timestamptz(default=None, null=False)
    due_at = Timestamptz(default=None, null=True, help_text="to be answered by")
    answer = Text(default="", null=False)
    answered_by = TenantFK(Account, null=True, on_delete=OnDelete.restrict)
    answered_at = Timestamptz(default=None, null=True)


class DeadlineExtension(TenantTable, tablename="deadline_extension", schema="core"):
    """延期: who works on an event asks for more time, and somebody else decides."""

    INDEXES = (("event", "asked_at"),)

    event = TenantFK(Event, null=False, on_delete=OnDelete.cascade)
    state = choice(ExtensionState, ExtensionState.ASKED)
    asked_by = TenantFK(Account, null=False, on_delete=OnDelete.restrict)
    asked_at = Timestamptz(default=None, null=False)
    amount = DoublePrecision(default=None, null=False)
    unit = Text(default=None, null=False, help_text="hour, work_hour, work_day or day")
    reason = Text(default=None, null=False)
    event_state = Text(default=None, null=False, help_text="the state whose limit it is about")
    decided_by = TenantFK(Account, null=True, on_delete=OnDelete.restrict)
    decided_at = Timestamptz(default=None, null=True)
    decision_note = Text(default="", null=False)
    due_before = Timestamptz(default=None, null=True)
    due_after = Timestamptz(default=None, null=True)


class EventMerge(TenantTable, tablename="event_merge", schema="core"):
    """合并: an event that says the same as another; its reporter hears when that one is closed."""

    UNIQUE = (("event",),)
    INDEXES = (("into_event", "told_at"),)

    event = TenantFK(Event, null=False, on_delete=OnDelete.cascade)
    into_event = TenantFK(Event, null=False, on_delete=OnDelete.cascade)
    merged_by = TenantFK(Account, null=True, on_delete=OnDelete.restrict)
    reason = Text(default="", null=False)
    at = Timestamptz(default=None, null=False)
    told_at = Timestamptz(default=None, null=True, help_text="when its reporter heard of the end")
