"""Demo patrols and visits (示范巡查走访): who walks the plans of the package has just walked them.

Patrols are told as a device tells them later, so that each lies on its own day.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from jingwei_core.commands.bus import Call, execute
from jingwei_core.demo.people import Cast, Member
from jingwei_core.patrols.patrol_commands import log_patrol
from jingwei_core.patrols.records import LOG_PATROLS, LOG_VISITS, PLAN_VISITS
from jingwei_core.patrols.rules import VisitRules
from jingwei_core.patrols.states import Per
from jingwei_core.patrols.visit_commands import log_visit, save_need
from jingwei_core.platform import Platform
from jingwei_core.session import Request
from jingwei_core.tenants.package_model import TenantPackage
from jingwei_sdk.commands import declaration
from jingwei_sdk.context import Tenant

DAYS = 5
"""So many days a daily plan was walked; any other once."""
VISITED = 3
"""So many places are visited by need."""
NOTE = "巡查正常"
SAID = "住户反映情况良好，已留联系方式"

_PLACES = """
SELECT pl.id AS plan_id, pl.code AS plan, pl.per, l.id AS place_id, l.code AS place, l.path,
       p.account, ARRAY(SELECT c.id FROM core.check_point c
                         WHERE c.tenant_id = pl.tenant_id AND c.plan = pl.id
                           AND c.valid_to IS NULL AND starts_with(c.place_path, l.path)) AS points,
       ARRAY(SELECT o.id FROM core.organisation o
              WHERE o.tenant_id = pl.tenant_id AND o.kind = ANY(pl.classes)
                AND starts_with(o.place_path, l.path)) AS sites, pl.classes <> '{}' AS has_classes
  FROM core.patrol_plan pl
  JOIN core.role r ON r.tenant_id = pl.tenant_id AND r.code = pl.role
  JOIN core.post p ON p.tenant_id = r.tenant_id AND p.role = r.id AND p.valid_to IS NULL
  JOIN core.place l ON l.tenant_id = p.tenant_id AND l.id = p.place_id
 WHERE pl.valid_to IS NULL AND NOT pl.asks_evidence
   AND CASE pl.level WHEN '' THEN l.id = pl.place_id
       ELSE l.level = pl.level AND starts_with(l.path, pl.place_path) END
 ORDER BY pl.code, l.code, p.account
"""
_TOLD = """
SELECT request_id FROM core.audit_entry
 WHERE command IN ('patrol.log', 'visit.need.save', 'visit.log') AND request_id LIKE 'seed:%'
"""


@dataclass(frozen=True, slots=True)
class _Round:
    """One command of a demo account, and the name by which it is done once."""

    name: str
    member: Member
    command: Any
    given: Mapping[str, Any]
    happened_at: datetime | None = None


async def seed_rounds(
    platform: Platform, tenant: Tenant, package: TenantPackage, cast: Cast
) -> int:
    """Log what is missing of them; how many commands that took."""
    async with platform.database.unit(tenant.id) as unit:
        places = [dict(row) for row in await unit.fetch(_PLACES)]
        told = {row["request_id"] for row in await unit.fetch(_TOLD)}
    now = platform.clock.now()
    rounds = [
        *_patrols(places, {one.identity.account_id: one for one in cast.members}, now),
        *_visits(places, cast, package.patrols.visits),
    ]
    new = [one for one in rounds if one.name not in told]
    for one in new:
        call = Call(declaration(one.command), one.given)
        request = Request(request_id=one.name, happened_at=one.happened_at)
        await execute(platform, tenant, one.member.identity, call, request)
    return len(new)


def _patrols(
    places: Sequence[Mapping[str, Any]], members: Mapping[uuid.UUID, Member], now: datetime
) -> list[_Round]:
    """The oldest first; whoever may not log patrols walks none."""
    found = []
    for row in places:
        walker = members.get(row["account"])
        if walker is None or not walker.permissions.allows(LOG_PATROLS, row["path"]):
            continue
        if row["has_classes"] and not row["sites"]:
            continue
        given = {"plan_id": row["plan_id"], "place_id": row["place_id"], "note": NOTE}
        given |= {"seen": row["points"], "sites": row["sites"]}
        for days in range(DAYS if row["per"] == Per.DAY.value else 1, 0, -1):
            name = f"seed:patrol:{row['plan']}:{row['place']}:{days}"
            at = now - timedelta(days=days)
            found.append(_Round(name, walker, log_patrol, given, at))
    return found


def _visits(places: Sequence[Mapping[str, Any]], cast: Cast, rules: VisitRules) -> list[_Round]:
    """A need at some of the places, each of another level, and the visit that answers it."""
    found = []
    where = list({row["place"]: row for row in places}.values())[:VISITED]
    for number, row in enumerate(where if rules.levels else ()):
        planner = cast.who_may(PLAN_VISITS, row["path"])
        visitor = cast.who_may(LOG_VISITS, row["path"])
        if planner is None or visitor is None:
            continue
        place = {"place_id": row["place_id"]}
        level = rules.levels[number % len(rules.levels)].code
        topics = [topic.code for topic in rules.topics[number:][:1]]
        name = row["place"]
        found += [
            _Round(f"seed:need:{name}", planner, save_need, {**place, "level": level}),
            _Round(
                f"seed:visit:{name}",
                visitor,
                log_visit,
                {**place, "topics": topics, "note": SAID},
            ),
        ]
    return found
