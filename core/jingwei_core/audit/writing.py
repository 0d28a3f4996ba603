"""Writing the audit log (审计): one row for each command, in the command's own transaction.

The rows of a transaction are appended as its very last statements. Appending locks the head of the
tenant's chain until the commit; taken last, after every other lock, it cannot close a ring of
transactions that wait for one another, and it is held for one round trip only.
"""

import json
import uuid
from typing import TYPE_CHECKING

from jingwei_core.commands.data import AuditNote, Change, UnitData
from jingwei_core.signals import CHANGES_CHANNEL, UnitSignals

if TYPE_CHECKING:
    from jingwei_core.session import CoreContext

_APPEND = "SELECT core.audit_append($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb)"
_APPEND_AND_NOTIFY = (
    f"{_APPEND}, (SELECT count(pg_notify($10, payload)) FROM unnest($11::text[]) AS payload)"
)
_NOTIFY = "SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload"


async def append_audit(ctx: "CoreContext", command: str, target_id: uuid.UUID | None) -> None:
    """Make one row of what the context has written since the last one; it is stored at the end."""
    assert isinstance(ctx.data, UnitData)
    changes = [_told(change) for change in ctx.data.changes]
    path = next((c.place_path for c in ctx.data.changes if c.place_path), None)
    ctx.data.changes.clear()
    note: AuditNote = (
        ctx.clock.now(),
        ctx.actor.kind,
        ctx.actor.account_id,
        ctx.actor.name,
        command,
        ctx.request_id,
        target_id,
        path,
        json.dumps(changes, ensure_ascii=False),
    )
    ctx.data.notes.append(note)


def _told(change: Change) -> dict[str, object]:
    told = {"table": change.table, "id": str(change.row_id)}
    if change.revealed is not None:
        return {**told, **change.revealed}
    return {**told, "before": change.before, "after": change.after}


async def finish(ctx: "CoreContext") -> None:
    """Store the audit rows and send the change notices: the last statements before the commit."""
    assert isinstance(ctx.data, UnitData)
    assert isinstance(ctx.signals, UnitSignals)
    notes, notices = list(ctx.data.notes), ctx.signals.notices()
    ctx.data.notes.clear()
    if not notes:
        if notices:
            await ctx.unit.execute(_NOTIFY, CHANGES_CHANNEL, notices)
        return
    if len(notes) > 1:
        await ctx.unit.executemany(_APPEND, notes[:-1])
    if notices:
        await ctx.unit.fetch(_APPEND_AND_NOTIFY, *notes[-1], CHANGES_CHANNEL, notices)
    else:
        await ctx.unit.fetch(_APPEND, *notes[-1])
