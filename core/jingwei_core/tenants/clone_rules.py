"""What becomes of the core's rows in a copy of a tenant (复制规则).

Places are configuration though a city has many; their search terms are made as they come in. What a
rule allows a tenant to do is its own.
Whoever is not named here is copied if a tenant has few rows of it, and left out otherwise.
"""

from jingwei_core.access.tables import Account, Post
from jingwei_core.audit.tables import AuditEntry
from jingwei_core.events.tables import Event, EventStep
from jingwei_core.evidence.tables import Evidence
from jingwei_core.ledgers.tables import LedgerSheet
from jingwei_core.meetings.tables import Meeting, MeetingAttendance, MeetingItem
from jingwei_core.notifications.tables import Notification, NotificationSetting
from jingwei_core.patrols.tables import (
    CheckPoint,
    Patrol,
    PatrolEvidence,
    PatrolPlan,
    Visit,
    VisitNeed,
)
from jingwei_core.people.tables import Person
from jingwei_core.places.tables import Place, PlaceCode, PlaceShape
from jingwei_core.presence.tables import PublicCall
from jingwei_core.public_reports.tables import PublicReport
from jingwei_core.reminders.tables import Reminder
from jingwei_core.tasks.tables import EventTask, JointOperation
from jingwei_core.tenants.tables import PracticeSwitch
from jingwei_core.workforce.tables import Certificate, DutyShift, Leave, Secondment
from jingwei_sdk.data_rights import CloneRule

CLONE_RULES = (
    *(CloneRule(table, "copy") for table in (Place, PlaceCode, PlaceShape)),
    *(CloneRule(table, "skip") for table in (Account, Post, Event, EventStep, Evidence)),
    *(CloneRule(table, "skip") for table in (EventTask, JointOperation)),
    *(CloneRule(table, "skip") for table in (Leave, Secondment, Certificate, DutyShift)),
    *(CloneRule(table, "skip") for table in (AuditEntry, Reminder, PracticeSwitch)),
    *(CloneRule(table, "skip") for table in (Notification, NotificationSetting)),
    *(CloneRule(table, "skip") for table in (Meeting, MeetingAttendance, MeetingItem)),
    CloneRule(LedgerSheet, "skip"),
    CloneRule(Person, "skip"),
    *(CloneRule(table, "copy") for table in (PatrolPlan, CheckPoint)),
    *(CloneRule(table, "skip") for table in (Patrol, PatrolEvidence, Visit, VisitNeed)),
    *(CloneRule(table, "skip") for table in (PublicReport, PublicCall)),
)
