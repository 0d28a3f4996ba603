"""Which people and departments a task may name (任务的单位和人员)."""

import uuid

from jingwei_core.access.tables import Department
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Invalid

_MEMBER = """
SELECT true FROM core.account a
  JOIN core.post p ON p.tenant_id = a.tenant_id AND p.account = a.id
 WHERE a.id = $1 AND a.status = 'active' AND p.department = $2
   AND p.valid_from <= $3 AND (p.valid_to IS NULL OR p.valid_to > $3)
 LIMIT 1
"""


_LEAD = """
SELECT true FROM core.account a
  JOIN core.post p ON p.tenant_id = a.tenant_id AND p.account = a.id
 WHERE a.id = $1 AND a.status = 'active' AND (p.department = $2 OR starts_with($4, p.place_path))
   AND p.valid_from <= $3 AND (p.valid_to IS NULL OR p.valid_to > $3)
 LIMIT 1
"""


async def require_lead(
    ctx: Context, account: uuid.UUID, department: uuid.UUID, place_path: str
) -> None:
    """Raise ``Invalid`` (``TASK_LEAD_UNFIT``) unless the account is of the leading department now,
    or holds a post at the place or above.

    A subdistrict's rulebook, 联合执法 四: "二级网格长具体承担联合执法的组织协调工作".
    """
    given = (account, department, ctx.clock.now(), place_path)
    if not await ctx.data.fetchval(_LEAD, *given):
        raise Invalid("TASK_LEAD_UNFIT", field="lead")


async def require_member(
    ctx: Context, account: uuid.UUID, department: uuid.UUID, field: str
) -> None:
    """Raise ``Invalid`` (``TASK_NOT_MEMBER``) unless the account is an active member of the
    department now."""
    if not await ctx.data.fetchval(_MEMBER, account, department, ctx.clock.now()):
        raise Invalid("TASK_NOT_MEMBER", field=field)


async def named_department(
    ctx: Context, department: uuid.UUID | None, code: str | None, field: str
) -> uuid.UUID:
    """The department that an id or a code names.

    Raises ``Invalid``: ``TASK_DEPARTMENT_UNKNOWN``; ``TASK_DEPARTMENT_REQUIRED`` unless just one of
    the two is given.
    """
    if (department is None) == (code is None):
        raise Invalid("TASK_DEPARTMENT_REQUIRED", field=field)
    wanted = {"id": department} if department is not None else {"code": code}
    found = await ctx.data.find(Department, **wanted)
    if not found:
        raise Invalid("TASK_DEPARTMENT_UNKNOWN", field=field)
    known: uuid.UUID = found[0].id
    return known
