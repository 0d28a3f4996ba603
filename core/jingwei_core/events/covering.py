"""For whom a substitute acts (顶岗办理): told by the timeline, next to who acted."""

import uuid

from jingwei_core.access.permissions import wider_grants
from jingwei_core.events.authority import Desk
from jingwei_core.events.workflow import Action, By
from jingwei_sdk.context import Context

# Own posts come first: whoever may act in an office of their own acts for nobody else.
_OPENED_BY = """
SELECT l.account
  FROM core.post p
  JOIN core.role r ON r.tenant_id = p.tenant_id AND r.id = p.role
  LEFT JOIN core.leave l ON l.tenant_id = p.tenant_id AND l.id = p.covers
 WHERE p.account = $1 AND p.valid_from <= $2 AND (p.valid_to IS NULL OR p.valid_to > $2)
   AND ($3::text IS NULL OR starts_with($3, p.place_path) AND r.permissions && $4::text[])
   AND ($5::uuid IS NULL OR p.department = $5)
 ORDER BY p.covers IS NOT NULL, p.id
 LIMIT 1
"""


async def acts_for(ctx: Context, action: Action, desk: Desk) -> uuid.UUID | None:
    """The account on leave for whom the actor takes the action; ``None`` when the actor may take it
    without covering anybody. One or two statements, and none for who covers nobody."""
    if not ctx.actor.covers:
        return None
    if desk.account is not None and desk.account in ctx.actor.covers:
        return desk.account
    found = await reports_for(ctx, action.permission, desk.place_path)
    is_departments = action.by is By.ASSIGNED and desk.account is None
    if found is None and is_departments and desk.department is not None:
        found = await _opened_by(ctx, None, "", desk.department)
    return found


async def reports_for(ctx: Context, permission: str, path: str) -> uuid.UUID | None:
    """The account on leave whose post gives the actor the permission at a place, where no post of
    the actor's own does."""
    return await _opened_by(ctx, path, permission, None) if ctx.actor.covers else None


async def _opened_by(
    ctx: Context, path: str | None, permission: str, department: uuid.UUID | None
) -> uuid.UUID | None:
    given = (path, wider_grants(permission), department)
    found: uuid.UUID | None = await ctx.data.fetchval(
        _OPENED_BY, ctx.actor.account_id, ctx.clock.now(), *given
    )
    return found
