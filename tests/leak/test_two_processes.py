"""Two real servers over one database: what is changed at one, followed at the other."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from graphql import GraphQLSchema
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from jingwei_core.platform import Platform, open_platform
from jingwei_core.session import system_context
from tests.crash.server import ApplicationServer, application_servers
from tests.leak.client import Caller, Heard, signed_in
from tests.leak.judge import Judge, global_id
from tests.leak.matrix import ATTACKERS, Attacker
from tests.leak.subscriptions import subscription_documents
from tests.leak.surface import introspected
from tests.leak.world import World, build_world
from tests.servers.databases import TestRun, copied_database

FOLLOWERS = [
    *ATTACKERS,
    Attacker("a", "chief", "sees the city"),
    Attacker("a", "leaving", "worker"),
]
ENDS_WITHIN_S = 5


@dataclass
class Follower:
    """An open subscription, and all that came through it."""

    name: str
    socket: ClientConnection
    heard: list[dict[str, Any]] = field(default_factory=list)
    ended_at: float | None = None

    async def listen(self) -> None:
        """Take everything until the server or the test ends it."""
        try:
            async for text in self.socket:
                message = json.loads(text)
                self.heard.append(message)
                if message["type"] in ("error", "complete"):
                    self.ended_at = time.monotonic()
        except ConnectionClosed:
            pass

    def titles(self) -> str:
        """Everything it was told, as text."""
        return json.dumps(self.heard, ensure_ascii=False)


@dataclass
class Site:
    """The world behind two servers."""

    world: World
    platform: Platform
    schema: GraphQLSchema
    callers: dict[str, Caller]
    servers: list[ApplicationServer]


@pytest.fixture(scope="module")
async def site(test_run: TestRun, template: str) -> AsyncIterator[Site]:
    """Callers sign in at the first server; they may follow or ask at either."""
    async with copied_database(test_run, template) as settings, AsyncExitStack() as stack:
        platform = await stack.enter_async_context(open_platform(settings))
        world = await build_world(platform)
        servers = stack.enter_context(application_servers(settings, 2))
        http = await stack.enter_async_context(
            httpx.AsyncClient(base_url=servers[0].url, trust_env=False, timeout=30)
        )
        callers = {f.name: await signed_in(http, f.tenant, f.login) for f in FOLLOWERS}
        schema = await introspected(callers["a.chief"])
        yield Site(world, platform, schema, callers, servers)


@asynccontextmanager
async def following(site: Site, name: str, document: str) -> AsyncIterator[Follower]:
    """A subscription of a caller at the second server."""
    url = site.servers[1].url.replace("http", "ws", 1) + "/graphql"
    protocol = [Subprotocol("graphql-transport-ws")]
    async with connect(url, subprotocols=protocol, proxy=None) as socket:
        headers = site.callers[name].headers
        payload = {
            "tenant": headers["x-jingwei-tenant"],
            "authorization": headers["authorization"],
        }
        await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        asked = {"id": "1", "type": "subscribe", "payload": {"query": document}}
        await socket.send(json.dumps(asked))
        follower = Follower(name, socket)
        task = asyncio.create_task(follower.listen())
        try:
            yield follower
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def rename(site: Site, record: str, tenant: str, home: str, field_name: str) -> None:
    """The chief of a tenant changes a row of a zone at the first server."""
    row = next(row for row in site.world.of(record, tenant) if row.home == home)
    # The names of a place's ancestors are public.
    zone = "wide" if (record, home) == ("Place", "city") else home
    told = f"CANARY.{tenant}.{zone}.changed"
    heard = await site.callers[f"{tenant}.chief"].ask(
        f"mutation {{ {field_name}Change(id: {json.dumps(global_id(record, row.id))},"
        f' input: {{name: "{told}"}}, idempotencyKey: "{time.monotonic_ns()}")'
        " { replayed } }"
    )
    assert heard.codes == [], heard.text


async def change_everywhere(site: Site) -> None:
    """A change in every zone of both tenants, in the order near, far, city, near."""
    for tenant in ("b", "a"):
        for home in ("far", "city", "near"):
            await rename(site, "Organisation", tenant, home, "organisation")
            await rename(site, "Place", tenant, home, "place")


async def tell_of_hazards(site: Site) -> None:
    """Every hazard of both tenants changes at the first server's side."""
    for tenant in (site.world.b, site.world.a):
        state = await site.platform.tenant_by_id(tenant.id)
        async with system_context(site.platform, state.tenant, "test") as ctx:
            for row in await ctx.data.fetch("SELECT id, place_path FROM safety_production.hazard"):
                await ctx.signals.changed("SafetyHazard", row["id"], row["place_path"])


async def until(condition: Any, within_s: float) -> bool:
    """Whether it came true in time."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if condition():
            return True
        await asyncio.sleep(0.02)
    return bool(condition())


async def test_subscribers_hear_of_their_own_area_only(site: Site) -> None:
    documents = subscription_documents(site.schema, site.world)
    bare, filtered, *under = [each for each in documents if " changes" in each]
    plain = "subscription { changes { record id at node { id } } }"
    wanted = [
        (follower, document)
        for follower in FOLLOWERS
        for document in ([bare, filtered, *under] if follower.tenant == "a" else [plain])
        if follower.login in ("near_worker", "chief") or document in (bare, plain)
    ]
    async with AsyncExitStack() as stack:
        open_ones = [
            (who, await stack.enter_async_context(following(site, who.name, document)))
            for who, document in wanted
        ]
        await asyncio.sleep(0.5)
        await change_everywhere(site)
        chiefs = [f for who, f in open_ones if who.name == "a.chief"]
        assert await until(lambda: chiefs[0].titles().count("CANARY.a.near.changed") >= 2, 10)
        near = next(f for who, f in open_ones if who.name == "a.near_worker")
        assert await until(lambda: near.titles().count("CANARY.a.near.changed") >= 2, 10)
        await asyncio.sleep(0.3)

        for who, follower in open_ones:
            judge = Judge.of(site.world, who)
            told = json.dumps({"data": follower.heard}, ensure_ascii=False)
            assert judge.leaks(Heard(200, told, "")) == [], who.name
        for home in ("near", "far", "city"):
            assert f"CANARY.a.{home}.changed" in chiefs[0].titles()


async def test_the_stream_of_a_plugins_record_is_as_narrow(site: Site) -> None:
    documents = subscription_documents(site.schema, site.world)
    bare, *under = [each for each in documents if " safetyHazardChanges" in each]
    chiefs, near = ("a.chief", "b.chief"), ("a.near_worker", "a.near_all")
    own = site.world.of("SafetyHazard", "a")
    async with AsyncExitStack() as stack:
        open_ones = [
            (who, await stack.enter_async_context(following(site, who.name, document)))
            for who in FOLLOWERS
            for document in ((bare, *under) if who.name in (*chiefs, *near) else (bare,))
        ]
        await asyncio.sleep(0.5)
        await tell_of_hazards(site)
        by_name = {who.name: follower for who, follower in reversed(open_ones)}
        chief = by_name["a.chief"]
        wanted = {global_id("SafetyHazard", row.id) for row in own}
        assert await until(lambda: all(each in chief.titles() for each in wanted), 10)
        await asyncio.sleep(0.3)

        for who, follower in open_ones:
            judge = Judge.of(site.world, who)
            told = json.dumps({"data": follower.heard}, ensure_ascii=False)
            assert judge.leaks(Heard(200, told, "")) == [], who.name
    for name in near:
        heard = by_name[name].titles()
        seen = {row.zone for row in own if global_id("SafetyHazard", row.id) in heard}
        assert seen, name
        assert "far" not in seen
    # Who may read none of them anywhere is told so; where the plugin is off there is no such field.
    assert "PERMISSION_DENIED" in by_name["a.expired"].titles()
    assert "safetyHazardChanges" in by_name["b.chief"].titles()
    assert by_name["b.chief"].heard[0]["type"] == "error"


async def test_an_open_subscription_ends_with_its_session(site: Site) -> None:
    document = "subscription { changes { record id } }"
    async with following(site, "a.leaving", document) as follower:
        await asyncio.sleep(0.5)
        account = site.world.a.accounts["leaving"]
        async with site.platform.database.unit(site.world.a.id) as unit:
            sql = "UPDATE core.account SET status = 'suspended' WHERE id = $1"
            await unit.execute(sql, account)
        suspended_at = time.monotonic()
        heard = await site.callers["a.leaving"].ask("{ me { id } }")
        assert heard.codes == ["SESSION_ENDED"]
        await rename(site, "Organisation", "a", "near", "organisation")

        assert await until(lambda: follower.ended_at is not None, ENDS_WITHIN_S)
        assert follower.ended_at is not None
        assert follower.ended_at - suspended_at <= ENDS_WITHIN_S
        last, complete = follower.heard
        assert last["payload"]["data"] is None
        assert [e["extensions"]["code"] for e in last["payload"]["errors"]] == ["SESSION_ENDED"]
        assert complete["type"] == "complete"


async def test_a_socket_opens_for_nobody_else(site: Site) -> None:
    url = site.servers[1].url.replace("http", "ws", 1) + "/graphql"
    good = site.callers["b.chief"].headers["authorization"]
    for payload in (
        {},
        {"tenant": "leak-a"},
        {"tenant": "leak-a", "authorization": good},
        {"tenant": "suspended", "authorization": good},
        {"tenant": "leak-a", "authorization": "Bearer nonsense"},
    ):
        protocol = [Subprotocol("graphql-transport-ws")]
        async with connect(url, subprotocols=protocol, proxy=None) as socket:
            await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4403
