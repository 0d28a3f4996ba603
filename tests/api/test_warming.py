"""What a serving process does before its first request, and what it leaves to that one."""

import gc
import subprocess
import sys
from collections.abc import Iterator

import pytest

from jingwei_api.app import create_app
from jingwei_api.execution import warming
from jingwei_api.http.services import services_in
from jingwei_core.platform import Platform
from jingwei_core.tenants.in_use import enabled_sets
from jingwei_sdk.errors import Unavailable
from tests.api.client import Client
from tests.api.conftest import serving
from tests.api.world import World


async def test_the_sets_of_plugins_in_use_are_told_by_how_many_use_them(
    platform: Platform, world: World
) -> None:
    found = await enabled_sets(platform.database, 100)
    wanted = {(await platform.state(slug)).enabled for slug in ("yichang", "changzhi")}
    assert wanted <= set(found)
    assert len(set(found)) == len(found)
    assert await enabled_sets(platform.database, 1) == found[:1]


async def test_schemas_are_built_before_anybody_asks(platform: Platform, world: World) -> None:
    executor = services_in(create_app(platform).state).executor
    sets = await enabled_sets(platform.database, warming.SCHEMAS)
    registries = [platform.host.registry(enabled) for enabled in sets]
    assert not any(executor._schemas.built(registry) for registry in registries)
    await warming.warm_up(platform, executor)
    assert all(executor._schemas.built(registry) for registry in registries)


async def test_whatever_goes_wrong_meanwhile_serving_begins(
    platform: Platform, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> object:
        raise Unavailable("DATABASE_UNREACHABLE", cause="test")

    app = create_app(platform)
    monkeypatch.setattr(warming, "enabled_sets", fails)
    await warming.warm_up(platform, services_in(app.state).executor)
    async with serving(app) as url, Client(url, "yichang") as client:
        await client.sign_in("worker")
        assert await client.data("{ me { name } }")


@pytest.fixture
def thresholds() -> Iterator[None]:
    before = gc.get_threshold()
    gc.unfreeze()  # what the suite's conftest froze
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.mark.usefixtures("thresholds")
def test_what_is_there_when_serving_begins_is_not_looked_at_again() -> None:
    warming.settle()
    assert gc.get_freeze_count() > 10_000
    assert gc.get_threshold()[0] == warming.YOUNG


def test_a_server_process_settles_only_when_it_serves() -> None:
    program = "import gc, jingwei_api.asgi; print(gc.get_freeze_count())"
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "0"
