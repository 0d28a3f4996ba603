"""A city for commands in bulk, and what its database must look like whatever happened."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx

from jingwei_core.audit.chain import verify_chain
from jingwei_core.platform import Platform, open_platform
from jingwei_core.settings import Settings
from tests.leak.judge import global_id
from tests.leak.planting import LEAF_KIND
from tests.leak.world import PASSWORD, City, build_world

REPORT = """
mutation Report($input: EventReportInput!, $key: String!) {
  eventReport(input: $input, idempotencyKey: $key) { replayed event { id number title state } }
}
"""
ACT = """
mutation Act($id: ID!, $input: EventActInput!, $key: String!) {
  eventAct(id: $id, input: $input, idempotencyKey: $key) { replayed event { id number state } }
}
"""


@dataclass(frozen=True, slots=True)
class Said:
    """A command as a client sends it; sent again, it is the same to the letter."""

    key: str
    name: str
    document: str
    variables: dict[str, Any]

    def body(self) -> dict[str, Any]:
        """The body of its request."""
        return {"query": self.document, "variables": {**self.variables, "key": self.key}}


def report(city: City, key: str, title: str, place: str = "near") -> Said:
    """A report of an event."""
    place_id = global_id("Place", city.places[place])
    given = {"kind": LEAF_KIND, "title": title, "placeId": place_id}
    return Said(key, "eventReport", REPORT, {"input": given})


def file(key: str, event_id: str) -> Said:
    """立案 of an event."""
    return Said(key, "eventAct", ACT, {"id": event_id, "input": {"action": "file"}})


async def build(settings: Settings) -> City:
    """The city, built by a process that is gone before the servers start."""
    async with open_platform(settings) as platform:
        return (await build_world(platform)).a


async def session(http: httpx.AsyncClient, city: City, login: str) -> dict[str, str]:
    """The headers of a signed-in account."""
    headers = {"x-jingwei-tenant": city.slug}
    given = {"login": login, "password": PASSWORD}
    answer = await http.post("/auth/sign-in", json=given, headers=headers)
    return {**headers, "authorization": f"Bearer {answer.json()['accessToken']}"}


async def send(http: httpx.AsyncClient, headers: dict[str, str], said: Said) -> dict[str, Any]:
    """What a command answers; raises when nothing or a refusal comes back."""
    answer = await http.post("/graphql", json=said.body(), headers=headers)
    told = answer.json()
    if "errors" in told:
        raise RuntimeError(told["errors"][0]["extensions"]["code"])
    found: dict[str, Any] = told["data"][said.name]
    return found


async def hand_to_plugin(connection: "asyncpg.Connection[Any]", city: City) -> None:
    """Make the events so far ones that a plugin hears of: each step of them queues a job."""
    kind = "safety.hazard.inspection"
    await connection.execute("SELECT set_config('app.tenant', $1, false)", str(city.id))
    await connection.execute(
        "INSERT INTO core.event_kind (tenant_id, code, name, rank, workflow, owner_plugin)"
        " SELECT tenant_id, $2, $2, rank, workflow, 'safety-production' FROM core.event_kind"
        " WHERE code = $1 AND tenant_id = $3 ON CONFLICT DO NOTHING",
        LEAF_KIND,
        kind,
        city.id,
    )
    await connection.execute(
        "UPDATE core.event e SET kind = k.id FROM core.event_kind k"
        " WHERE k.tenant_id = e.tenant_id AND k.code = $1 AND e.title LIKE 'crash %'"
        " AND e.tenant_id = $2",
        kind,
        city.id,
    )


async def quiet(connection: "asyncpg.Connection[Any]") -> None:
    """Until the database has noticed that the killed process is gone."""
    for _ in range(400):
        if not await connection.fetchval(_OTHERS):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("a session of the killed process is still there")


_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)
HALF_DONE = {
    "event without its first step": """
        SELECT e.id FROM core.event e WHERE e.title LIKE 'crash %' AND NOT EXISTS
          (SELECT 1 FROM core.event_step s WHERE s.event = e.id AND s.sequence = 1)""",
    "event that is not where its last step left it": """
        SELECT e.id FROM core.event e JOIN LATERAL (SELECT to_state FROM core.event_step s
          WHERE s.event = e.id ORDER BY sequence DESC LIMIT 1) s ON true
        WHERE e.title LIKE 'crash %' AND s.to_state <> e.state""",
    "step numbers with a gap": """
        SELECT event FROM core.event_step GROUP BY event HAVING max(sequence) <> count(*)""",
    "key without an answer": "SELECT id FROM core.command_key WHERE answer IS NULL",
    "key whose event is not there": """
        SELECT k.id FROM core.command_key k WHERE k.command IN ('event.report', 'event.act')
          AND NOT EXISTS (SELECT 1 FROM core.event e WHERE e.id = (k.answer->>'row_id')::uuid)""",
    "event step without an audit row": """
        SELECT s.id FROM core.event_step s JOIN core.event e ON e.id = s.event
        WHERE e.title LIKE 'crash %' AND NOT EXISTS (SELECT 1 FROM core.audit_entry a
          WHERE a.changes @> jsonb_build_array(jsonb_build_object('id', s.id::text)))""",
    "audit rows with a gap": """
        SELECT tenant_id FROM core.audit_entry GROUP BY 1 HAVING max(sequence) <> count(*)""",
    "event number given twice": """
        SELECT number FROM core.event GROUP BY tenant_id, number HAVING count(*) > 1""",
}


async def half_done(connection: "asyncpg.Connection[Any]") -> dict[str, int]:
    """Every kind of half-done thing that was found, read past row security."""
    found = {what: len(await connection.fetch(sql)) for what, sql in HALF_DONE.items()}
    return {what: count for what, count in found.items() if count}


async def traces(connection: "asyncpg.Connection[Any]", keys: Sequence[str]) -> dict[str, int]:
    """How many of each thing the commands with these keys left."""
    sql = """
    WITH mine AS (SELECT (answer->>'row_id') AS event, command FROM core.command_key
                  WHERE key = ANY($1))
    SELECT (SELECT count(*) FROM mine) AS keys,
           (SELECT count(*) FROM core.event e WHERE e.title LIKE 'crash %') AS events,
           (SELECT count(*) FROM core.event_step s JOIN core.event e ON e.id = s.event
             WHERE e.title LIKE 'crash %') AS steps,
           (SELECT count(*) FROM core.audit_entry WHERE command IN ('event.report', 'event.act'))
             AS audited,
           (SELECT count(*) FROM jobs.pgqueuer WHERE entrypoint = 'core.plugin-reaction'
              AND convert_from(payload, 'UTF8') LIKE '%on_event_transitioned%') AS jobs
    """
    return dict(await connection.fetchrow(sql, list(keys)) or {})


async def chain_holds(settings: Settings, city: City) -> bool:
    """Whether the city's audit chain verifies."""
    async with open_platform(settings) as platform:
        assert isinstance(platform, Platform)
        async with platform.database.unit(city.id) as unit:
            return (await verify_chain(unit)).broken_at is None
