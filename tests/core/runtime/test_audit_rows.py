"""What an audit row says: only what was kept, seen from as far as all that it tells of."""

import json

import pytest

from jingwei_core.audit.writing import append_audit, smallest_subtree
from jingwei_core.commands.data import Change, UnitData
from jingwei_core.registers.tables import Organisation
from jingwei_core.session import CoreContext, system_context
from jingwei_core.signals import UnitSignals
from jingwei_core.text import search_text
from jingwei_sdk.errors import Conflict
from tests.core.runtime.city import City


def shop(city: City, place: str, name: str) -> Organisation:
    return Organisation(place_id=city.places[place], name=name, search_text=search_text(name))


async def taken_back(ctx: CoreContext, row: Organisation) -> None:
    async with ctx.data.savepoint():
        await ctx.data.insert(row)
        await ctx.signals.changed("Organisation", row.id, row.place_path)
        await append_audit(ctx, "test.lost", None)
        raise Conflict("ROW_EXISTS", record="Organisation")


async def last_row(city: City) -> dict[str, object]:
    sql = (
        "SELECT jsonb_build_object('path', place_path, 'changes', changes)"
        " FROM core.audit_entry ORDER BY sequence DESC LIMIT 1"
    )
    row: dict[str, object] = json.loads(str(await city.scalar(sql)))
    return row


async def test_what_a_savepoint_took_back_is_not_in_the_log(city: City) -> None:
    async with system_context(city.platform, city.tenant, "test") as ctx:
        kept = await ctx.data.insert(shop(city, "grid", "留下"))
        await ctx.signals.changed("Organisation", kept.id, "/")
        await ctx.signals.changed("Organisation", kept.id, kept.place_path)
        with pytest.raises(Conflict):
            await taken_back(ctx, shop(city, "grid", "撤回"))
        await append_audit(ctx, "test.kept", None)
        # Nor is it told to subscribers; what changed twice is told once, as it is at last.
        assert isinstance(ctx.signals, UnitSignals)
        (notice,) = ctx.signals.notices()
        assert json.loads(notice)["id"] == str(kept.id)
        assert json.loads(notice)["path"] == kept.place_path

    assert await city.scalar("SELECT count(*) FROM core.audit_entry") == 1
    told = json.dumps(await last_row(city), ensure_ascii=False)
    assert "撤回" not in told
    assert "留下" in told
    assert await city.scalar("SELECT count(*) FROM core.organisation WHERE name = '撤回'") == 0


@pytest.mark.parametrize(
    ("places", "path"),
    [(("grid",), "/1/2/"), (("grid", "sibling"), "/1/"), (("sibling", "grid"), "/1/"), ((), "/1/")],
)
async def test_an_entry_lies_where_all_that_it_tells_of_lies(
    city: City, places: tuple[str, ...], path: str
) -> None:
    async with system_context(city.platform, city.tenant, "test") as ctx:
        for place in places:
            await ctx.data.insert(shop(city, place, "示范"))
        await append_audit(ctx, "test.places", None)

    assert (await last_row(city))["path"] == path


@pytest.mark.parametrize(
    ("paths", "smallest"),
    [
        ([], None),
        ([None, None], None),
        (["/1/2/", None], "/1/2/"),
        (["/1/2/", "/1/22/"], "/1/"),
        (["/1/2/", "/1/2/3/"], "/1/2/"),
        (["/1/", "/2/"], "/"),
    ],
)
def test_the_smallest_subtree_of_paths(paths: list[str | None], smallest: str | None) -> None:
    assert smallest_subtree(paths) == smallest


@pytest.mark.parametrize("length", [1, 100], ids=["short", "long"])
async def test_as_much_is_told_at_the_end_as_there_is_to_tell(city: City, length: int) -> None:
    before = int(str(await city.scalar("SELECT count(*) FROM core.audit_entry")))
    async with system_context(city.platform, city.tenant, "test") as ctx:
        assert isinstance(ctx.data, UnitData)
        for number in range(1700):
            await ctx.signals.send("webhook", {"number": number})
            ctx.data.changes.append(
                Change("place", city.tenant.id, None, {"x": "x" * length}, None)
            )
            await append_audit(ctx, f"test.{number}", None)
    assert await city.scalar("SELECT count(*) FROM core.outbox_message") == 1700
    assert await city.scalar("SELECT count(*) FROM core.audit_entry") == before + 1700
    last = "SELECT command FROM core.audit_entry ORDER BY sequence DESC LIMIT 1"
    assert await city.scalar(last) == "test.1699"
