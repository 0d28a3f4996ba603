"""A plugin's command with work between two transactions, by the same declaration as the core's."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from jingwei_api.schema import global_id
from jingwei_core.evidence.commits import Commits
from jingwei_core.platform import Platform
from jingwei_core.plugins.host import Installed, PluginHost
from jingwei_core.registers.tables import Organisation
from jingwei_core.tables import core_records
from jingwei_sdk.commands import Stage, Staged, command
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, NotFound, Refused
from jingwei_sdk.plugin import Plugin
from tests.api.planning import conftest as desk
from tests.api.world import GRID, World, add_organisation, installed

(ORGANISATION,) = [record for record in core_records() if record.name == "Organisation"]
SEEN: list[Any] = []


class Found(msgspec.Struct, frozen=True):
    """What the work brought."""

    name: str


async def before(ctx: Context, row_id: uuid.UUID) -> str | None:
    assert type(ctx) is Context, "and neither is the unit"
    row = await ctx.data.get(Organisation, row_id)
    if row.name.startswith("gone"):
        raise NotFound("ROW_NOT_FOUND", record="Organisation", id=str(row_id))
    return None if row.name.endswith("!") else row.name


async def work(stage: Stage, name: str) -> Found:
    SEEN.append((stage.tenant.slug, stage.now().tzinfo is not None, hasattr(stage, "platform")))
    if name == "staged bad":
        raise Conflict("PLUGIN_NEEDED", plugin="stages", by=["nobody"])
    return Found(f"{name}!")


async def after(stage: Stage, name: str) -> None:
    SEEN.append(name)
    raise Conflict("PLUGIN_NEEDED", plugin="stages", by=["nobody"])


@command(
    "stages.rename",
    permission="organisation.write",
    on=ORGANISATION,
    staged=Staged(before, work, after),
)
async def rename(ctx: Context, target: Organisation, found: Found) -> Organisation:
    """Give a shop another name."""
    return await ctx.data.update(target, name=found.name)


STAGES = Plugin(id="stages", package="tests", commands=(rename,))
RENAME = "mutation($id: ID!) { stagesRename(id: $id) { organisation { name } } }"


@pytest.fixture(autouse=True)
async def enabled(platform: Platform, world: World) -> AsyncIterator[None]:
    before_ = platform.host
    known = [*installed(), Installed("stages", "available", plugin=STAGES)]
    platform.host = PluginHost(before_.core, known)
    put = "INSERT INTO platform.plugin_state (tenant_id, plugin_id, enabled)"
    async with platform.database.owner() as unit:
        await unit.execute(f"{put} VALUES ($1, 'stages', true)", world.yichang.id)
    platform.forget()
    SEEN.clear()
    yield
    async with platform.database.owner() as unit:
        await unit.execute("DELETE FROM platform.plugin_state WHERE plugin_id = 'stages'")
    platform.host = before_
    platform.forget()


@pytest.fixture
def centre(centre: desk.Asker, platform: Platform) -> desk.Asker:
    runtime = centre.executor._mutations._runtime
    object.__setattr__(runtime, "commits", Commits(platform, None))  # type: ignore[arg-type]
    return centre


async def _shop(world: World, name: str) -> tuple[uuid.UUID, str]:
    city = world.yichang
    row_id = await add_organisation(city, 7000, GRID)
    rename_it = "UPDATE core.organisation SET name = $1 WHERE id = $2 RETURNING 1"
    await city.value(rename_it, name, row_id)
    return row_id, global_id.encode("Organisation", row_id)


async def _audited(world: World) -> int:
    found: int = await world.yichang.value("SELECT count(*) FROM core.audit_entry")
    return found


async def test_its_three_parts_run_and_once_it_is_done_it_does_nothing(
    centre: desk.Asker, world: World
) -> None:
    _, told = await _shop(world, "staged")
    audited = await _audited(world)
    renamed = {"stagesRename": {"organisation": {"name": "staged!"}}}
    assert await centre.data(RENAME, id=told) == renamed
    assert SEEN == [("yichang", True, False), "staged"], "the platform is not a plugin's"
    assert await _audited(world) == audited + 1
    assert await centre.data(RENAME, id=told) == renamed
    assert len(SEEN) == 2
    assert await _audited(world) == audited + 1


@pytest.mark.parametrize(
    ("name", "code"), [("staged bad", "PLUGIN_NEEDED"), ("gone", "ROW_NOT_FOUND")]
)
async def test_what_is_refused_on_the_way_has_written_nothing(
    name: str, code: str, centre: desk.Asker, world: World
) -> None:
    row_id, told = await _shop(world, name)
    audited = await _audited(world)
    answer = await centre(RENAME, id=told)
    assert answer["data"] == {"stagesRename": None}
    assert [one["extensions"]["code"] for one in answer["errors"]] == [code]
    assert await _audited(world) == audited
    assert await world.yichang.value(
        "SELECT name FROM core.organisation WHERE id = $1", row_id
    ) == name  # fmt: skip


async def test_it_needs_its_permission_before_anything_is_looked_at(
    centre: desk.Asker, staff: desk.Asker, world: World
) -> None:
    _, told = await _shop(world, "staged")
    staff = desk.Asker(centre.executor, staff.city, staff.login)
    answer = await staff(RENAME, id=told)
    assert [one["extensions"]["code"] for one in answer["errors"]] == ["PERMISSION_DENIED"]
    assert SEEN == []


def test_a_staged_command_is_about_a_row() -> None:
    with pytest.raises(Refused) as refusal:

        @command("stages.other", permission="organisation.write", tenant_wide=True,
                 staged=Staged(before, work))  # fmt: skip
        async def other(ctx: Context, found: Found) -> Found:
            return found

    assert refusal.value.code == "COMMAND_STAGED"
