"""Names that no tenant has: anybody may ask for any number of them, and pays nothing."""

from typing import Any

import pytest

from jingwei_core import tenant_states
from jingwei_core.database import Database
from jingwei_sdk.errors import NotFound
from tests.core.plugins.hooks.hearing_world import hearing
from tests.tenants.listing import list_tenant


async def test_any_number_of_unknown_names_costs_one_look(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = await hearing(database)
    monkeypatch.setattr(tenant_states, "SNAPSHOT_AGE_S", 3600.0)
    states, read = platform.states, []
    look = states._read

    async def counted(slug: str) -> Any:
        read.append(slug)
        return await look(slug)

    monkeypatch.setattr(states, "_read", counted)
    for number in range(50):
        with pytest.raises(NotFound) as refusal:
            await platform.state(f"nobody-{number}")
        assert refusal.value.code == "TENANT_NOT_FOUND"
    assert read == ["nobody-0"]
    assert len(states._kept) == 0, "nothing is kept of a name that nobody has"
    # Who is there is found all the while, and who comes is found when this process made it.
    assert (await platform.state("here")).tenant.slug == "here"
    async with database.platform() as unit:
        await list_tenant(unit, "nobody-7")
    platform.forget()
    assert (await platform.state("nobody-7")).tenant.slug == "nobody-7"
