"""A crash at any statement of any command leaves everything as it was before, or as it is after.

Every command of the core and of the shipped plugins: one that has no scene fails.
"""

import os

import pytest

from jingwei_core.contribution import core_contribution, core_manifest
from jingwei_core.plugins.host import PluginHost, discover
from tests.faults.conftest import Scene
from tests.faults.scenes import OPERATIONS

EVERYTHING = bool(os.environ.get("JINGWEI_TEST_FAULTS_ALL"))


def commands() -> list[str]:
    """The names of all commands, in the order of their mutations."""
    host = PluginHost(core_contribution(), discover(), core_manifest=core_manifest())
    plugins = frozenset(found.id for found in host.installed())
    registry = host.registry(plugins)
    return [c.name for c in sorted(registry.commands.values(), key=lambda c: c.mutation)]


@pytest.mark.parametrize("command", commands())
async def test_a_command_is_done_whole_or_not_at_all(command: str, scene: Scene) -> None:
    twins, acts = scene
    assert command in acts, f"{command} has no scene in tests/faults"
    for act in acts[command]:
        assert await twins.survive(act, everything=EVERYTHING) > 1, act.name


async def test_an_operation_is_done_whole_or_goes_on_where_it_broke_off(scene: Scene) -> None:
    twins, acts = scene
    for act in acts[OPERATIONS]:
        assert await twins.survive(act, everything=EVERYTHING) > 1, act.name
