"""Tables of work safety (安全生产): enterprises, checklists, inspections, hazards.

None holds a field of a person. Who inspected is a reference to the account of the core, which names
purpose, legal basis and retention of what it keeps; whom to call is in the enterprise's own entry.
"""

from enum import StrEnum

from piccolo.columns import JSONB, Boolean, Date, Integer, Text, Timestamptz
from piccolo.columns.base import OnDelete

from jingwei_sdk.tables import CoreRef, PlacedTable, TenantFK, TenantTable, choice

SCHEMA = "safety_production"


class SafetyRiskLevel(StrEnum):
    """安全风险等级: red is the gravest (安委办〔2016〕11号: 重大、较大、一般、低)."""

    RED = "red"
    ORANGE = "orange"
    YELLOW = "yellow"
    BLUE = "blue"


class SafetyVerdict(StrEnum):
    """检查结论 of one item."""

    PASS = "pass"  # noqa: S105 - the verdict, not a password
    FAIL = "fail"
    NOT_APPLICABLE = "not_applicable"


class SafetyHazardLevel(StrEnum):
    """隐患级别: 一般 or 重大 (安全生产事故隐患排查治理暂行规定 §3)."""

    GENERAL = "general"
    MAJOR = "major"


class SafetyHazardStatus(StrEnum):
    """隐患状态: verified is 销号, withdrawn is an event that was rejected or cancelled."""

    OPEN = "open"
    RECTIFIED = "rectified"
    VERIFIED = "verified"
    WITHDRAWN = "withdrawn"


UNSETTLED = (SafetyHazardStatus.OPEN, SafetyHazardStatus.RECTIFIED)
"""未销号: still to be rectified, or rectified and still to be verified."""


class SafetyEnterprise(PlacedTable, tablename="enterprise", schema=SCHEMA):
    """企业台账: what work safety keeps of an organisation, at the organisation's place."""

    UNIQUE = (("organisation",),)
    INDEXES = (("risk_level",),)

    organisation = CoreRef("Organisation", null=False)
    industry = Text(default="", null=False, help_text="行业类别, as GB/T 4754 names it")
    risk_level = choice(SafetyRiskLevel, SafetyRiskLevel.BLUE)
    employee_count = Integer(default=None, null=True, help_text="从业人员 persons")
    last_inspected_on = Date(default=None, null=True)


class SafetyChecklist(TenantTable, tablename="checklist", schema=SCHEMA):
    """检查表: one version of a checklist; an inspection keeps the version it was made with."""

    UNIQUE = (("code", "number"),)
    IS_SMALL = True

    code = Text(default=None, null=False)
    number = Integer(default=1, null=False, help_text="version of this code")
    name = Text(default=None, null=False)
    name_en = Text(default="", null=False)
    items = JSONB(default=None, null=False, help_text="list of {code, zh, en, law}")
    is_current = Boolean(default=True, null=False)


class SafetyInspection(PlacedTable, tablename="inspection", schema=SCHEMA):
    """检查: one visit to an enterprise, answered item by item."""

    INDEXES = (("inspected_on",),)

    enterprise = TenantFK(SafetyEnterprise, null=False, on_delete=OnDelete.restrict)
    checklist = TenantFK(SafetyChecklist, null=False, on_delete=OnDelete.restrict)
    inspector = CoreRef("Account", null=True)
    inspected_on = Date(default=None, null=False)
    failed_items = Integer(default=0, null=False)
    note = Text(default="", null=False)


class SafetyInspectionItem(TenantTable, tablename="inspection_item", schema=SCHEMA):
    """检查项: the verdict on one item of the checklist."""

    UNIQUE = (("inspection", "code"),)

    inspection = TenantFK(SafetyInspection, null=False, on_delete=OnDelete.cascade)
    code = Text(default=None, null=False)
    verdict = choice(SafetyVerdict)
    note = Text(default="", null=False)


class SafetyHazard(PlacedTable, tablename="hazard", schema=SCHEMA):
    """隐患: a hazard found at an enterprise, until it is rectified and verified."""

    UNIQUE = (("event",),)
    INDEXES = (("status", "rectify_by"),)

    enterprise = TenantFK(SafetyEnterprise, null=False, on_delete=OnDelete.restrict)
    inspection = TenantFK(SafetyInspection, null=True, on_delete=OnDelete.restrict)
    item_code = Text(default="", null=False, help_text="item of the inspection's checklist")
    level = choice(SafetyHazardLevel)
    description = Text(default=None, null=False)
    rectify_by = Date(default=None, null=False, help_text="整改期限, the last day")
    status = choice(SafetyHazardStatus, SafetyHazardStatus.OPEN)
    event = CoreRef("Event", null=True)
    measures = Text(default="", null=False, help_text="整改措施")
    rectified_at = Timestamptz(default=None, null=True)
    overdue_since = Date(default=None, null=True, help_text="first day after rectify_by")


class SafetyTip(TenantTable, tablename="tip", schema=SCHEMA):
    """群众反映: what opens the progress of a tip, and which event it is; nothing of who sent it."""

    UNIQUE = (("code_digest",), ("event",))

    code_digest = Text(default=None, null=False, help_text="of the code, which is not kept")
    event = CoreRef("Event", null=False)


TABLES: tuple[type[TenantTable], ...] = (
    SafetyEnterprise,
    SafetyChecklist,
    SafetyInspection,
    SafetyInspectionItem,
    SafetyHazard,
    SafetyTip,
)
