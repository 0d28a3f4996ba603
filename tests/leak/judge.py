"""Judging answers: nothing planted out of sight shows, and a refusal leaves no trace in data."""

import base64
import re
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

from asyncpg.prepared_stmt import PreparedStatement

from jingwei_core.database.engine import connect
from jingwei_core.settings import Settings
from tests.leak.client import Heard
from tests.leak.matrix import Attacker
from tests.leak.world import Planted, World

CANARY = re.compile(r"canary\.([ab])\.([a-z]+)", re.IGNORECASE)
PATH = re.compile(r'"/1/[0-9a-z/]*"')
SCHEMAS = ("core", "safety_production", "jobs", "platform")
# Ids of these say nothing by themselves: a step that is in sight names its photo's id in its link,
# and the id of an account stands in each event that it reported.
NAMED_IN_OTHERS = {"Evidence"}


def global_id(record: str, row_id: uuid.UUID) -> str:
    """The id of a row as clients know it."""
    return base64.b64encode(f"{record}:{row_id}".encode()).decode()


@dataclass(frozen=True, slots=True)
class Judge:
    """Knows what one attacker must not hear."""

    attacker: Attacker
    forbidden_ids: Mapping[str, Planted]

    @classmethod
    def of(cls, world: World, attacker: Attacker) -> Self:
        """The judge of an attacker."""
        ids: dict[str, Planted] = {}
        for row in world.rows:
            if not attacker.may_see(row.tenant, row.zone) and row.record not in NAMED_IN_OTHERS:
                ids[str(row.id)] = row
                ids[global_id(row.record, row.id)] = row
        return cls(attacker, ids)

    def leaks(self, heard: Heard, sent: str = "") -> list[str]:
        """What an answer tells that it must not; what the caller itself said does not count."""
        told = heard.everything
        found = [
            f"canary of {match[1]}.{match[2]}: …{told[match.start() - 60 : match.end() + 30]}…"
            for match in CANARY.finditer(told)
            if not self.attacker.may_see(match[1].lower(), match[2].lower())
            and match[0].lower() not in sent.lower()
        ]
        found += [
            f"id of {row.record} in {row.tenant}.{row.zone}"
            for text, row in self.forbidden_ids.items()
            if text in told and text not in sent
        ]
        found += [f"internal path {path}" for path in PATH.findall(told)]
        if "INTERNAL_ERROR" in told or heard.status >= 500:
            found.append(f"the server failed: {heard.text[:300]}")
        return found


_VARYING = re.compile(
    r'("requestId":"[^"]*"|x-request-id: \S+|content-length: \d+|date: [^\n]+'
    r"|X-Amz-[^&]+|expires=\d+|signature=[0-9a-f]+)",
    re.IGNORECASE,
)


def comparable(heard: Heard, *names: str) -> str:
    """An answer without what differs by nature: the ids that were asked for, and request ids."""
    text = f"{heard.status}\n{heard.headers}\n{heard.text}"
    for name in names:
        text = text.replace(name, "<id>")
    return _VARYING.sub("", text)


class Ledger:
    """What tells each table from what it was, read as a superuser past row security.

    A version of a row is known by its place and the transaction that wrote it: neither stays when
    it is written again, even with the same values, so no value has to be looked at.
    """

    def __init__(self, statement: "PreparedStatement[Any]") -> None:
        self._statement = statement

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Settings) -> AsyncIterator[Self]:
        """Over the database of the settings, whose URL is that of a superuser."""
        assert settings.database_url is not None
        connection = await connect(settings.database_url)
        try:
            # Workers for tables of some hundred rows take longer to start than to read them.
            await connection.execute("SET max_parallel_workers_per_gather = 0")
            rows = await connection.fetch(
                "SELECT n.nspname || '.' || quote_ident(c.relname) AS name FROM pg_class c"
                " JOIN pg_namespace n ON n.oid = c.relnamespace"
                " WHERE c.relkind = 'r' AND n.nspname = ANY($1)"
                # How calls of plugins fared is counted, whoever asks, and stored once a second.
                " AND c.relname <> 'plugin_outcome' ORDER BY 1",
                list(SCHEMAS),
            )
            parts = [
                f"SELECT '{row['name']}' AS name, count(*) AS rows,"
                f" sum(hashtextextended(ctid::text || xmin::text, 0)) AS sum FROM {row['name']}"
                for row in rows
            ]
            yield cls(await connection.prepare(" UNION ALL ".join(parts)))
        finally:
            await connection.close()

    async def read(self) -> dict[str, tuple[int, Decimal | None]]:
        """By table, how many rows it has and what their versions come to."""
        found = await self._statement.fetch()
        return {row["name"]: (row["rows"], row["sum"]) for row in found}


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The tables that differ."""
    return sorted(name for name in after if before.get(name) != after[name])


def told(failures: Iterable[str], limit: int = 12) -> str:
    """Failures as a test reports them."""
    listed = list(failures)
    rest = f"\n… and {len(listed) - limit} more" if len(listed) > limit else ""
    return "\n".join(listed[:limit]) + rest
