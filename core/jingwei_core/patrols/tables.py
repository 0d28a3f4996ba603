"""Patrols and visits (巡查走访): where to look and how often, what was seen, who wishes a visit.

There is no column for a position, for the time between two check points or for a distance: a
patrol says what was seen, and nothing of the way there.
"""

from piccolo.columns import JSONB, UUID, Array, Boolean, Date, Integer, Text
from piccolo.columns.base import OnDelete

from jingwei_core.access.tables import Account
from jingwei_core.events.tables import Event
from jingwei_core.evidence.tables import Evidence
from jingwei_core.patrols.states import Per, VisitOutcome
from jingwei_sdk.personal import Personal, Sensitivity
from jingwei_sdk.tables import PlacedTable, TenantFK, TenantTable, choice

_DUTY = "PIPL 13(1)(3) 履行法定职责"
_KEPT = "P2Y"
"""Two years: a visiting plan is looked at again each year; the package may not lengthen it."""


class PatrolRules(TenantTable, tablename="patrol_rules", schema="core"):
    """走访规则: one row a tenant; topics and need levels of its package's ``patrols.toml``."""

    UNIQUE = ((),)
    IS_SMALL = True

    definition = JSONB(default=None, null=False, help_text="reads as [visits] of patrols.toml")


class PatrolPlan(PlacedTable, tablename="patrol_plan", schema="core"):
    """巡查计划: a place, or every place of a level below it, is walked so often by a role."""

    UNIQUE = (("code",),)

    code = Text(default=None, null=False)
    name = Text(default=None, null=False)
    name_en = Text(default="", null=False)
    level = Text(default="", null=False, help_text="code of a PlaceLevel; empty: the place itself")
    classes = Array(
        base_column=Text(),
        default=list,
        null=False,
        help_text="kinds of organisations that are looked at; then due only where there is one",
    )
    role = Text(default=None, null=False, help_text="code of the role that walks it")
    times = Integer(default=1, null=False)
    per = choice(Per, Per.DAY)
    asks_evidence = Boolean(default=False, null=False)
    evidence_rule = Text(default="", null=False, help_text="the rule that asks for photos")
    valid_from = Date(default=None, null=False)
    valid_to = Date(default=None, null=True, help_text="first day it no longer holds")
    source = Text(default="entered", null=False, help_text="entered, or package")


class CheckPoint(PlacedTable, tablename="check_point", schema="core"):
    """巡查点: a spot that a plan looks at, and what to look at there."""

    UNIQUE = (("plan", "code"),)
    INDEXES = (("plan", "code", "id"),)

    plan = TenantFK(PatrolPlan, null=False, on_delete=OnDelete.restrict)
    code = Text(default=None, null=False)
    name = Text(default=None, null=False)
    name_en = Text(default="", null=False)
    look_at = Text(default="", null=False, help_text="what to look at, in the tenant's words")
    valid_to = Date(default=None, null=True, help_text="first day it no longer holds")
    source = Text(default="entered", null=False, help_text="entered, or package")


class Patrol(PlacedTable, tablename="patrol", schema="core"):
    """巡查: a place was walked on a day of the tenant's calendar, by whom, and what was seen."""

    INDEXES = (("plan", "place_id", "day"),)
    PERSONAL = {
        "note": Personal(
            "记录巡查所见",
            "what was seen at a place",
            _DUTY,
            Sensitivity.GENERAL,
            _KEPT,
            unmasked_because="only for holders of patrol.read at the place",
        )
    }

    plan = TenantFK(PatrolPlan, null=False, on_delete=OnDelete.restrict)
    account = TenantFK(Account, null=False, on_delete=OnDelete.restrict)
    day = Date(default=None, null=False)
    seen = Array(base_column=UUID(), default=list, null=False, help_text="check points, unordered")
    sites = Array(
        base_column=UUID(), default=list, null=False, help_text="organisations, unordered"
    )
    note = Text(default="", null=False)
    event = TenantFK(Event, null=True, on_delete=OnDelete.restrict, help_text="what was found")


class PatrolEvidence(TenantTable, tablename="patrol_evidence", schema="core"):
    """巡查照片: kept only where the plan asks for it and names its rule."""

    UNIQUE = (("evidence",),)

    patrol = TenantFK(Patrol, null=False, on_delete=OnDelete.restrict)
    evidence = TenantFK(Evidence, null=False, on_delete=OnDelete.restrict)


class VisitNeed(PlacedTable, tablename="visit_need", schema="core"):
    """走访需求: somebody at a place is to be visited as often as a named rule says.

    It names a place and a level of need, no person and no score.
    """

    INDEXES = (("place_id", "ended_on"),)
    PERSONAL = {
        "level": Personal(
            "按需要安排走访",
            "visiting those who need it as often as they need it",
            "PIPL 13(1)(3), 28, 29 单独同意或规则列明的法定职责",
            Sensitivity.SENSITIVE,
            _KEPT,
            counted_from="需求结束之日 end of the need",
            unmasked_because="only for holders of visit.read at the place",
        ),
        "ended_because": Personal(
            "说明走访需求为何结束",
            "why a need ended",
            "PIPL 13(1)(3), 28, 29 单独同意或规则列明的法定职责",
            Sensitivity.SENSITIVE,
            _KEPT,
            counted_from="需求结束之日 end of the need",
            unmasked_because="only for holders of visit.read at the place",
        ),
    }

    level = Text(default=None, null=False, help_text="a need level of patrols.toml")
    rule = Text(default=None, null=False, help_text="the rule that the level relies on")
    begins_on = Date(default=None, null=False)
    next_due_on = Date(default=None, null=False, help_text="last day to visit without delay")
    last_visit_on = Date(default=None, null=True)
    review_on = Date(default=None, null=False, help_text="when to ask whether it is still so")
    ended_on = Date(default=None, null=True)
    ended_because = Text(default="", null=False)


class Visit(PlacedTable, tablename="visit", schema="core"):
    """走访（民情日志）: somebody went to a place, and what people there said."""

    PERSONAL = {
        "note": Personal(
            "记录民情，解决诉求",
            "what residents asked for and said",
            _DUTY,
            Sensitivity.SENSITIVE,
            _KEPT,
            counted_from="走访之日 day of the visit",
            unmasked_because="only for holders of visit.read at the place",
        )
    }

    need = TenantFK(VisitNeed, null=True, on_delete=OnDelete.restrict)
    account = TenantFK(Account, null=False, on_delete=OnDelete.restrict)
    day = Date(default=None, null=False)
    outcome = choice(VisitOutcome, VisitOutcome.HELD)
    topics = Array(base_column=Text(), default=list, null=False, help_text="of patrols.toml")
    note = Text(default="", null=False)
    event = TenantFK(Event, null=True, on_delete=OnDelete.restrict, help_text="what was found")
