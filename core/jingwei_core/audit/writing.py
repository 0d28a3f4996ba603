"""Writing the audit log (审计): one row for each command, in the command's own transaction.

The rows of a transaction are appended as its very last statements, but for the notices. Appending
locks the head of the tenant's chain until the commit; taken last, after every other lock, it cannot
close a ring of transactions that wait for one another, and it is held for one round trip only.
"""

import uuid
from collections.abc import Iterable
from itertools import takewhile
from typing import TYPE_CHECKING

import msgspec

from jingwei_core.commands.data import AuditNote, Change, UnitData
from jingwei_core.database.expressions import Expression, selects
from jingwei_core.signals import CHANGES_CHANNEL, CHANGES_PRESENCE, UnitSignals

if TYPE_CHECKING:
    from jingwei_core.session import CoreContext

_JSON = msgspec.json.Encoder()
_NOTE = "SELECT core.audit_note($1, $2, $3, $4, $5, $6, $7, $8, $9)"
_WHO_AND_WHAT = "{timestamptz}, {text}, {uuid}, {text}, {text}, {text}, {uuid}, {text}"
_TELLING = f"core.changes_told('{CHANGES_CHANNEL}', {{text[]}})"
_TELLING_IF_HEARD = (
    f"core.changes_told_if_heard({CHANGES_PRESENCE}, '{CHANGES_CHANNEL}', {{text[]}})"
)
_LONG = 64 * 1024
"""Characters of changes above which they travel as parameters and not as literals."""


async def append_audit(ctx: "CoreContext", command: str, target_id: uuid.UUID | None) -> None:
    """Make one row of what the context has written since the last one; it is stored at the end."""
    assert isinstance(ctx.data, UnitData)
    changes = [_told(change) for change in ctx.data.changes] + _covering(ctx)
    deferred = tuple(ctx.data.deferred)
    paths = [change.place_path for change in ctx.data.changes]
    path = smallest_subtree(paths + [each.place_path for each in deferred])
    ctx.data.changes.clear()
    ctx.data.deferred.clear()
    note: AuditNote = (
        ctx.clock.now(),
        ctx.actor.kind,
        ctx.actor.account_id,
        ctx.actor.name,
        command,
        ctx.request_id,
        target_id,
        path,
        _JSON.encode(changes).decode(),
        tuple(each.call for each in deferred),
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


def _covering(ctx: "CoreContext") -> list[dict[str, object]]:
    """For whom the actor stands in while doing it (顶岗): one entry for each."""
    who = str(ctx.actor.account_id)
    return [
        {"table": "account", "id": str(covered), "covered_by": who}
        for covered in sorted(ctx.actor.covers)
    ]


async def finish(ctx: "CoreContext") -> None:
    """Give the unit its last words: what leaves the transaction, the audit rows, the notices.

    Long rows are stored at once: a message of literals is twice as long as what it says.
    """
    assert isinstance(ctx.data, UnitData)
    calls, notes = list(ctx.data.parting), list(ctx.data.notes)
    ctx.data.parting.clear()
    ctx.data.notes.clear()
    is_long = not any(note[-1] for note in notes) and sum(len(note[-2]) for note in notes) > _LONG
    if is_long:
        if calls:
            await ctx.unit.execute("; ".join(selects([call.literal for call in calls])))
        await ctx.unit.executemany(_NOTE, [note[:-1] for note in notes])
        calls = []
    else:
        calls += [_call(note) for note in notes]
    ctx.unit.call_at_the_end(calls)
    if ctx.data.along is not None:
        ctx.unit.reads_along(ctx.data.along)
    ctx.unit.call_at_the_end(_telling(ctx))


def _telling(ctx: "CoreContext") -> list[Expression]:
    """What tells of the changes; nothing when there are none."""
    assert isinstance(ctx.signals, UnitSignals)
    notices = ctx.signals.notices()
    # Whether anybody listens is looked at just before the commit. A unit inside another one ends
    # long before that, so it tells in any case.
    telling = _TELLING_IF_HEARD if ctx.unit.parent is None else _TELLING
    return [Expression(telling, (notices,))] if notices else []


def _call(note: AuditNote) -> Expression:
    *who_and_what, changes, deferred = note
    told = [Expression("{text}::jsonb", (changes,))] if changes != "[]" or not deferred else []
    told += deferred
    values = (*who_and_what, *(value for each in told for value in each.values))
    changed = " || ".join(each.text for each in told)
    return Expression(f"core.audit_note({_WHO_AND_WHAT}, {changed})", values)
