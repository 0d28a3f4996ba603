"""A serving process that measures itself with the plugins on its path.

    python -m tests.bench.plugins_process make 300       makes tenants, each with a random set of
                                                         the plugins; the same in every run
    python -m tests.bench.plugins_process measure 300    prints the figures as JSON

Settings come from the environment.
"""

import asyncio
import gc
import json
import random
import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from statistics import median
from typing import Any

import psutil

from jingwei_api.app import create_app
from jingwei_api.execution.executor import Executor
from jingwei_api.execution.operation import Caller, Document
from jingwei_api.execution.warming import settle, warm_up
from jingwei_api.http.services import services_in
from jingwei_api.settings import ApiSettings
from jingwei_core.jobs.schedule import Scheduler
from jingwei_core.platform import Platform, open_platform
from jingwei_core.registry import Registry
from jingwei_core.session import Identity, Request, system_context
from jingwei_core.settings import Settings
from jingwei_sdk.hook_specs import before_event_transition, decide_event_department
from jingwei_sdk.payloads import EventToAssign, EventTransition

ASKED = Document("{ me { name } }")
SWITCHES = 20
CALLS = 20_000
NOBODY = uuid.UUID(int=0)
Figures = dict[str, float]


async def measure(tenants: int) -> Figures:
    """The figures of this process."""
    figures: Figures = {}
    async with open_platform(Settings()) as platform:
        figures["start_s"] = time.process_time()
        figures["start_mb"] = _rss_mb()
        slugs = _slugs(tenants)
        app = create_app(platform)
        executor = services_in(app.state).executor
        figures["warm_s"] = await _cpu_s(lambda: warm_up(platform, executor))
        settle()
        figures["warm_mb"] = _rss_mb()
        async with platform.watching():
            await _sets(platform, executor, slugs, figures)
            await _schedules(platform, figures)
            await _hooks(platform, slugs[0], figures)
            await _switches(platform, executor, slugs, figures)
        figures["end_mb"] = _rss_mb()
    return figures


async def make(count: int) -> None:
    """The tenants, their plugins, and an account in each."""
    chosen = random.Random(4)
    slugs = _slugs(count)
    async with open_platform(Settings()) as platform, platform.database.owner() as unit:
        made = _made(platform)
        rows = [(slug, [each for each in made if chosen.random() < 0.5]) for slug in slugs]
        await unit.execute("DELETE FROM platform.plugin_state")
        await unit.executemany(
            "INSERT INTO platform.tenant (id, slug, name, timezone)"
            " VALUES (gen_random_uuid(), $1, $1, 'Asia/Shanghai') ON CONFLICT DO NOTHING",
            [(slug,) for slug in slugs],
        )
        await unit.executemany(
            "INSERT INTO platform.plugin_state (tenant_id, plugin_id, enabled, version)"
            " SELECT t.id, p, true, '1.0.0' FROM platform.tenant t, unnest($2::text[]) p"
            " WHERE t.slug = $1",
            rows,
        )
        await unit.execute(
            "INSERT INTO core.account (tenant_id, login, name)"
            " SELECT id, 'clerk', 'clerk' FROM platform.tenant ON CONFLICT DO NOTHING"
        )


def _slugs(count: int) -> list[str]:
    return [f"many-{number}" for number in range(count)]


async def _sets(platform: Platform, executor: Executor, slugs: list[str], figures: Figures) -> None:
    """Each tenant's registry and schema, one after the other and once more."""
    states = [await platform.state(slug) for slug in slugs]
    composed = [_timed(lambda s=s: platform.host.registry(s.enabled)) for s in states]
    figures["sets"] = len({state.enabled for state in states})
    figures["plugins_a_set"] = median(len(state.enabled) for state in states)
    figures["compose_ms"] = median(composed) * 1000
    figures["compose_all_s"] = sum(composed)
    figures["composed_mb"] = _rss_mb()
    times = []
    for state in states:
        registry = platform.host.registry(state.enabled)
        times.append(await _cpu_s(lambda r=registry: executor.schema(r)))
    figures["schema_ms"] = median(times) * 1000
    figures["schema_most_ms"] = max(times) * 1000
    figures["schemas_mb"] = _rss_mb()
    kept = ApiSettings().schema_cache_size
    last = [platform.host.registry(state.enabled) for state in states[-kept:]]
    again = [await _cpu_s(lambda r=r: executor.schema(r)) for r in last]
    figures["kept_schema_us"] = median(again) * 1e6


async def _schedules(platform: Platform, figures: Figures) -> None:
    scheduler = Scheduler(platform)
    figures["schedule_first_s"] = await _cpu_s(scheduler.enqueue_due)
    figures["schedule_next_s"] = await _cpu_s(scheduler.enqueue_due)


async def _hooks(platform: Platform, slug: str, figures: Figures) -> None:
    """Asking a hook that nobody hears, and finding those that hear one."""
    state = await platform.state(slug)
    everything = _made(platform)
    async with system_context(platform, state.tenant, "bench") as ctx:
        given = EventToAssign(state.tenant.id, "1", "city.road", "verify", state.tenant.id)
        began = time.perf_counter()
        for _ in range(CALLS):
            await platform.hooks.first(ctx, decide_event_department, given)
        figures["unheard_us"] = (time.perf_counter() - began) / CALLS * 1e6
    for count in (0, 5, 50):
        registry = platform.host.registry(frozenset(everything[:count]))
        heard = platform.hooks.heard(registry, before_event_transition, "city.road")
        began = time.perf_counter()
        for _ in range(CALLS):
            platform.hooks.heard(registry, before_event_transition, "city.road")
        figures[f"heard_{count}_us"] = (time.perf_counter() - began) / CALLS * 1e6
        figures[f"heard_{count}"] = len(heard)
        figures[f"asked_{count}_us"] = await _asking_us(platform, slug, registry)


async def _asking_us(platform: Platform, slug: str, registry: Registry) -> float:
    """CPU time of one call that every plugin of the set hears: savepoint, clock, breaker, count."""
    step = EventTransition(NOBODY, "1", "city.road", "close", "done", "closed", True, NOBODY)
    tenant, calls = await platform.tenant(slug), CALLS // 100
    async with system_context(platform, tenant, "bench") as opened:
        ctx = replace(opened, registry=registry)
        began = time.process_time()
        for _ in range(calls):
            await platform.hooks.veto(ctx, before_event_transition, step)
        return (time.process_time() - began) / calls * 1e6


async def _switches(
    platform: Platform, executor: Executor, slugs: list[str], figures: Figures
) -> None:
    """Switch a plugin of a tenant in use as another process would; until it is seen here, and what
    the first query takes then."""
    seen, first = [], []
    made, changes = _made(platform), platform.changed_plugins()
    for number, slug in enumerate(slugs[:SWITCHES] if made else ()):
        state = await platform.state(slug)
        caller = await _caller(platform, slug)
        await executor.run(caller, ASKED)
        plugin = made[number % len(made)]
        told = asyncio.ensure_future(anext(changes))
        await asyncio.sleep(0)
        async with platform.database.owner() as unit:
            await unit.execute(
                "INSERT INTO platform.plugin_state (tenant_id, plugin_id, enabled, version)"
                " VALUES ($1, $2, true, '1.0.0') ON CONFLICT (tenant_id, plugin_id)"
                " DO UPDATE SET enabled = NOT plugin_state.enabled",
                state.tenant.id,
                plugin,
            )
        began = time.perf_counter()
        await asyncio.wait_for(told, 10)
        seen.append(time.perf_counter() - began)
        began = time.perf_counter()
        answer = await executor.run(caller, ASKED)
        first.append(time.perf_counter() - began)
        assert b"clerk" in answer.content, answer.content
    figures["seen_ms"] = median(seen or [0]) * 1000
    figures["seen_most_ms"] = max(seen or [0]) * 1000
    figures["first_query_ms"] = median(first or [0]) * 1000
    figures["first_query_most_ms"] = max(first or [0]) * 1000


def _made(platform: Platform) -> list[str]:
    found = [one.id for one in platform.host.installed() if one.state == "available"]
    return [plugin_id for plugin_id in found if plugin_id.startswith("made")]


async def _caller(platform: Platform, slug: str) -> Caller:
    tenant = await platform.tenant(slug)
    async with platform.database.unit(tenant.id) as unit:
        account = await unit.fetchval("SELECT id FROM core.account WHERE login = 'clerk'")
    return Caller(tenant, Identity(account, 0), Request("zh", "bench"))


async def _cpu_s(work: Callable[[], Awaitable[Any]]) -> float:
    began = time.process_time()
    await work()
    return time.process_time() - began


def _timed(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _rss_mb() -> float:
    gc.collect()
    found: int = psutil.Process().memory_info().rss
    return found / 1e6


if __name__ == "__main__":
    if sys.argv[1] == "make":
        asyncio.run(make(int(sys.argv[2])))
    else:
        print(json.dumps(asyncio.run(measure(int(sys.argv[2])))))
