"""What is still to be walked (今日应巡): which places a plan names and nobody has walked yet."""

from collections.abc import Mapping, Sequence
from typing import Any

from jingwei_core.patrols.cadence import period_begin
from jingwei_core.patrols.states import Per
from jingwei_sdk.context import Context

# "~" comes after whatever stands in a path, by the column's own order, so that an index is walked.
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
       l.id AS place_id, l.name AS place_name, p.times, p.per, done.walks AS done,
       p.role, l.path
  FROM planned x
  JOIN core.patrol_plan p ON p.id = x.plan
  JOIN core.place l ON l.id = x.place
 CROSS JOIN LATERAL (
    SELECT (CASE p.per WHEN 'day' THEN count(*) ELSE count(DISTINCT t.day) END)::integer AS walks,
           coalesce(bool_or(t.day = $3), false) AS today
      FROM core.patrol t
     WHERE t.tenant_id = p.tenant_id AND t.plan = p.id AND t.place_id = l.id AND t.day <= $3
       AND t.day >= CASE p.per WHEN 'day' THEN $3 WHEN 'week' THEN $4 ELSE $5 END
 ) done
 WHERE p.valid_from <= $3 AND (p.valid_to IS NULL OR p.valid_to > $3)
   AND l.valid_from <= $3 AND (l.valid_to IS NULL OR l.valid_to > $3)
   AND EXISTS (SELECT 1 FROM unnest($6::text[]) seen (path) WHERE starts_with(l.path, seen.path))
   AND ($7 OR EXISTS (
        SELECT 1 FROM held h WHERE h.role = p.role AND starts_with(l.path, h.path)))
   AND (p.classes = '{}' OR EXISTS (
        SELECT 1 FROM core.organisation o
         WHERE o.tenant_id = l.tenant_id AND o.kind = ANY(p.classes)
           AND o.place_path >= l.path AND o.place_path < l.path || '~'))
   AND done.walks < p.times AND (p.per = 'day' OR NOT done.today)
 ORDER BY l.path, p.code
 LIMIT $8
"""


async def walks_due(
    ctx: Context, below: Sequence[str], most: int, *, of_all: bool
) -> Sequence[Mapping[str, Any]]:
    """The places below any of the paths that a plan wants walked today, by path.

    ``of_all``: whoever walks them, or else those of the actor's roles only. Each row has the plan,
    the place, its ``path``, the ``role`` that walks it, ``times``, ``per`` and ``done``: patrols of
    the day, or days of the week or month on which it was walked.
    """
    today = ctx.today()
    begins = [period_begin(today, per) for per in (Per.WEEK, Per.MONTH)]
    asked = (ctx.actor.account_id, ctx.clock.now(), today, *begins, list(below), of_all, most)
    return await ctx.data.fetch(_DUE, *asked)
