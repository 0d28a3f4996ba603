"""Writing the audit log (审计): one row for each command, in the command's own transaction.

The rows of a transaction are appended as its very last statements. Appending locks the head of the
tenant's chain until the commit; taken last, after every other lock, it cannot close a ring of
transactions that wait for one another, and it is held for one round trip only.
"""

import json
import uuid
from collections.abc import Iterable
from itertools import takewhile
from typing import TYPE_CHECKING

from jingwei_core.commands.data import AuditNote, Change, UnitData
from jingwei_core.signals import CHANGES_CHANNEL, UnitSignals

if TYPE_CHECKING:
    from jingwei_core.session import CoreContext

# What lies nowhere lies at the tenant's root, whose path is a prefix of every other one.
_ROOT = "(SELECT path FROM core.place ORDER BY path LIMIT 1)"
_APPEND = f"SELECT core.audit_append($1, $2, $3, $4, $5, $6, $7, coalesce($8, {_ROOT}), $9::jsonb)"
_APPEND_AND_NOTIFY = (
    f"{_APPEND}, (SELECT count(pg_notify($10, payload)) FROM unnest($11::text[]) AS payload)"
)
_NOTIFY = "SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload"


async def append_audit(ctx: "CoreContext", command: str, target_id: uuid.UUID | None) -> None:
    """Make one row of what the context has written since the last one; it is stored at the end."""
    assert isinstance(ctx.data, UnitData)
    changes = [_told(change) for change in ctx.data.changes]
    path = smallest_subtree(change.place_path for change in ctx.data.changes)
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


def smallest_subtree(paths: Iterable[str | None]) -> str | None:
    """The path of the smallest subtree that holds all of the paths; ``None`` when there is none."""
    labels = [path.strip("/").split("/") for path in paths if path]
    shared = takewhile(lambda same: len(set(same)) == 1, zip(*labels, strict=False))
    return "/" + "".join(f"{same[0]}/" for same in shared) if labels else None


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
