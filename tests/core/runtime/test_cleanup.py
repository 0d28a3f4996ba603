"""What the nightly jobs remove, and what they leave."""

from datetime import UTC, datetime, timedelta

import pytest

from jingwei_core.session import system_context
from tests.core.runtime.city import City

NOW = datetime.now(UTC)

PLANT = {
    "core.key-cleanup": (
        "INSERT INTO core.command_key (account, key, command, digest, created_at)"
        " VALUES ($1, $2, 'test', '', $3)",
        "SELECT array_agg(key ORDER BY key) FROM core.command_key",
        timedelta(days=30),
    ),
    "core.token-cleanup": (
        "INSERT INTO core.refresh_token (account, family_id, digest, expires_at)"
        " VALUES ($1, core.uuid7(), $2, $3)",
        "SELECT array_agg(digest ORDER BY digest) FROM core.refresh_token",
        timedelta(days=7),
    ),
}


@pytest.mark.parametrize("job", PLANT)
async def test_only_what_is_old_goes_and_only_the_citys_own(
    city: City, other_city: City, job: str
) -> None:
    plant, left, kept_for = PLANT[job]
    for where in (city, other_city):
        async with where.platform.database.unit(where.tenant.id) as unit:
            for name, at in (
                ("new", NOW - kept_for + timedelta(hours=1)),
                ("old", NOW - kept_for - timedelta(hours=1)),
            ):
                await unit.execute(plant, where.accounts["root"], name, at)

    registry = await city.platform.registry(city.tenant.id)
    async with system_context(city.platform, city.tenant, f"job:{job}") as ctx:
        await registry.jobs[job].run(ctx, {})

    assert await city.scalar(left) == ["new"]
    assert await other_city.scalar(left) == ["new", "old"]
