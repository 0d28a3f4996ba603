"""versioned snapshot per tenant; change visible ≤ N s, no restart"""

import asyncio
import time
from contextlib import AsyncExitStack

import httpx
import pytest

from jingwei_core.database import Database
from jingwei_core.platform import Platform, assemble
from jingwei_core.plugins.switching import switch_audited
from jingwei_core.session import system_context
from jingwei_core.tenant_states import TenantState
from tests.crash.server import application_servers
from tests.sdk.installation import in_a_process
from tests.tenants.listing import add_hands, list_tenant
from tests.tenants.small_world import SmallCity, TwoCities

PLUGIN = "safety-production"
WITHIN_S = 2.0
ASKED = '{ __type(name: "SafetyEnterprise") { name } }'


async def _until(platform: Platform, slug: str, *, has: bool) -> float:
    """Ask as requests do until the plugin is there, or gone; how long that took."""
    started = time.monotonic()
    while (PLUGIN in (await platform.state(slug)).enabled) is not has:
        assert time.monotonic() - started < 10
        await asyncio.sleep(0.005)
    return time.monotonic() - started


@pytest.fixture
async def here(database: Database) -> Platform:
    """The process that switches, with two tenants."""
    async with database.platform() as unit:
        for slug in ("one", "two"):
            await list_tenant(unit, slug)
    platform = assemble(database)
    await add_hands(platform, "one")
    return platform


@pytest.mark.commit
async def test_one_number_for_all_and_the_old_set_serves_until_the_new_is_warm(
    here: Platform,
) -> None:
    there, warmed = assemble(here.database), []

    async def warm(new: TenantState) -> None:
        await asyncio.sleep(0.2)
        warmed.append(((await there.state(new.tenant.slug)).enabled, new.enabled))

    there.warm_before(warm)
    changes = there.changed_plugins()
    async with there.watching():
        before = [(await there.state(slug)).snapshot for slug in ("one", "two")]
        told = asyncio.ensure_future(anext(changes))
        await switch_audited(here, "one", PLUGIN, enabled=True, settings={})

        assert await _until(there, "one", has=True) < WITHIN_S
        # While it was made ready, requests had what they had before.
        assert warmed == [(frozenset(), frozenset({PLUGIN}))]
        after = [(await there.state(slug)).snapshot for slug in ("one", "two")]
        assert after[0].number == before[0].number + 1
        assert after[1] == before[1]
        tenant = (await there.state("one")).tenant
        assert await asyncio.wait_for(told, 5) == (tenant.id, after[0].number)

        # What hooks, jobs, GraphQL and commands read is one object of that snapshot.
        async with system_context(there, tenant, "test") as ctx:
            registry = ctx.registry
        assert registry is there.host.registry(after[0].enabled)
        assert registry is await there.registry(tenant.id)
        assert registry.enabled == {"core", PLUGIN}
        assert {"before_event_transition", "on_event_transitioned"} <= registry.hooks.keys()
        assert "safety-production.mark-overdue" in registry.jobs
        assert "SafetyEnterprise" in registry.records

        await switch_audited(here, "one", PLUGIN, enabled=False, settings={})
        assert await _until(there, "one", has=False) < WITHIN_S


@pytest.mark.commit
async def test_a_setting_needs_no_warming_and_counts_as_soon(here: Platform) -> None:
    there, warmed = assemble(here.database), []

    async def warm(new: TenantState) -> None:
        warmed.append(new.snapshot.number)

    there.warm_before(warm)
    await switch_audited(here, "one", PLUGIN, enabled=True, settings={})
    async with there.watching():
        number = (await there.state("one")).snapshot.number
        settings = {"rectify_days_major": 2}
        await switch_audited(here, "one", PLUGIN, enabled=True, settings=settings)
        async with asyncio.timeout(WITHIN_S):
            while (await there.state("one")).settings[PLUGIN]["rectify_days_major"] != 2:  # noqa: ASYNC110 - as requests ask
                await asyncio.sleep(0.01)
        assert (await there.state("one")).snapshot.number == number + 1
        assert warmed == []


@pytest.mark.commit
async def test_who_warms_for_too_long_or_fails_does_not_hold_a_switch_up(
    here: Platform,
) -> None:
    there = assemble(here.database)

    async def fails(new: TenantState) -> None:
        raise RuntimeError

    async def dawdles(new: TenantState) -> None:
        await asyncio.sleep(60)

    for warm in (dawdles, fails):
        there.warm_before(warm)
    async with there.watching():
        await there.state("one")
        await switch_audited(here, "one", PLUGIN, enabled=True, settings={})
        assert await _until(there, "one", has=True) < WITHIN_S


async def _seen(http: httpx.AsyncClient, city: SmallCity) -> bool:
    answer = await http.post("/graphql", json={"query": ASKED}, headers=city.headers("admin"))
    body = answer.json()
    assert "errors" not in body, body
    return bool(body["data"]["__type"])


@pytest.mark.commit
async def test_two_servers_show_a_switch_within_two_seconds_and_nobody_else_notices(
    two_cities: TwoCities, database: Database
) -> None:
    city, neighbour = two_cities.second, two_cities.first
    async with AsyncExitStack() as stack:
        servers = stack.enter_context(application_servers(database.settings, 2))
        clients = [
            await stack.enter_async_context(
                httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=30)
            )
            for server in servers
        ]
        for enabled in (True, False):
            for http in clients:
                assert await _seen(http, city) is not enabled
            verb = "enable" if enabled else "disable"
            told = await in_a_process(database.settings, "plugin", verb, "second", PLUGIN)
            assert told.code == 0, told.err
            switched = time.monotonic()
            waiting = list(clients)
            while waiting:
                assert time.monotonic() - switched < WITHIN_S
                waiting = [http for http in waiting if await _seen(http, city) is not enabled]
                # The neighbour has had it all along, and is asked meanwhile.
                assert await _seen(clients[0], neighbour)
