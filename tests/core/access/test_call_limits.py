"""Limits on calls: what a role and a tenant may state, and how they reach an account."""

import uuid
from typing import Any

import pytest

from jingwei_core.access.call_limits import (
    RANGES,
    UNSTATED,
    CallLimits,
    checked_limits,
    stored_limits,
)
from jingwei_sdk.errors import Invalid, JingweiError
from tests.core.access.world import GRID, ROOT, City


@pytest.mark.parametrize(("name", "bounds"), RANGES.items())
def test_the_bounds_of_each_limit_may_be_stated(name: str, bounds: tuple[int, int]) -> None:
    for value in bounds:
        assert checked_limits({name: value}).stated() == {name: value}
    for wrong in (bounds[0] - 1, bounds[1] + 1, "many", True, 1.5, None):
        with pytest.raises(Invalid) as refused:
            checked_limits({name: wrong})
        assert refused.value.code == "LIMIT_OUT_OF_RANGE"
        assert refused.value.field == f"limits.{name}"


def test_an_unknown_limit_is_refused_and_one_of_a_newer_version_left_out() -> None:
    with pytest.raises(Invalid) as refused:
        checked_limits({"max_fun": 1})
    assert refused.value.code == "LIMIT_UNKNOWN"
    assert stored_limits({"max_fun": 1, "max_cost": 900}) == CallLimits(max_cost=900)


@pytest.fixture
async def admin(city: City) -> uuid.UUID:
    return await city.account("admin", "admin", ROOT)


async def test_accounts_have_the_limits_that_their_role_states(
    city: City, admin: uuid.UUID
) -> None:
    worker = await city.account("grid-01", "worker", GRID)
    assert await _limits(city, worker) == {UNSTATED}
    role: dict[str, Any] = {"code": "worker", "name": "x", "permissions": ["event.read"]}

    await city.run(admin, "role.save", **role, limits={"max_cost": 900, "max_depth": 6})
    assert await _limits(city, worker) == {CallLimits(max_cost=900, max_depth=6)}
    changes = await city.value(
        "SELECT changes::text FROM core.audit_entry ORDER BY sequence DESC LIMIT 1"
    )
    assert '"max_cost": 900' in changes

    await city.run(admin, "role.save", **role)  # says nothing of limits: they stay
    assert await _limits(city, worker) == {CallLimits(max_cost=900, max_depth=6)}

    await city.run(admin, "role.save", **role, limits={})
    assert await _limits(city, worker) == {UNSTATED}


async def test_limits_out_of_bounds_are_not_saved(city: City, admin: uuid.UUID) -> None:
    before = await city.state()
    given = {"max_cost": 10**12}
    saving = city.run(
        admin, "role.save", code="worker", name="x", permissions=["event.read"], limits=given
    )
    with pytest.raises(JingweiError) as refused:
        await saving
    assert (refused.value.code, refused.value.field) == ("LIMIT_OUT_OF_RANGE", "limits.max_cost")
    assert await city.state() == before


async def _limits(city: City, account: uuid.UUID) -> frozenset[CallLimits]:
    access = await city.access(account)
    assert access is not None
    return access.limits
