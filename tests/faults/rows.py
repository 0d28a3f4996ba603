"""What a database holds (数据全貌): every row of every table, what changed, and what must agree."""

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from jingwei_core.database.engine import connect
from jingwei_core.settings import Settings
from tests.leak.judge import SCHEMAS

Rows = Mapping[str, Counter[str]]
"""By table, each row as JSON and how often it is there."""

Change = Mapping[str, Mapping[str, list[str]]]
"""By table, the rows that went (``gone``) and those that came (``come``)."""

_TABLES = """
SELECT n.nspname || '.' || quote_ident(c.relname) AS name FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname = ANY($1)
  AND c.relname <> 'plugin_outcome' ORDER BY 1
"""
_NAMES = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"  # ids
    r"|\b[0-9a-f]{64}\b"  # hashes
    r"|(?<=-)[0-9a-f]{16}\b"  # ends of names in the store
    r"|\$argon2[^\"]+"
    r"|eyJ[\w+/=]{40,}"  # signed terms
)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:\+00:00|\+00|Z)")
_NUMBERS = {
    "jobs.pgqueuer": ("id",),
    "jobs.pgqueuer_log": ("id", "job_id"),
    "core.rollup_delta": ("seq",),
}
"""Columns that a sequence fills: what was rolled back took a number, too."""

_EARLIER, _LATER = timedelta(minutes=1), timedelta(hours=3)

# What the rows of an event must say alike; those that were planted crooked are known beforehand.
CROOKED = {
    "an event that is not where its last step left it": """
        SELECT e.id::text FROM core.event e JOIN LATERAL (SELECT to_state FROM core.event_step s
          WHERE s.tenant_id = e.tenant_id AND s.event = e.id ORDER BY sequence DESC LIMIT 1) s
        ON true WHERE s.to_state <> e.state""",
    "an event without its first step": """
        SELECT e.id::text FROM core.event e WHERE NOT EXISTS (SELECT 1 FROM core.event_step s
          WHERE s.tenant_id = e.tenant_id AND s.event = e.id AND s.sequence = 1)""",
    "step numbers with a gap": """
        SELECT event::text FROM core.event_step GROUP BY tenant_id, event
        HAVING max(sequence) <> count(*)""",
    "a step that no audit row tells": """
        SELECT s.id::text FROM core.event_step s WHERE NOT EXISTS (
          SELECT 1 FROM core.audit_entry a WHERE a.tenant_id = s.tenant_id
          AND a.changes @> jsonb_build_array(jsonb_build_object('id', s.id::text)))""",
    "open tasks counted wrong": """
        SELECT e.id::text FROM core.event e WHERE e.open_tasks <> (SELECT count(*)
          FROM core.event_task t WHERE t.tenant_id = e.tenant_id AND t.event = e.id
          AND NOT t.is_final)""",
    "a key without an answer": "SELECT id::text FROM core.command_key WHERE answer IS NULL",
    "audit rows with a gap": """
        SELECT tenant_id::text FROM core.audit_entry GROUP BY 1
        HAVING max(sequence) <> count(*)""",
    "an event number given twice": """
        SELECT tenant_id || number FROM core.event GROUP BY tenant_id, number
        HAVING count(*) > 1""",
    "evidence in a step that is not committed": """
        SELECT l.id::text FROM core.step_evidence l JOIN core.evidence v
          ON v.tenant_id = l.tenant_id AND v.id = l.evidence WHERE v.status <> 'committed'""",
}


class Book:
    """Everything that a database holds, read as a superuser past row security."""

    def __init__(self, connection: "asyncpg.Connection[Any]", tables: Sequence[str]) -> None:
        self._connection = connection
        # Of thousands of times that this is asked, most find nothing changed: no value is looked
        # at, for whatever writes a row, even as it was, makes a version at another place.
        self._brief = " UNION ALL ".join(
            f"SELECT '{name}' AS name, count(*) AS rows,"
            f" sum(hashtextextended(ctid::text || xmin::text, 0)) AS sum FROM {name}"
            for name in tables
        )
        self._digest: PreparedStatement[Any] | None = None
        self._all = " UNION ALL ".join(
            f"SELECT '{name}' AS name, to_jsonb(t)::text AS row FROM {name} t" for name in tables
        )

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings) -> AsyncIterator["Book"]:
        """Over the database of the settings, whose URL is that of a superuser."""
        assert settings.database_url is not None
        connection = await connect(settings.database_url)
        try:
            # Workers for tables of some hundred rows take longer to start than to read them.
            await connection.execute("SET max_parallel_workers_per_gather = 0")
            names = [row["name"] for row in await connection.fetch(_TABLES, list(SCHEMAS))]
            yield cls(connection, names)
        finally:
            await connection.close()

    async def digest(self) -> Mapping[str, object]:
        """What tells each table from what it was: its versions of rows, each by its place and the
        transaction that wrote it."""
        if self._digest is None:
            self._digest = await self._connection.prepare(self._brief)
        return {row["name"]: (row["rows"], row["sum"]) for row in await self._digest.fetch()}

    async def rows(self) -> Rows:
        """Every row."""
        found: dict[str, Counter[str]] = {}
        for row in await self._connection.fetch(self._all):
            found.setdefault(row["name"], Counter())[row["row"]] += 1
        return found

    async def crooked(self) -> set[tuple[str, str]]:
        """What does not agree: what it is, and where."""
        found = set()
        for what, sql in CROOKED.items():
            found |= {(what, row[0]) for row in await self._connection.fetch(sql)}
        return found


class Comparing:
    """Compares what commands did in two databases that began alike.

    Ids, hashes and times that were not there in the beginning are as good as any other.
    """

    def __init__(self, beginning: Rows) -> None:
        told = "\n".join(row for rows in beginning.values() for row in rows)
        self._known = set(_NAMES.findall(told))
        self._between = (datetime.now(UTC) - _EARLIER, datetime.now(UTC) + _LATER)

    def change(self, before: Rows, after: Rows) -> Change:
        """Rows that went and rows that came, by table."""
        found = {}
        for table in before.keys() | after.keys():
            old, new = before.get(table, Counter()), after.get(table, Counter())
            if old != new:
                found[table] = {
                    "gone": sorted(self._plain(table, row) for row in (old - new).elements()),
                    "come": sorted(self._plain(table, row) for row in (new - old).elements()),
                }
        return found

    @staticmethod
    def differences(one: Change, other: Change) -> list[str]:
        """What one of two changes has and the other has not."""
        found = []
        for table in sorted(one.keys() | other.keys()):
            for way in ("gone", "come"):
                left, right = (Counter(each.get(table, {}).get(way, [])) for each in (one, other))
                found += [f"- {table} {way} {row}" for row in (left - right).elements()]
                found += [f"+ {table} {way} {row}" for row in (right - left).elements()]
        return found

    def _plain(self, table: str, row: str) -> str:
        values = json.loads(row)
        for name in _NUMBERS.get(table, ()):
            del values[name]
        return json.dumps(self._value(values), sort_keys=True, ensure_ascii=False)

    def _value(self, value: Any) -> Any:
        if isinstance(value, dict):
            # A sheet tells when it was written, in more or fewer bytes.
            is_sheet = str(value.get("content_type")).endswith(".sheet")
            kept = {k: v for k, v in value.items() if not (is_sheet and k == "size_bytes")}
            return {self._text(name): self._value(item) for name, item in kept.items()}
        if isinstance(value, list):
            return [self._value(item) for item in value]
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        if text.startswith("\\x"):
            try:
                text = bytes.fromhex(text[2:]).decode()
            except ValueError:
                return "<bytes>"
        text = _NAMES.sub(lambda found: found[0] if found[0] in self._known else "<new>", text)
        return _INSTANT.sub(self._instant, text)

    def _instant(self, found: re.Match[str]) -> str:
        at = datetime.fromisoformat(found[0])
        return "<now>" if self._between[0] <= at <= self._between[1] else found[0]
