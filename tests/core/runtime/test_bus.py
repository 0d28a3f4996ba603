"""The command bus: permission where it counts, one answer for one key, no trace of a refusal."""

import asyncio
import contextvars
import json
import unicodedata
import uuid
from dataclasses import replace

import msgspec
import pytest

from jingwei_core.access.tables import Post, Role
from jingwei_core.commands.bus import Answer, Call, execute
from jingwei_core.database.engine import Database, open_database
from jingwei_core.evidence.opening import open_store
from jingwei_core.places.tables import PlaceShape
from jingwei_core.platform import Platform, assemble, core_contribution
from jingwei_core.plugins.host import PluginHost
from jingwei_core.registers.tables import Organisation
from jingwei_core.session import Request, system_context
from jingwei_sdk.commands import command, declaration
from jingwei_sdk.context import Context
from jingwei_sdk.errors import (
    Conflict,
    Denied,
    Invalid,
    JingweiError,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from jingwei_sdk.records import TenantWide
from tests.core.runtime.city import LONG_AGO, City, build

REGISTER = "organisation.register"
CHANGE = "organisation.change"


def shop(city: City, place: str = "grid", **more: object) -> dict[str, object]:
    return {"place_id": str(city.places[place]), "name": "示范超市", **more}


async def traces(city: City) -> dict[str, object]:
    tables = ("organisation", "audit_entry", "command_key", "outbox_message")
    return {table: await city.scalar(f"SELECT count(*) FROM core.{table}") for table in tables}


async def some_organisation(city: City, place: str) -> uuid.UUID:
    found = await city.scalar(
        "SELECT id FROM core.organisation WHERE place_id = $1 ORDER BY name LIMIT 1",
        city.places[place],
    )
    assert isinstance(found, uuid.UUID)
    return found


async def test_a_command_writes_its_row_and_one_audit_row(city: City) -> None:
    answer = await city.run("worker", REGISTER, shop(city), key="k-1")

    assert answer.replayed is False
    assert await city.scalar("SELECT name FROM core.organisation WHERE id = $1", answer.row_id)
    entry = await city.scalar(
        "SELECT jsonb_build_object('command', command, 'actor', actor_id, 'request', request_id,"
        " 'path', place_path, 'changes', changes) FROM core.audit_entry"
    )
    told = json.loads(str(entry))
    assert (told["command"], told["request"], told["path"]) == (REGISTER, "request-1", "/1/2/")
    assert told["actor"] == str(city.accounts["worker"])
    (change,) = told["changes"]
    assert (change["table"], change["before"]) == ("organisation", None)
    assert change["after"]["name"] == "示范超市"


async def test_a_change_is_told_with_before_and_after(city: City) -> None:
    target = await some_organisation(city, "grid")

    await city.run("worker", CHANGE, {"address": "云集路1号"}, target_id=target)

    changes = json.loads(str(await city.scalar("SELECT changes FROM core.audit_entry")))
    assert changes[0]["before"]["address"] == ""
    assert changes[0]["after"]["address"] == "云集路1号"
    assert "name" not in changes[0]["after"]


@pytest.mark.parametrize(
    ("who", "place", "error", "code"),
    [
        ("reader", "grid", Denied, "PERMISSION_DENIED"),
        ("worker", "sibling", NotFound, "PLACE_NOT_FOUND"),
        ("neighbour", "grid", NotFound, "PLACE_NOT_FOUND"),
        ("worker", "root", NotFound, "PLACE_NOT_FOUND"),
    ],
)
async def test_a_place_outside_the_permission_is_refused(
    city: City, who: str, place: str, error: type[JingweiError], code: str
) -> None:
    before = await traces(city)

    with pytest.raises(error) as refused:
        await city.run(who, REGISTER, shop(city, place), key="k-1")

    assert refused.value.code == code
    assert await traces(city) == before


async def test_absent_and_out_of_sight_read_the_same(city: City, other_city: City) -> None:
    said = []
    for target in (
        uuid.uuid4(),
        await some_organisation(city, "sibling"),
        await some_organisation(other_city, "grid"),
    ):
        with pytest.raises(NotFound) as refused:
            await city.run("worker", CHANGE, {"address": "x"}, target_id=target)
        said.append(str(refused.value).replace(str(target), "ID"))
    assert len(set(said)) == 1


async def test_one_key_gives_one_answer(city: City) -> None:
    first = await city.run("worker", REGISTER, shop(city), key="k-1")
    before = await traces(city)

    again = await city.run("worker", REGISTER, shop(city), key="k-1")

    assert again == Answer(first.row_id, None, replayed=True)
    assert await traces(city) == before


async def test_a_key_belongs_to_its_input_and_its_account(city: City) -> None:
    first = await city.run("worker", REGISTER, shop(city), key="k-1")
    before = await traces(city)

    with pytest.raises(Conflict) as refused:
        await city.run("worker", REGISTER, shop(city, name="另一家"), key="k-1")

    assert (refused.value.code, refused.value.field) == ("IDEMPOTENCY_KEY_REUSED", "idempotencyKey")
    assert await traces(city) == before
    other = await city.run("root", REGISTER, shop(city), key="k-1")
    assert other.replayed is False
    assert other.row_id != first.row_id


@pytest.mark.commit
async def test_one_key_sent_twenty_times_at_once_writes_one_row(city: City) -> None:
    before = await traces(city)

    answers = await asyncio.gather(
        *(city.run("worker", REGISTER, shop(city), key="k-1") for _ in range(20))
    )

    assert len({answer.row_id for answer in answers}) == 1
    assert sorted(answer.replayed for answer in answers) == [False] + [True] * 19
    after = await traces(city)
    assert after["organisation"] == int(str(before["organisation"])) + 1
    assert after["audit_entry"] == int(str(before["audit_entry"])) + 1


class Moved(msgspec.Struct):
    """Answer of a command of these tests."""

    done: bool = True


@command("test.move", permission="organisation.write", on="PlaceShape")
async def move(ctx: Context, target: PlaceShape) -> Moved:
    """Writes on a row that lies where another one lies."""
    return Moved()


async def test_a_row_seen_through_another_needs_the_permission_where_that_one_lies(
    city: City,
) -> None:
    """The reader's post at the sibling shows its shape and does not let its editor elsewhere in."""
    shapes = {}
    async with system_context(city.platform, city.tenant, "test") as ctx:
        for place in ("grid", "sibling"):
            empty = dict.fromkeys(("min_lon_e7", "max_lon_e7", "min_lat_e7", "max_lat_e7"), 0)
            row = PlaceShape(place=city.places[place], geometry={}, source="entered", **empty)
            shapes[place] = (await ctx.data.insert(row)).id
        reader = (await ctx.data.find(Role, code="reader"))[0]
        values = {"account": city.accounts["worker"], "role": reader.id, "valid_from": LONG_AGO}
        await ctx.data.insert(Post(place_id=city.places["sibling"], **values))
    before = await traces(city)

    async def moved(place: str) -> Answer:
        call = Call(declaration(move), {}, target_id=shapes[place], key=place)
        who = city.identity("worker")
        return await execute(city.platform, city.tenant, who, call, Request())

    with pytest.raises(Denied) as refused:
        await moved("sibling")
    assert refused.value.code == "PERMISSION_DENIED"
    assert await traces(city) == before
    assert (await moved("grid")).values == {"done": True}


class Renamed(msgspec.Struct):
    """Input of a command of these tests."""

    name: str


@command("test.rename", permission="organisation.write", on="Organisation")
async def rename(ctx: Context, target: Organisation, wanted: Renamed) -> Moved:
    """Asks for nothing itself."""
    await ctx.data.update(target, name=wanted.name)
    return Moved()


async def test_what_the_whole_tenant_sees_is_changed_only_where_the_permission_is_held(
    database: Database,
) -> None:
    core = core_contribution()
    records = [
        replace(record, scope=(TenantWide(),)) if record.name == "Organisation" else record
        for record in core.records
    ]
    host = PluginHost(replace(core, records=tuple(records), commands=()), [])
    city = await build(Platform(database, host, open_store(database.settings)), "here")
    targets = {place: await some_organisation(city, place) for place in ("grid", "sibling")}

    async def renamed(who: str, place: str) -> Answer:
        call = Call(declaration(rename), {"name": "新名"}, target_id=targets[place], key=who)
        return await execute(city.platform, city.tenant, city.identity(who), call, Request())

    sql = "SELECT name FROM core.organisation WHERE id = $1"
    before = await traces(city)
    for who, place in (("worker", "sibling"), ("neighbour", "grid"), ("reader", "grid")):
        with pytest.raises(Denied) as refused:
            await renamed(who, place)
        assert refused.value.code == "PERMISSION_DENIED"
        assert await city.scalar(sql, targets[place]) == f"{place}-0"
    assert await traces(city) == before
    await renamed("worker", "grid")
    await renamed("root", "sibling")
    assert [await city.scalar(sql, target) for target in targets.values()] == ["新名", "新名"]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": 7.5}, "name"),
        ({"place_id": "not-an-id"}, "place_id"),
        ({"credit_code": "91350100M000100Y44"}, "creditCode"),
    ],
)
async def test_bad_input_names_its_field_and_leaves_nothing(
    city: City, values: dict[str, object], field: str
) -> None:
    before = await traces(city)

    with pytest.raises(Invalid) as refused:
        await city.run("worker", REGISTER, {**shop(city), **values}, key="k-1")

    assert refused.value.field == field
    assert await traces(city) == before


async def test_text_is_stored_in_nfc(city: City) -> None:
    decomposed = unicodedata.normalize("NFD", "Café 示范")
    answer = await city.run("worker", REGISTER, shop(city, name=decomposed))
    stored = await city.scalar("SELECT name FROM core.organisation WHERE id = $1", answer.row_id)
    assert stored == unicodedata.normalize("NFC", decomposed) != decomposed


async def test_a_row_that_moved_on_is_not_overwritten(city: City) -> None:
    target = await some_organisation(city, "grid")
    await city.run("worker", CHANGE, {"address": "先"}, target_id=target, expected_version=1)
    before = await traces(city)

    with pytest.raises(Conflict) as refused:
        await city.run("root", CHANGE, {"address": "后"}, target_id=target, expected_version=1)

    assert refused.value.code == "ROW_CHANGED"
    assert await traces(city) == before
    sql = "SELECT address FROM core.organisation WHERE id = $1"
    assert await city.scalar(sql, target) == "先"


async def test_an_account_of_another_city_is_nobody_here(city: City, other_city: City) -> None:
    before = await traces(city)
    city.accounts["stranger"] = other_city.accounts["root"]

    with pytest.raises(Unauthenticated) as refused:
        await city.run("stranger", REGISTER, shop(city))

    assert refused.value.code == "SESSION_ENDED"
    assert await traces(city) == before


async def test_a_suspended_city_takes_no_command_from_whoever_is_connected(city: City) -> None:
    async with city.platform.database.platform() as unit:
        sql = "UPDATE platform.tenant SET status = 'suspended' WHERE id = $1"
        await unit.execute(sql, city.tenant.id)
    city.platform.forget()
    before = await traces(city)

    with pytest.raises(Denied) as refused:
        await city.run("root", REGISTER, shop(city))

    assert refused.value.code == "TENANT_SUSPENDED"
    assert await traces(city) == before


@pytest.mark.commit
async def test_a_command_that_meets_a_lock_waits_or_says_so(city: City) -> None:
    hasty = city.platform.settings.model_copy(update={"lock_timeout_s": 0.6})
    async with open_database(hasty) as database:
        await meets_a_lock(replace(city, platform=assemble(database)))


async def meets_a_lock(city: City) -> None:
    target = await some_organisation(city, "grid")
    before = await traces(city)
    sql = "UPDATE core.organisation SET address = '别人' WHERE id = $1"
    async with city.platform.database.unit(city.tenant.id) as unit:
        await unit.execute(sql, target)
        # A context of its own: inside this one the command would join the open unit.
        blocked = contextvars.Context().run(
            asyncio.ensure_future, city.run("worker", CHANGE, {"address": "我"}, target_id=target)
        )
        with pytest.raises(Unavailable) as refused:
            await blocked
    assert (refused.value.code, refused.value.retryable) == ("DATABASE_CONTENTION", True)
    assert await traces(city) == before

    async with city.platform.database.unit(city.tenant.id) as unit:
        await unit.execute(sql, target)
        waiting = contextvars.Context().run(
            asyncio.ensure_future, city.run("worker", CHANGE, {"address": "我"}, target_id=target)
        )
        await asyncio.sleep(0.3)
    await waiting
    assert await city.scalar("SELECT address FROM core.organisation WHERE id = $1", target) == "我"
