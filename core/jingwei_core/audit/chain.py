"""The hash chain (哈希链) of the audit log: its rule, and the check of a tenant's whole chain.

The hash of a row is SHA-256 over its fields and the hash before it, joined by the unit separator.
The same rule stands in ``core.audit_append``; it is checked here in Python so that a function
changed in the database cannot vouch for itself.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jingwei_core.database.unit import Unit

GENESIS = "0" * 64
_SEPARATOR = "\x1f"
_BATCH = 1000
_FIELDS = (
    "sequence",
    "at",
    "actor_kind",
    "actor_id",
    "actor_name",
    "command",
    "request_id",
    "target_id",
    "place_path",
    "changes",
    "previous",
)
# Rows and head in one statement, so in one snapshot: a command that commits meanwhile is no gap.
_SELECT = """
SELECT head.sequence AS head_sequence, head.hash AS head_hash, entry.*
FROM (VALUES (1)) AS one LEFT JOIN core.audit_head AS head ON true LEFT JOIN LATERAL (
    SELECT sequence, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at,
        actor_kind, actor_id, actor_name, command, request_id, target_id, place_path,
        changes::text AS changes, previous, hash
    FROM core.audit_entry WHERE sequence > $1 ORDER BY sequence LIMIT $2
) AS entry ON true ORDER BY entry.sequence
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the check found: ``broken_at`` is the first row that does not hold, with the reason.

    ``head`` is the last hash; kept outside the database it proves that nothing was cut off.
    """

    rows: int
    head: str
    broken_at: int | None = None
    reason: str = ""


async def verify_chain(unit: Unit) -> Verdict:
    """Check every row of the unit's tenant in order."""
    previous, expected = GENESIS, 0
    while True:
        found = await unit.fetch(_SELECT, expected, _BATCH)
        rows = [row for row in found if row["sequence"] is not None]
        for row in rows:
            expected += 1
            reason = _fault(row, expected, previous)
            if reason:
                return Verdict(expected - 1, previous, expected, reason)
            previous = row["hash"]
        if len(rows) < _BATCH:
            break
    return _at_the_end(expected, previous, found[0]["head_sequence"], found[0]["head_hash"])


def row_hash(row: Mapping[str, Any]) -> str:
    """The hash that a row must carry."""
    text = _SEPARATOR.join("" if row[name] is None else str(row[name]) for name in _FIELDS)
    return hashlib.sha256(text.encode()).hexdigest()


def _fault(row: Mapping[str, Any], expected: int, previous: str) -> str:
    if row["sequence"] != expected:
        return "a row is missing"
    if row["previous"] != previous:
        return "the row before it was changed or replaced"
    return "" if row_hash(row) == row["hash"] else "the row was changed"


def _at_the_end(rows: int, previous: str, head_sequence: int | None, head_hash: str) -> Verdict:
    if head_sequence is None:
        reason = "the head of the chain is missing" if rows else ""
        return Verdict(rows, previous, rows or None, reason)
    if head_sequence > rows:
        return Verdict(rows, previous, rows + 1, "rows at the end are missing")
    if (head_sequence, head_hash) != (rows, previous):
        reason = "the head of the chain does not fit its last row"
        return Verdict(rows, previous, head_sequence + 1, reason)
    return Verdict(rows, previous)
