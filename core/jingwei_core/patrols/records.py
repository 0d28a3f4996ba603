"""How patrols and visits are read.

Neither is filtered, sorted or counted by account: that would be a tally of each worker, which
国办函〔2026〕12号 does not want.
"""

from jingwei_core.evidence.links import step_links
from jingwei_core.patrols.tables import (
    CheckPoint,
    Patrol,
    PatrolEvidence,
    PatrolPlan,
    PatrolRules,
    Visit,
    VisitNeed,
)
from jingwei_sdk.records import AtPlace, Many, One, Record, TenantWide, Through

READ_PATROLS, LOG_PATROLS, PLAN_PATROLS = "patrol.read", "patrol.log", "patrol.plan"
READ_VISITS, LOG_VISITS, PLAN_VISITS = "visit.read", "visit.log", "visit.plan"
_PLACE = frozenset({"place_path"})

PATROL_RULES = Record(
    PatrolRules,
    read="place.read",
    scope=(TenantWide(),),
    plural="patrolRulesInForce",
    description="Topics of visits and levels of need with their cadence (走访规则).",
)
PATROL_PLAN = Record(
    PatrolPlan,
    read=READ_PATROLS,
    scope=(TenantWide(),),
    filters=("code", "role", "level", "place_id", "valid_from", "valid_to"),
    sort=("code", "created_at"),
    hidden=_PLACE,
    relations={"place": One("place_id", "Place"), "check_points": Many("CheckPoint", "plan")},
)
CHECK_POINT = Record(
    CheckPoint,
    read=READ_PATROLS,
    scope=(AtPlace(),),
    filters=("plan", "place_id", "valid_to"),
    sort=("code", "created_at"),
    hidden=_PLACE,
    relations={"plan": One("plan", "PatrolPlan"), "place": One("place_id", "Place")},
)
PATROL = Record(
    Patrol,
    read=READ_PATROLS,
    scope=(AtPlace(),),
    filters=("plan", "place_id", "day"),
    sort=("day", "created_at"),
    hidden=_PLACE,
    relations={
        "plan": One("plan", "PatrolPlan"),
        "place": One("place_id", "Place"),
        "account": One("account", "Account"),
        "event": One("event", "Event"),
        "photos": Many("PatrolEvidence", "patrol"),
    },
)
PATROL_EVIDENCE = Record(
    PatrolEvidence,
    read=READ_PATROLS,
    scope=(Through("patrol", "Patrol"),),
    plural="patrolEvidences",
    filters=("patrol",),
    sort=("created_at",),
    computed=step_links(),
)
VISIT_NEED = Record(
    VisitNeed,
    read=READ_VISITS,
    scope=(AtPlace(),),
    filters=("place_id", "level", "next_due_on", "review_on", "ended_on"),
    sort=("next_due_on", "created_at"),
    hidden=_PLACE,
    relations={"place": One("place_id", "Place"), "visits": Many("Visit", "need")},
)
VISIT = Record(
    Visit,
    read=READ_VISITS,
    scope=(AtPlace(),),
    filters=("need", "place_id", "day", "outcome"),
    sort=("day", "created_at"),
    hidden=_PLACE,
    relations={
        "need": One("need", "VisitNeed"),
        "place": One("place_id", "Place"),
        "account": One("account", "Account"),
        "event": One("event", "Event"),
    },
)

RECORDS = (PATROL_RULES, PATROL_PLAN, CHECK_POINT, PATROL, PATROL_EVIDENCE, VISIT_NEED, VISIT)
