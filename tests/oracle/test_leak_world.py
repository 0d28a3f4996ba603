"""The world of the leak matrix: what its attackers try reads as the plain executor answers it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from jingwei_core.platform import open_platform
from tests.leak.matrix import ATTACKERS, Attacker
from tests.leak.reads import Attempt, batches, read_attempts
from tests.leak.world import World
from tests.leak.world import build_world as build_leak_world
from tests.oracle.equality import Equality
from tests.oracle.operations import Operation
from tests.oracle.subject import executor_of
from tests.oracle.world import seen
from tests.servers.databases import NewDatabase

ASKED_ELSEWHERE = ("filter", "order")
"""What the random world asks often enough."""

Compared = tuple[World, dict[str, Equality]]


@pytest.fixture(scope="module")
async def compared(new_database: NewDatabase) -> AsyncIterator[Compared]:
    """Both tenants of the matrix, each with its comparison."""
    async with new_database() as settings, open_platform(settings) as platform:
        world = await build_leak_world(platform)
        executor, found = executor_of(platform), {}
        for city in (world.a, world.b):
            looked = await seen(platform, executor, city.slug)
            looked.accounts, looked.now = city.accounts, datetime.now(UTC)
            found[city.name] = Equality(looked)
        yield world, found


@pytest.mark.parametrize("attacker", ATTACKERS, ids=lambda row: row.name)
async def test_what_an_attacker_hears_is_the_plain_answer(
    attacker: Attacker, compared: Compared
) -> None:
    world, equalities = compared
    equality, failures = equalities[attacker.tenant], list[str]()

    for document, _ in batches(attempts(attacker, world, equality)):
        asked = Operation(attacker.login, "zh", document, {})
        failures += (await equality.check(asked))[:3]

    assert failures == []


def attempts(attacker: Attacker, world: World, equality: Equality) -> list[Attempt]:
    """Everything to try: at one's own tenant, and by ids of the other."""
    schema = equality.seen.plain.schema
    other = "b" if attacker.tenant == "a" else "a"
    foreign = {
        (each.surface, each.aims[0].record, each.aims[0].zone): each
        for each in read_attempts(schema, world, other)
        if each.aims
    }
    mine = read_attempts(schema, world, attacker.tenant)
    return [
        *(each for each in mine if each.surface not in ASKED_ELSEWHERE),
        *foreign.values(),
    ]
