"""Removing contacts (删除联系方式): by the tenant's rules, by the resident, and counts that ended.

None of it goes through the audited way of writing: that would keep in the log what is removed.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from jingwei_core.presence.visitors import FORGET_CALLS
from jingwei_core.public_reports.rules import OFF, read_rules
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context

_REMOVED = (
    "UPDATE core.public_report r SET name = NULL, phone = NULL, contact_removed_at = $2,"
    " version = r.version + 1, updated_at = $2"
)
_HAS = "(r.name IS NOT NULL OR r.phone IS NOT NULL)"
REMOVE_ONE = f"{_REMOVED} WHERE r.id = $1 AND {_HAS}"
_REMOVE_OLD = f"""
{_REMOVED}
  FROM core.event e
 WHERE e.tenant_id = r.tenant_id AND e.id = r.event AND {_HAS}
   AND (e.is_final AND e.closed_at < $1 OR r.created_at < $3)
"""
_RULES = "SELECT definition::text FROM core.public_report_rules"


async def remove_old(ctx: Context, payload: Mapping[str, Any]) -> None:
    """Remove the contacts that the tenant's rules keep no longer, and counts whose window ended."""
    assert isinstance(ctx, CoreContext)
    stored, now = await ctx.data.fetchval(_RULES), ctx.now()
    rules = OFF if stored is None else read_rules(json.loads(stored))
    closed = now - timedelta(days=rules.contact_days)
    longest = now - timedelta(days=rules.contact_longest_days)
    await ctx.unit.execute(_REMOVE_OLD, closed, now, longest)
    await ctx.unit.execute(FORGET_CALLS, now)
