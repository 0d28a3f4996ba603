"""Writing the audit log (审计): one row for each command, in the command's own transaction."""

import json
import uuid
from typing import TYPE_CHECKING

from jingwei_core.commands.data import UnitData
from jingwei_core.signals import CHANGES_CHANNEL, UnitSignals

if TYPE_CHECKING:
    from jingwei_core.session import CoreContext

_APPEND = (
    "SELECT core.audit_append($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb),"
    " (SELECT count(pg_notify($10, payload)) FROM unnest($11::text[]) AS payload)"
)


async def append_audit(ctx: "CoreContext", command: str, target_id: uuid.UUID | None) -> None:
    """Append what the context has written so far as one row, and send its change notices.

    The database function takes the tenant's chain head, so rows follow one another without gaps.
    """
    assert isinstance(ctx.data, UnitData)
    assert isinstance(ctx.signals, UnitSignals)
    changes = [
        {"table": c.table, "id": str(c.row_id), "before": c.before, "after": c.after}
        for c in ctx.data.changes
    ]
    path = next((c.place_path for c in ctx.data.changes if c.place_path), None)
    ctx.data.changes.clear()
    await ctx.unit.fetch(
        _APPEND,
        ctx.clock.now(),
        ctx.actor.kind,
        ctx.actor.account_id,
        ctx.actor.name,
        command,
        ctx.request_id,
        target_id,
        path,
        json.dumps(changes, ensure_ascii=False),
        CHANGES_CHANNEL,
        ctx.signals.notices(),
    )
