"""Questions about patrols and visits (巡查走访提问): what is due today, which visits are late."""

import uuid
from datetime import date, timedelta
from typing import Annotated

import msgspec

from jingwei_core.patrols.cadence import period_begin
from jingwei_core.patrols.records import READ_PATROLS, VISIT_NEED
from jingwei_core.patrols.states import Per
from jingwei_sdk.context import Context
from jingwei_sdk.narrowing import Asker, AtMost, IsNull, Narrowed
from jingwei_sdk.questions import Question

MOST_DUE = 500

_DUE = """
WITH held AS (
    SELECT r.code AS role, p.place_path AS path
      FROM core.post p JOIN core.role r ON r.tenant_id = p.tenant_id AND r.id = p.role
     WHERE p.account = $1 AND p.valid_from <= $2 AND (p.valid_to IS NULL OR p.valid_to > $2)
), planned AS (
    SELECT p.id AS plan, l.id AS place, l.path
      FROM core.patrol_plan p
      JOIN core.place l ON l.tenant_id = p.tenant_id AND l.id = p.place_id
     WHERE p.level = ''
    UNION ALL
    SELECT p.id, l.id, l.path
      FROM core.patrol_plan p
      JOIN core.place l ON l.tenant_id = p.tenant_id AND l.level = p.level
       AND starts_with(l.path, p.place_path)
     WHERE p.level <> ''
)
SELECT p.id AS plan_id, p.name AS plan_name, p.name_en AS plan_name_en,
       l.id AS place_id, l.name AS place_name, p.times, p.per, done.walks AS done
  FROM planned x
  JOIN core.patrol_plan p ON p.id = x.plan
  JOIN core.place l ON l.id = x.place
 CROSS JOIN LATERAL (
    SELECT count(*)::integer AS walks, coalesce(bool_or(t.day = $3), false) AS today
      FROM core.patrol t
     WHERE t.tenant_id = p.tenant_id AND t.plan = p.id AND t.place_id = l.id AND t.day <= $3
       AND t.day >= CASE p.per WHEN 'day' THEN $3 WHEN 'week' THEN $4 ELSE $5 END
 ) done
 WHERE p.valid_from <= $3 AND (p.valid_to IS NULL OR p.valid_to > $3)
   AND l.valid_from <= $3 AND (l.valid_to IS NULL OR l.valid_to > $3)
   AND EXISTS (SELECT 1 FROM unnest($6::text[]) seen (path) WHERE starts_with(l.path, seen.path))
   AND ($7 OR EXISTS (
        SELECT 1 FROM held h WHERE h.role = p.role AND starts_with(l.path, h.path)))
   AND done.walks < p.times AND (p.per = 'day' OR NOT done.today)
 ORDER BY l.path, p.code
 LIMIT $8
"""


class DueQuestion(msgspec.Struct, frozen=True):
    """Whose patrols: those of the asker's own roles, or all in the asker's area."""

    of_all: Annotated[bool, msgspec.Meta(description="All in my area, not my roles' only.")] = False
    most: Annotated[int, msgspec.Meta(ge=1, le=MOST_DUE, description="How many at most.")] = 100


class DuePatrol(msgspec.Struct, frozen=True):
    """A place that a plan wants walked today (今日应巡)."""

    plan_id: Annotated[uuid.UUID, msgspec.Meta(extra={"record": "PatrolPlan"})]
    plan_name: str
    plan_name_en: str
    place_id: Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Place"})]
    place_name: str
    times: Annotated[int, msgspec.Meta(description="How often in the period.")]
    per: Annotated[str, msgspec.Meta(description="day, week or month")]
    done: Annotated[int, msgspec.Meta(description="How often in it so far, by whomever.")]


async def due_today(ctx: Context, given: DueQuestion) -> list[DuePatrol]:
    """What is still to be walked on the tenant's calendar day, by place."""
    today = ctx.today()
    begins = [period_begin(today, per) for per in (Per.WEEK, Per.MONTH)]
    rows = await ctx.data.fetch(
        _DUE,
        ctx.actor.account_id,
        ctx.clock.now(),
        today,
        *begins,
        list(ctx.permissions.paths(READ_PATROLS)),
        given.of_all,
        given.most,
    )
    return [DuePatrol(**row) for row in rows]


def visits_due(asker: Asker) -> Narrowed:
    """Needs whose next visit is due today or was due before."""
    return _until(_today(asker))


def overdue_visits(asker: Asker) -> Narrowed:
    """Needs whose next visit was due before today."""
    return _until(_today(asker) - timedelta(days=1))


def _until(day: date) -> Narrowed:
    return Narrowed((IsNull("ended_on"), AtMost("next_due_on", day)))


def _today(asker: Asker) -> date:
    return asker.now.astimezone(asker.tenant.timezone).date()


QUESTIONS = (
    Question(
        "due_today",
        DuePatrol,
        resolve=due_today,
        input=DueQuestion,
        is_list=True,
        permission=READ_PATROLS,
        cost=20,
        description="Patrols due today at my places (今日应巡).",
    ),
    Question(
        "visits_due",
        VISIT_NEED,
        narrow=visits_due,
        is_page=True,
        signed_in=True,
        cost=5,
        description="Visits due today or late (应走访).",
    ),
    Question(
        "overdue_visits",
        VISIT_NEED,
        narrow=overdue_visits,
        is_page=True,
        signed_in=True,
        cost=5,
        description="Visits that are late (逾期未走访).",
    ),
)
