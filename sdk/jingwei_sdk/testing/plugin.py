"""Fixtures for pytest, there as soon as ``jingwei-sdk[testing]`` is installed.

``jingwei_city``        the city of the test; the plugin is switched on.
``jingwei_other_city``  its neighbour, with the same places and roles. After each test it must have
                        seen nothing of what the test did in the first.
``jingwei_client``      GraphQL: ``await jingwei_client.data(caller, "{ … }")``.
``jingwei_clock``       stands still: ``jingwei_clock.advance_work_days(3)``.
``jingwei_evidence``    photos: ``await jingwei_evidence.photo(caller)``.
``captured_hooks``      every call of the plugin's hooks.
``captured_jobs``       the queue: ``await captured_jobs.run_all()``.
``captured_channels``   every attempt to deliver a message: ``captured_channels.of("sms")``.
``query_counts``        how many statements a block sends, against a baseline: see
                        :mod:`jingwei_sdk.testing.queries`.

``@pytest.mark.jingwei(plugin="road-lamp", settings={"days": 3}, other="off")`` says for one test
which plugin, its settings, and that the other city has it switched off. The platform is made once a
run; what a test writes is rolled back.
"""

from collections.abc import AsyncIterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from jingwei_sdk.testing.contract import (
        BootedPlatform,
        CapturedChannels,
        CapturedHooks,
        CapturedJobs,
        City,
        EvidenceBox,
        GraphQLClient,
        PlatformProvider,
        Scene,
        WorkingClock,
    )
    from jingwei_sdk.testing.queries import QueryCounts

# This module is loaded in every run of pytest where the SDK is installed: nothing heavy above.
_MARK = "jingwei"
_LOOPS = """the test kit needs one event loop for the whole run; in pyproject.toml:

[tool.pytest.ini_options]
asyncio_mode = "auto"
asyncio_default_fixture_loop_scope = "session"
asyncio_default_test_loop_scope = "session"
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The ini value and the option of the kit."""
    parser.addini("jingwei_plugin", "id of the plugin that the tests are about", default="")
    parser.addoption(
        "--update-baselines",
        action="store_true",
        default=False,
        help="write the counts of statements that query_counts compares with",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers", f'{_MARK}(plugin="", settings={{}}, other="on"): how a test wants its plugin'
    )


class _Platforms:
    """The platforms of one run, by plugin."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._booted: dict[str, BootedPlatform] = {}

    async def of(self, plugin_id: str) -> "BootedPlatform":
        """The platform of a plugin, booted when it is first asked for."""
        from jingwei_sdk.testing.finding import plugin_under_test

        if plugin_id not in self._booted:
            found = plugin_under_test(self._folder, plugin_id)
            self._booted[plugin_id] = await _provider().boot(found)
        return self._booted[plugin_id]

    async def close(self) -> None:
        """Stop them all."""
        for platform in self._booted.values():
            await platform.close()


def _provider() -> "PlatformProvider":
    from jingwei_sdk.testing.contract import PROVIDERS

    points = list(entry_points(group=PROVIDERS, name="platform"))
    if not points:
        pytest.fail('no platform to test on: install "jingwei-sdk[testing]"', pytrace=False)
    provider: PlatformProvider = points[0].load()()
    return provider


@pytest.fixture(scope="session")
async def jingwei_platforms(pytestconfig: pytest.Config) -> AsyncIterator[_Platforms]:
    """The platforms of this run; tests use :func:`jingwei_city` and the others."""
    for scope in ("fixture", "test"):
        if pytestconfig.getini(f"asyncio_default_{scope}_loop_scope") != "session":
            pytest.fail(_LOOPS, pytrace=False)
    platforms = _Platforms(pytestconfig.rootpath)
    yield platforms
    await platforms.close()


@pytest.fixture
async def jingwei_scene(
    request: pytest.FixtureRequest, jingwei_platforms: _Platforms
) -> AsyncIterator["Scene"]:
    """All of the kit for one test; the fixtures below are its parts."""
    from jingwei_sdk.testing.contract import Switched

    mark = request.node.get_closest_marker(_MARK)
    asked = mark.kwargs if mark else {}
    unknown = sorted(set(asked) - {"plugin", "settings", "other"})
    if unknown:
        pytest.fail(f"@pytest.mark.jingwei knows no {', '.join(unknown)}", pytrace=False)
    plugin = asked.get("plugin") or request.config.getini("jingwei_plugin")
    platform = await jingwei_platforms.of(plugin)
    switched = Switched(asked.get("settings", {}), asked.get("other", "on") == "on")
    async with platform.scene(switched) as scene:
        yield scene
        leaks = await scene.leaks()
    if leaks:
        pytest.fail("\n".join(["the other city saw this test:", *leaks]), pytrace=False)


@pytest.fixture
def jingwei_city(jingwei_scene: "Scene") -> "City":
    """See the top of this file."""
    return jingwei_scene.city


@pytest.fixture
def jingwei_other_city(jingwei_scene: "Scene") -> "City":
    """See the top of this file."""
    return jingwei_scene.other_city


@pytest.fixture
def jingwei_client(jingwei_scene: "Scene") -> "GraphQLClient":
    """See the top of this file."""
    return jingwei_scene.client


@pytest.fixture
def jingwei_clock(jingwei_scene: "Scene") -> "WorkingClock":
    """See the top of this file."""
    return jingwei_scene.clock


@pytest.fixture
def jingwei_evidence(jingwei_scene: "Scene") -> "EvidenceBox":
    """See the top of this file."""
    return jingwei_scene.evidence


@pytest.fixture
def captured_hooks(jingwei_scene: "Scene") -> "CapturedHooks":
    """See the top of this file."""
    return jingwei_scene.hooks


@pytest.fixture
def captured_jobs(jingwei_scene: "Scene") -> "CapturedJobs":
    """See the top of this file."""
    return jingwei_scene.jobs


@pytest.fixture
def captured_channels(jingwei_scene: "Scene") -> "CapturedChannels":
    """See the top of this file."""
    return jingwei_scene.channels


@pytest.fixture
def query_counts(request: pytest.FixtureRequest, jingwei_scene: "Scene") -> "QueryCounts":
    """See the top of this file."""
    from jingwei_sdk.testing.queries import BASELINES, QueryCounts

    is_updating = bool(request.config.getoption("--update-baselines"))
    return QueryCounts(jingwei_scene, request.path.parent / BASELINES, is_updating=is_updating)
