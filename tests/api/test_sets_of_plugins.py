"""Many sets of plugins in one process: what each costs, and that none stays for good."""

import gc
import random
import time
import weakref
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from graphql import GraphQLSchema

from jingwei_api.execution.warming import settle
from jingwei_core.database import open_database
from jingwei_core.platform import assemble
from jingwei_core.plugins.host import Installed
from tests.api.generated import generated
from tests.api.world import build_world
from tests.sdk.graphql_scene import Asking, GraphQLScene
from tests.servers.databases import NewDatabase

PLUGINS = 50
KEPT = 4
FIRST_QUERY_S = 0.3
ASKED = "{ me { name } organisations(first: 2) { totalCount edges { node { name } } } }"


@pytest.fixture(scope="module")
async def scene(new_database: NewDatabase) -> AsyncIterator[GraphQLScene]:
    async with new_database() as settings, open_database(settings) as database:
        platform = assemble(database)
        yield GraphQLScene(platform, await build_world(platform))


@pytest.fixture(scope="module")
def plugins() -> list[Installed]:
    return [Installed(each.id, "available", plugin=each) for each in map(generated, range(PLUGINS))]


@pytest.fixture(autouse=True)
def settled() -> Iterator[None]:
    """What :func:`settle` changes of the process, put back.

    What other files left is not looked through either when a schema goes.
    """
    before = gc.get_threshold()
    gc.freeze()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@contextmanager
def cpu_time() -> Iterator[list[float]]:
    taken: list[float] = []
    before = time.process_time()
    yield taken
    taken.append(time.process_time() - before)


def _sets(number: int) -> Iterator[list[str]]:
    chance = random.Random(7)
    for _ in range(number):
        yield [f"made{n}" for n in range(PLUGINS) if chance.random() < 0.5]


async def _switched(asking: Asking, enabled: list[str]) -> Any:
    await asking.scene.switch({"yichang": enabled})
    return await asking.by("yichang").data(ASKED)


async def test_a_first_query_after_a_switch_does_not_wait_for_a_schema(
    scene: GraphQLScene, plugins: list[Installed]
) -> None:
    async with scene.having(plugins, {}) as asking:
        await asking.executor.make_whole()
        told = await asking.by("yichang").data(ASKED)
        settle()  # as a process does before it serves
        took = []
        for enabled in _sets(12):
            with cpu_time() as taken:
                assert await _switched(asking, enabled) == told
            took += taken
    assert max(took) < FIRST_QUERY_S, took


async def test_what_was_worked_out_for_a_set_goes_with_it(
    scene: GraphQLScene, plugins: list[Installed]
) -> None:
    async with scene.having(plugins, {}, schema_cache_size=KEPT) as asking:
        executor = asking.executor
        seen: weakref.WeakSet[GraphQLSchema] = weakref.WeakSet()
        most_plans = 0
        for enabled in _sets(40):
            await _switched(asking, enabled)
            registry = scene.platform.host.registry(frozenset(enabled))
            seen.add(await executor.schema(registry))
            most_plans = max(most_plans, *executor.reads.plans.counts)
        gc.collect()
        assert len(executor._schemas) == KEPT
        assert KEPT <= len(seen) <= KEPT + 1  # the last request may still hold its own
        assert len(executor.documents) <= KEPT
        assert most_plans <= 2 * (KEPT + 1)
        assert len(executor._admission._weights) <= KEPT
