"""What is remembered of an account is used only as long as it is so."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from jingwei_core.access.cache import AccessCache
from jingwei_core.access.loading import Access
from jingwei_core.database import Reading, one_trip
from jingwei_core.session import Identity, Request, account_context
from jingwei_sdk.errors import Unauthenticated
from tests.core.access.world import GRID, NOON, ROOT, SIBLING, City

WHO = one_trip("(SELECT to_json(name) FROM core.account WHERE id = $5)")

# Every way in which what others rely on can change, by anybody and in bulk.
CHANGES = {
    "role changed": "UPDATE core.role SET permissions = '{event.file}' WHERE code = 'worker'",
    "role added": "INSERT INTO core.role (code, name) VALUES ('new', 'new')",
    "role removed": "DELETE FROM core.role WHERE code = 'centre'",
    "post moved": "UPDATE core.post SET is_primary = NOT is_primary",
    "post removed": "DELETE FROM core.post",
    "account suspended": "UPDATE core.account SET status = 'suspended'",
    "account renamed": "UPDATE core.account SET name = name || '!'",
    "account signed out": "UPDATE core.account SET session_epoch = session_epoch + 1",
    "account removed": "DELETE FROM core.account",
    "department added": "INSERT INTO core.department (code, name) VALUES ('d', 'd')",
    "level added": "INSERT INTO core.place_level (code) VALUES ('street')",
    "calendar added": "INSERT INTO core.work_calendar (definition) VALUES ('{}')",
}
NO_CHANGES = {
    "failed sign-in": "UPDATE core.account SET failed_count = failed_count + 1",
    "password": "UPDATE core.account SET password_hash = 'x'",
    "same again": "UPDATE core.account SET name = name, status = status",
    "nobody": "UPDATE core.role SET name = 'x' WHERE code = 'nobody has this'",
    "new account": "INSERT INTO core.account (login, name) VALUES ('new', 'new')",
}


async def policy(city: City) -> int:
    number: int = await city.value(
        "SELECT coalesce((SELECT number FROM core.policy_version), 0) AS number"
    )
    return number


async def load(city: City, account: uuid.UUID, epoch: int = 0) -> Access:
    cache: AccessCache = city.platform.access_cache
    return await cache.load(city.tenant, Identity(account, epoch), city.platform.clock.now())


def known(city: City, account: uuid.UUID) -> Access | None:
    cache: AccessCache = city.platform.access_cache
    return cache.known(city.tenant.id, account, city.platform.clock.now())


async def name_read_with(city: City, access: Access) -> bytes | None:
    """The account's name, read with access as it is remembered."""
    reading = Reading(city.tenant.id, access.account_id, access.epoch, access.policy_version)
    answer: bytes | None = await city.platform.database.read(reading, WHO, (access.account_id,))
    return answer


@pytest.mark.parametrize("change", CHANGES)
async def test_every_change_of_access_ends_what_is_remembered(
    city: City, neighbour: City, change: str
):
    worker = await city.account("grid-01", "worker", GRID)
    away = await neighbour.account("grid-01", "worker", GRID)
    access, theirs = await load(city, worker), await load(neighbour, away)
    assert await name_read_with(city, access) == b'"grid-01"'
    await city.fetch(CHANGES[change])
    assert await policy(city) > access.policy_version
    assert await name_read_with(city, access) is None
    assert await policy(neighbour) == theirs.policy_version
    assert await name_read_with(neighbour, theirs) == b'"grid-01"'


@pytest.mark.parametrize("change", NO_CHANGES)
async def test_what_nobody_relies_on_moves_nothing(city: City, change: str):
    access = await load(city, await city.account("grid-01", "worker", GRID))
    await city.fetch(NO_CHANGES[change])
    assert await policy(city) == access.policy_version
    assert await name_read_with(city, access) == b'"grid-01"'


async def test_a_place_that_moves_takes_its_posts_along(city: City):
    access = await load(city, await city.account("grid-01", "worker", GRID))
    await city.fetch(
        "UPDATE core.place SET path = '/1/9/', ordinal = 9 WHERE id = $1", city.places[GRID]
    )
    assert await name_read_with(city, access) is None
    again = await load(city, access.account_id)
    assert again.permissions.paths("event.read") == ("/1/9/",)


async def test_the_number_moves_with_the_transaction_and_not_before(city: City):
    access = await load(city, await city.account("grid-01", "worker", GRID))
    async with city.platform.database.unit(city.tenant.id) as unit:
        await unit.execute("UPDATE core.role SET permissions = '{event.file}'")
        assert await name_read_with(city, access) == b'"grid-01"'
        assert (await load(city, access.account_id)).permissions.allows("event.read")
    assert await name_read_with(city, access) is None


async def test_many_rows_in_one_statement_move_it_once_and_tenants_each_their_own(
    city: City, neighbour: City
):
    for one in (city, neighbour):
        await one.account("grid-01", "worker", GRID)
    before = await policy(city), await policy(neighbour)
    async with city.platform.database.owner() as unit:
        await unit.execute("UPDATE core.role SET name = name || '!'")
    assert (await policy(city), await policy(neighbour)) == (before[0] + 1, before[1] + 1)


async def test_an_entry_ends_where_a_post_begins_or_ends(city: City):
    clock = city.platform.clock
    worker = await city.account("grid-01", "worker", GRID)
    await city.post(worker, "centre", SIBLING, NOON + timedelta(hours=1), NOON + timedelta(hours=2))
    access = await load(city, worker)
    assert access.changes_at == NOON + timedelta(hours=1)
    assert not access.permissions.allows("event.file")
    clock.instant = NOON + timedelta(hours=1, microseconds=-1)
    assert known(city, worker) is access
    clock.forward(microseconds=1)
    assert known(city, worker) is None
    during = await load(city, worker)
    assert during.permissions.paths("event.file") == (SIBLING,)
    assert during.changes_at == NOON + timedelta(hours=2)
    clock.instant = NOON
    assert known(city, worker) is None  # a clock set back gives nothing ahead of its time


async def test_who_is_gone_suspended_or_signed_out_is_refused_and_forgotten(city: City):
    worker = await city.account("grid-01", "worker", GRID)
    await load(city, worker)
    assert known(city, worker) is not None
    with pytest.raises(Unauthenticated, match="SESSION_ENDED"):
        await load(city, worker, epoch=1)
    assert known(city, worker) is None
    await city.fetch("UPDATE core.account SET status = 'suspended' WHERE id = $1", worker)
    for account in (worker, uuid.uuid4()):
        with pytest.raises(Unauthenticated, match="SESSION_ENDED"):
            await load(city, account)


async def test_a_tenant_does_not_know_the_accounts_of_another(city: City, neighbour: City):
    worker = await city.account("grid-01", "worker", GRID)
    await load(city, worker)
    assert known(neighbour, worker) is None
    with pytest.raises(Unauthenticated, match="SESSION_ENDED"):
        await load(neighbour, worker)


async def test_the_memory_is_bounded(city: City):
    platform = city.platform
    cache = AccessCache(platform.database, platform.permission_sets, size=2)
    accounts = [await city.account(f"grid-0{n}", "worker", GRID) for n in range(3)]
    for account in accounts:
        await cache.load(city.tenant, Identity(account, 0), NOON)
    found = [cache.known(city.tenant.id, account, NOON) is not None for account in accounts]
    assert found == [False, True, True]


@asynccontextmanager
async def context(city: City, account: uuid.UUID) -> AsyncIterator[Any]:
    async with account_context(
        city.platform, city.tenant, Identity(account, 0), Request("zh", "test")
    ) as ctx:
        yield ctx


async def test_a_unit_uses_what_is_remembered_only_while_it_holds(city: City):
    worker = await city.account("grid-01", "worker", GRID)
    remembered = await load(city, worker)
    async with context(city, worker) as ctx:
        assert ctx.permissions is remembered.permissions
    await city.fetch("UPDATE core.role SET permissions = '{event.file}' WHERE code = 'worker'")
    async with context(city, worker) as ctx:
        assert ctx.permissions.paths("event.file") == (GRID,)
        assert not ctx.permissions.allows("event.read")
    await city.fetch("UPDATE core.account SET status = 'suspended' WHERE id = $1", worker)
    with pytest.raises(Unauthenticated, match="SESSION_ENDED"):
        async with context(city, worker):
            pass


async def test_what_was_rolled_back_is_not_remembered(city: City):
    """The number that a rolled-back change had moved to is given to the next change."""
    worker = await city.account("grid-01", "worker", GRID)
    await load(city, worker)

    async def change_and_fail() -> None:
        async with city.platform.database.unit(city.tenant.id) as unit:
            await unit.execute("UPDATE core.role SET permissions = '{*}' WHERE code = 'worker'")
            async with context(city, worker) as ctx:
                assert ctx.permissions.allows("role.manage", GRID)
            raise KeyError

    with pytest.raises(KeyError):
        await change_and_fail()
    await city.fetch("UPDATE core.role SET permissions = '{event.file}' WHERE code = 'worker'")
    async with context(city, worker) as ctx:
        assert ctx.permissions.paths("event.file") == (GRID,)
        assert not ctx.permissions.allows("role.manage")


async def test_reads_beside_changes_see_old_or_new_and_never_a_mixture(city: City):
    """Each change gives the account another name and another place; no answer may mix them."""
    worker = await city.account("grid-01", "worker", GRID)
    access, turns = await load(city, worker), 0

    async def change() -> None:
        for turn in range(30):
            async with city.platform.database.unit(city.tenant.id) as unit:
                path = SIBLING if turn % 2 else ROOT
                await unit.execute(
                    "UPDATE core.post SET place_id = $1 WHERE account = $2",
                    city.places[path],
                    worker,
                )
                await unit.execute("UPDATE core.account SET name = $1 WHERE id = $2", path, worker)

    changing = asyncio.create_task(change())
    while not changing.done():
        name = await name_read_with(city, access)
        if name is None:
            access = await load(city, worker)
            turns += 1
        elif name != b'"grid-01"':
            assert access.permissions.paths("event.read") == (name.decode().strip('"'),)
    await changing
    assert turns > 2
