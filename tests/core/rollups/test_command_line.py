"""``jingwei rollup``: what an operator folds, verifies and mends."""

import json
import random
from collections.abc import AsyncIterator

import pytest

from jingwei_core.database import Database, open_database
from jingwei_core.settings import Settings
from tests.core.rollups.town import Town, build_town
from tests.fixtures.command_line import CommandLine
from tests.servers.databases import NewDatabase


@pytest.fixture(scope="session")
async def command_settings(new_database: NewDatabase) -> AsyncIterator[Settings]:
    async with new_database() as settings:
        yield settings


@pytest.fixture
async def database_of_commands(command_settings: Settings) -> AsyncIterator[Database]:
    async with open_database(command_settings) as database:
        yield database


@pytest.fixture
async def town(database_of_commands: Database) -> Town:
    town = await build_town(database_of_commands)
    async with database_of_commands.unit(town.id) as unit:
        await town.add(unit, random.Random(1), 30)
    return town


async def slug_of(town: Town) -> str:
    async with town.database.platform() as unit:
        slug: str = await unit.fetchval("SELECT slug FROM platform.tenant WHERE id = $1", town.id)
    return slug


async def test_counts_are_folded_verified_and_rebuilt(
    town: Town, command_settings: Settings, jingwei: CommandLine
) -> None:
    slug = await slug_of(town)
    told = await jingwei(command_settings, "rollup", "fold", "--tenant", slug, "--json")
    assert told.code == 0
    folded = {line["record"]: line["deltas"] for line in json.loads(told.out)}
    assert folded["Event"] == 30
    assert folded["Organisation"] == 0

    told = await jingwei(command_settings, "rollup", "verify", "--tenant", slug)
    assert (told.code, "all equal" in told.out) == (0, True)

    async with town.database.owner() as unit:
        await unit.execute(
            "UPDATE core.rollup SET n = n + 7 WHERE tenant_id = $1 AND path = '/' AND cube ="
            " (SELECT min(cube) FROM core.rollup WHERE tenant_id = $1)",
            town.id,
        )
    told = await jingwei(command_settings, "rollup", "verify", "--tenant", slug, "--json")
    assert told.code == 1
    (wrong,) = [line for line in json.loads(told.out) if line["differences"]]
    assert wrong["record"] == "Event"
    assert {found["kept"] - found["counted"] for found in wrong["differences"]} == {7}
    told = await jingwei(command_settings, "rollup", "verify")
    assert (told.code, "jingwei rollup rebuild" in told.out) == (1, True)

    told = await jingwei(command_settings, "rollup", "rebuild", "--tenant", slug)
    assert (told.code, slug in told.err) == (0, True), "progress goes to the error stream"
    assert (await jingwei(command_settings, "rollup", "verify", "--tenant", slug)).code == 0


async def test_an_unknown_tenant_is_told(command_settings: Settings, jingwei: CommandLine) -> None:
    told = await jingwei(command_settings, "rollup", "verify", "--tenant", "nowhere")
    assert (told.code, "TENANT_NOT_FOUND" in told.err) == (1, True)
