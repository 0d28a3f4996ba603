"""A crash at any statement of any command leaves everything as it was before, or as it is after.

Every command of the core and of the shipped plugins: one that has no scene fails.
"""

import os

import pytest

from jingwei_core.contribution import core_contribution, core_manifest
from jingwei_core.plugins.host import PluginHost, discover
from jingwei_sdk.commands import Command
from tests.faults.conftest import Scene
from tests.faults.scenes import OPERATIONS
from tests.leak.matrix import RECIPES

EVERYTHING = bool(os.environ.get("JINGWEI_TEST_FAULTS_ALL"))


def commands() -> list[str]:
    """The names of all commands, in the order in which the leak tests find their rows unused."""
    host = PluginHost(core_contribution(), discover(), core_manifest=core_manifest())
    plugins = frozenset(found.id for found in host.installed())
    registry = host.registry(plugins)

    def turn(command: Command) -> tuple[int, str]:
        return RECIPES.get(command.mutation, {}).get("turn", 0), command.mutation

    return [command.name for command in sorted(registry.commands.values(), key=turn)]


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
