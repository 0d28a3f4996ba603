"""What PostgreSQL does for a compiled read: the generic plan of a lane, and what its run met."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jingwei_core.reading.compiled import Compiled
from jingwei_core.reading.selection import Asked

_SORTS = {"Sort", "Incremental Sort"}


@dataclass(frozen=True, slots=True)
class Explained:
    """A plan that was run, as ``EXPLAIN (ANALYZE, FORMAT JSON)`` tells it."""

    told: Any

    @property
    def nodes(self) -> Iterator[Any]:
        """Every node of it."""
        waiting = [self.told["Plan"]]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += node.get("Plans", ())

    @property
    def has_read(self) -> bool:
        """Whether a table was looked at, beyond what verifies the access."""
        tables = (n for n in self.nodes if "Relation Name" in n and n["Alias"] != "stamp")
        return any(node["Actual Loops"] for node in tables)

    @property
    def read_whole(self) -> set[str]:
        """The tables that are looked at from the beginning to the end."""
        return {n["Relation Name"] for n in self.nodes if n["Node Type"] == "Seq Scan"}

    @property
    def most_sorted(self) -> int:
        """The rows that went into the largest sort."""
        return max(
            (
                round(below["Actual Rows"])
                for node in self.nodes
                if node["Node Type"] in _SORTS
                for below in node["Plans"]
            ),
            default=0,
        )

    @property
    def is_compiled(self) -> bool:
        """Whether machine code was made for it."""
        return "JIT" in self.told

    @property
    def looked_at(self) -> Counter[str]:
        """How many rows of each table were looked at, with those left out."""
        found = Counter[str]()
        for node in self.nodes:
            if "Relation Name" in node:
                left_out = node.get("Rows Removed by Filter", 0)
                left_out += node.get("Rows Removed by Index Recheck", 0)
                rows = (node["Actual Rows"] + left_out) * node["Actual Loops"]
                found[node["Relation Name"]] += round(rows)
        return found


async def explained(
    connection: Any, compiled: Compiled, asked: Asked, *, policy: int = 0
) -> Explained:
    """The generic plan of the statement, run for who asks (with a token of epoch 0)."""
    stamp = (str(asked.tenant.id), asked.actor.account_id, 0, policy)
    given = ", ".join(literal(value) for value in (*stamp, *compiled.arguments(asked)))
    await connection.execute(f"PREPARE planned AS {compiled.sql}")
    try:
        told = await connection.fetchval(
            f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE planned({given})"
        )
    finally:
        await connection.execute("DEALLOCATE planned")
    found = Explained(json.loads(told)[0])
    # Where the stamp does not hold nothing is read, and every plan is good.
    assert found.has_read, "the access is not the caller's"
    return found


def literal(value: Any) -> str:
    """The value as SQL."""
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'"
    if isinstance(value, (list, tuple)):
        return "'{" + ",".join(map(str, value)) + "}'"
    return "NULL" if value is None else "'" + str(value).replace("'", "''") + "'"
