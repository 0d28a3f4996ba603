"""Two processes and a running load while plugins are switched, configured, removed, put back and
upgraded: no request fails that had no business with them, and both processes show each switch.

``safety-production`` goes through its life. ``lamp-log`` is upgraded as a deployment is rolled: its
new schema is there, the first process still has its old code, the second its new one.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from jingwei_api.schema import global_id
from jingwei_core.settings import Settings
from tests.crash.server import ApplicationServer, application_servers
from tests.fixtures.command_line import CommandLine, Told
from tests.sdk import lamp_log
from tests.sdk.installation import in_a_process
from tests.tenants.small_city import GRID, LAMP
from tests.tenants.small_world import TwoCities

pytestmark = [pytest.mark.commit, pytest.mark.timeout(600)]
PLUGIN = "safety-production"
SEEN_WITHIN_S = 5.0
"""Two seconds are promised (row 6); here requests wait behind the load."""
PAUSE_S = 0.05
FAILURES = 5
"""So many in a row open a breaker."""
EVENTS = "{ events(first: 5) { edges { node { number title state } } } }"
REPORT = """
mutation($key: String!, $input: EventReportInput!) {
  eventReport(idempotencyKey: $key, input: $input) { event { number } }
}
"""
LINES = "{ lampLog { lines(first: 100) { edges { node { words size hours } } } } }"
JUDGED = "{ lampLog { lines(first: 100) { edges { node { words judged } } } } }"
NOTE = """
mutation($key: String!, $input: LampLogNoteInput!) {
  lampLogNote(idempotencyKey: $key, input: $input) { lampLogLine { words size hours } }
}
"""
HEALTH = "{ platform { plugins { plugin points { name state } } } }"
TYPES = {PLUGIN: "SafetyHazard", lamp_log.ID: "LampLogLine"}
READERS = (
    "UPDATE core.role SET permissions = permissions"
    " || ARRAY['lamp-log.read', 'lamp-log.write', 'plugin.read'] WHERE code = 'supervisor'"
)


@dataclass
class Load:
    """One client that asks the same again and again; what failed, and how often it was answered."""

    name: str
    http: httpx.AsyncClient
    headers: dict[str, str]
    document: str
    variables: dict[str, Any] | None = None
    answered: int = 0
    failed: list[str] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await self.once()
            await asyncio.sleep(PAUSE_S)

    async def once(self) -> None:
        """Ask once."""
        variables = self.variables and {**self.variables, "key": f"{self.name} {self.answered}"}
        body = {"query": self.document, "variables": variables}
        try:
            answer = await self.http.post("/graphql", json=body, headers=self.headers)
        except httpx.HTTPError as error:
            self.failed.append(repr(error))
        else:
            told = answer.json() if answer.status_code < 500 else {}
            self.answers.append(told)
            if answer.status_code != 200 or "errors" in told:
                self.failed.append(f"{answer.status_code} {answer.text[:400]}")
        self.answered += 1


@dataclass
class Site:
    """Two servers over two cities; the first has the old release of the log, the second the new."""

    settings: Settings
    cities: TwoCities
    servers: list[ApplicationServer]
    clients: list[httpx.AsyncClient]
    jingwei: CommandLine

    async def told(self, *words: str) -> Told:
        """What the command line says, which has the new release; it must succeed."""
        done = await self.jingwei(self.settings, *words)
        assert done.code == 0, done.out + done.err
        return done

    async def ask(self, client: httpx.AsyncClient, document: str) -> dict[str, Any]:
        """What the server tells the supervisor of the first city."""
        headers = self.cities.first.headers("supervisor")
        answer = await client.post("/graphql", json={"query": document}, headers=headers)
        assert answer.status_code < 500, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def sees(self, client: httpx.AsyncClient, plugin: str = PLUGIN) -> bool:
        """Whether the first city's schema at this server has the plugin's types."""
        told = await self.ask(client, f'{{ __type(name: "{TYPES[plugin]}") {{ name }} }}')
        return bool(told["data"]["__type"])

    async def settled(self, *, old: bool, new: bool, plugin: str = PLUGIN) -> float:
        """Seconds until both servers show the first city as it is."""
        began = time.monotonic()
        while [await self.sees(each, plugin) for each in self.clients] != [old, new]:
            assert time.monotonic() - began < 30, f"{plugin}: {old}, {new} never came"
            await asyncio.sleep(0.02)
        return time.monotonic() - began


@pytest.fixture
async def site(
    settings: Settings,
    two_cities: TwoCities,
    jingwei: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Site]:
    old, new = (lamp_log.install(tmp_path, each) for each in (lamp_log.ONE, lamp_log.TWO))
    monkeypatch.syspath_prepend(str(new))
    await two_cities.first.fetch(READERS)
    migrated = await jingwei(settings, "db", "migrate")
    assert migrated.code == 0, migrated.out + migrated.err
    # Before anything was rolled: its old code switched it on.
    words = ("plugin", "enable", "first", lamp_log.ID, "--set", "days=3")
    enabled = await in_a_process(settings, *words, **lamp_log.path_with(old))
    assert enabled.code == 0, enabled.out + enabled.err
    paths = [lamp_log.path_with(each) for each in (old, new)]
    with application_servers(settings, 2, paths) as servers:
        async with open_clients(servers) as clients:
            yield Site(settings, two_cities, servers, clients, jingwei)


@asynccontextmanager
async def open_clients(servers: list[ApplicationServer]) -> AsyncIterator[list[httpx.AsyncClient]]:
    made = [httpx.AsyncClient(base_url=each.url, timeout=30, trust_env=False) for each in servers]
    yield made
    for client in made:
        await client.aclose()


async def loads_of(site: Site) -> list[Load]:
    """At each server: readers of both cities, and a writer in the city without the plugins."""
    first, second = site.cities.first, site.cities.second
    (place,) = await second.fetch("SELECT id FROM core.place WHERE code = $1", GRID)
    report = {
        "kind": LAMP,
        "placeId": global_id.encode("Place", place["id"]),  # type: ignore[arg-type]
        "title": "灯不亮",
        "description": "巷口",
    }
    found = []
    for number, client in enumerate(site.clients):
        found += [
            Load(f"reader {number}", client, second.headers("supervisor"), EVENTS),
            Load(f"writer {number}", client, second.headers("worker"), REPORT, {"input": report}),
            Load(f"neighbour {number}", client, first.headers("supervisor"), EVENTS),
        ]
    return found


def users_of_the_log(site: Site) -> list[Load]:
    """At each server: who reads the log of the first city, and who writes into it."""
    found = []
    for number, client in enumerate(site.clients):
        headers = site.cities.first.headers("supervisor")
        words = {"input": {"words": f"noted at {number}"}}
        found += [
            Load(f"log reader {number}", client, headers, LINES),
            Load(f"log writer {number}", client, headers, NOTE, words),
        ]
    return found


@asynccontextmanager
async def running(loads: list[Load]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(load.run()) for load in loads]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def whole_life(site: Site, folder: Path) -> dict[str, float]:
    """Every switch that an operator has, on the city that has the plugin; when each was seen."""
    seen = {}
    await site.told("plugin", "disable", "first", PLUGIN)
    seen["disabled"] = await site.settled(old=False, new=False)
    await site.told("plugin", "remove", PLUGIN, "--plan")
    await site.told("plugin", "remove", PLUGIN, "--yes", "--export", str(folder))
    await site.told("db", "migrate")
    await site.told("plugin", "enable", "first", PLUGIN, "--set", "rectify_days_major=3")
    seen["enabled"] = await site.settled(old=True, new=True)
    await site.told("plugin", "configure", "first", PLUGIN, "--set", "rectify_days_major=4")
    await site.told("plugin", "disable", "first", PLUGIN)
    seen["disabled again"] = await site.settled(old=False, new=False)
    return seen


async def upgraded(site: Site) -> float:
    """The log is brought to the new release while its users go on; when both servers showed it."""
    assert [await site.sees(each, lamp_log.ID) for each in site.clients] == [True, False]
    users = users_of_the_log(site)
    for user in users:
        await user.once()
    async with running(users):
        await answered(users, 5)
        await site.told("plugin", "upgrade", "first", lamp_log.ID)
        seen = await site.settled(old=False, new=True, plugin=lamp_log.ID)
        await answered(users, 5)
    assert [bool(user.failed) for user in users] == [True] * 4, "each had a time without it"
    stored = await site.cities.first.fetch("SELECT words, length FROM lamp_log.line")
    assert [row for row in stored if row["length"] != len(str(row["words"]))] == []
    right = [right_answers(user) for user in users]
    assert all(right), right
    written = right[1] + right[3]
    # At each server, one that was under way when the load ended may be there too, and one whose
    # answer met the switch after it was stored.
    assert written <= len(stored) <= written + 2 * len(site.clients)
    return seen


async def answered(users: list[Load], more: int) -> None:
    """Wait until each of them was answered so many times more."""
    wanted = {user.name: user.answered + more for user in users}
    while any(user.answered < wanted[user.name] for user in users):  # noqa: ASYNC110 - they poll too
        await asyncio.sleep(PAUSE_S)


def right_answers(user: Load) -> int:
    """How many of the answers have all that was asked for; each other is an error with a code."""
    right = 0
    for told in user.answers:
        for error in told.get("errors", ()):
            code = error.get("extensions", {}).get("code", "")
            assert code not in ("", "INTERNAL_ERROR"), (user.name, told)
        if "errors" in told:
            continue
        right += 1
        nodes = [told["data"][key] for key in told["data"]]
        nodes = [
            *(each["node"] for one in nodes if "lines" in one for each in one["lines"]["edges"]),
            *(one["lampLogLine"] for one in nodes if "lampLogLine" in one),
        ]
        assert [n for n in nodes if (n["size"], n["hours"]) != (len(n["words"]), 72)] == [], (
            user.name
        )
    return right


async def test_nobody_without_business_with_them_is_disturbed(site: Site, tmp_path: Path) -> None:
    loads = await loads_of(site)

    assert [await site.sees(each) for each in site.clients] == [True, True]
    for load in loads:
        await load.once()
    async with running(loads):
        seen = await whole_life(site, tmp_path / "export")
        seen["upgraded"] = await upgraded(site)
    assert {load.name: load.failed for load in loads if load.failed} == {}
    assert min(load.answered for load in loads) > 10, [load.answered for load in loads]
    assert max(seen.values()) <= SEEN_WITHIN_S, seen
    (events,) = await site.cities.second.fetch("SELECT count(*) FROM core.event")
    written = sum(load.answered for load in loads if load.name.startswith("writer"))
    # The one that was under way when the load ended may be there too.
    assert written <= int(str(events["count"])) <= written + len(site.clients)
    assert any(path.suffix == ".ndjson" for path in (tmp_path / "export").rglob("*"))
    await rolled(site)
    await a_breaker_is_one_for_both(site)


async def rolled(site: Site) -> None:
    """The first process gets the new code too, and serves the tenant again."""
    old, new = site.servers
    old.kill()
    old.variables = new.variables
    old.start()
    old.wait()
    await site.settled(old=True, new=True, plugin=lamp_log.ID)
    for client in site.clients:
        assert "errors" not in await site.ask(client, LINES)


async def a_breaker_is_one_for_both(site: Site) -> None:
    """What fails in one process is not called in the other either, until somebody resets it."""
    for client in site.clients:
        assert "errors" not in await site.ask(client, JUDGED)
    await site.cities.first.fetch("INSERT INTO lamp_log.line (words, length) VALUES ('broken', 6)")
    for _ in range(FAILURES):
        assert await judged(site, site.clients[0]) == "INTERNAL_ERROR"
    await site.cities.first.fetch("DELETE FROM lamp_log.line WHERE words = 'broken'")
    await shown(site, "PLUGIN_PAUSED", "paused")
    # Nothing else of it is held up.
    for client in site.clients:
        assert "errors" not in await site.ask(client, LINES)
    await site.told("plugin", "reset-breaker", "first", lamp_log.ID)
    await shown(site, "", "healthy")


async def judged(site: Site, client: httpx.AsyncClient) -> str:
    """The code of the error of the field at this server; empty when it is told."""
    told = await site.ask(client, JUDGED)
    codes = {error["extensions"]["code"] for error in told.get("errors", ())}
    assert len(codes) <= 1
    return codes.pop() if codes else ""


async def shown(site: Site, code: str, state: str) -> None:
    """Wait until both servers answer so, and tell of it in the tenant's health."""
    began, wanted = time.monotonic(), [(code, state)] * 2
    while True:
        found = [(await judged(site, each), await health(site, each)) for each in site.clients]
        if found == wanted:
            return
        assert time.monotonic() - began < 30, found
        await asyncio.sleep(0.05)


async def health(site: Site, client: httpx.AsyncClient) -> str:
    """The state of the field as this server tells it; empty while nothing of it is stored."""
    told = await site.ask(client, HEALTH)
    points = [
        point["state"]
        for plugin in told["data"]["platform"]["plugins"]
        for point in plugin["points"]
        if plugin["plugin"] == lamp_log.ID and point["name"] == "field:LampLogLine.judged"
    ]
    return "".join(points)
