"""What an account may do is read anew for each request."""

import uuid
from datetime import timedelta

from tests.core.access.world import GRID, NOON, ROOT, SIBLING, City


async def test_posts_give_roles_in_subtrees(city: City):
    worker = await city.account("grid-01", "worker", GRID)
    access = await city.access(worker)
    assert access is not None
    assert access.active
    assert access.permissions.paths("event.read") == (GRID,)
    assert access.permissions.allows("event.read", f"{GRID}5/")
    assert not access.permissions.allows("event.read", SIBLING)
    assert not access.permissions.allows("event.read", ROOT)
    assert not access.permissions.allows("event.file", GRID)
    assert access.primary_path == GRID


async def test_a_post_holds_from_its_first_instant_to_before_its_last(city: City):
    worker = await city.account("grid-01")
    await city.post(worker, "worker", GRID, NOON, NOON + timedelta(hours=1))
    clock = city.platform.clock
    expected = {
        NOON - timedelta(microseconds=1): (),
        NOON: (GRID,),
        NOON + timedelta(hours=1, microseconds=-1): (GRID,),
        NOON + timedelta(hours=1): (),
    }
    for instant, paths in expected.items():
        clock.instant = instant
        access = await city.access(worker)
        assert access is not None
        assert access.permissions.paths("event.read") == paths
    clock.instant = NOON
    access = await city.access(worker)
    assert access is not None
    assert access.changes_at == NOON + timedelta(hours=1)


async def test_a_changed_role_takes_effect_at_once(city: City):
    worker = await city.account("grid-01", "worker", GRID)
    before = await city.access(worker)
    await city.fetch("UPDATE core.role SET permissions = '{event.file}' WHERE code = 'worker'")
    after = await city.access(worker)
    assert before is not None
    assert after is not None
    assert before.permissions.allows("event.read", GRID)
    assert not after.permissions.allows("event.read")
    assert after.permissions.allows("event.file", GRID)


async def test_equal_grants_are_compiled_once(city: City):
    first = await city.access(await city.account("grid-01", "worker", GRID))
    second = await city.access(await city.account("grid-02", "worker", GRID))
    third = await city.access(await city.account("grid-03", "worker", SIBLING))
    assert first is not None
    assert second is not None
    assert third is not None
    assert first.permissions is second.permissions
    assert first.permissions is not third.permissions


async def test_a_suspended_account_holds_nothing(city: City):
    worker = await city.account("grid-01", "worker", GRID)
    await city.fetch("UPDATE core.account SET status = 'suspended' WHERE id = $1", worker)
    access = await city.access(worker)
    assert access is not None
    assert not access.active
    assert not access.permissions.allows("event.read")


async def test_an_account_of_the_neighbour_does_not_exist(city: City, neighbour: City):
    worker = await city.account("grid-01", "worker", GRID)
    assert await neighbour.access(worker) is None
    assert await city.access(uuid.uuid4()) is None
