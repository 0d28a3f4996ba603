"""A payload comes with its command where it is small, and after the commit where it is not."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from jingwei_api.execution.errors import ErrorTexts
from jingwei_api.execution.executor import Executor
from jingwei_api.execution.operation import Caller, Document, Runtime
from jingwei_api.planning.reads import Reads
from jingwei_api.schema import global_id
from jingwei_api.settings import ApiSettings
from jingwei_core.database import Database, open_database
from jingwei_core.database.along import ANSWER, Along, PooledConnection
from jingwei_core.database.expressions import Expression
from jingwei_core.session import Request
from tests.core.events.city import GRID, POTHOLE, City, build_city
from tests.core.events.frozen_platform import frozen_platform
from tests.servers.databases import NewDatabase
from tests.servers.round_trips import round_trips

SMALL = "event { id number state place { id name } __typename } replayed"
LONG = "event { number steps(first: 2) { edges { node { action } } } }"


@pytest.fixture(scope="module")
async def payload_database(new_database: NewDatabase) -> AsyncIterator[Database]:
    async with new_database() as settings, open_database(settings) as database:
        yield database


@pytest.fixture
async def city(payload_database: Database) -> City:
    return await build_city(frozen_platform(payload_database))


@pytest.fixture
def executor(city: City) -> Executor:
    # Changes of other processes and waiting commits have no part in these tests.
    runtime = Runtime(city.platform, cast(Any, None), cast(Any, None))
    return Executor(runtime, ApiSettings(), ErrorTexts(city.platform.catalogue))


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The reads that did not go with a command."""
    made: list[Any] = []
    read = Reads.read

    async def noted(reads: Reads, *asked: Any) -> Any:
        made.append(asked)
        return await read(reads, *asked)

    monkeypatch.setattr(Reads, "read", noted)
    return made


async def report(
    executor: Executor, city: City, payload: str, login: str = "worker", **given: Any
) -> Any:
    caller = Caller(city.tenant, city.identity(login), Request("zh", "test"))
    key = given.pop("key", secrets.token_hex(8))
    place = global_id.encode("Place", city.places[GRID])
    told = {"kind": POTHOLE, "title": "坑'\\\"；", "placeId": place, **given}
    document = f"""mutation($input: EventReportInput!, $key: String!) {{
        eventReport(input: $input, idempotencyKey: $key) {{ {payload} }} }}"""
    return (await executor.run(caller, Document(document, {"input": told, "key": key}))).body


async def test_a_small_payload_comes_in_the_trip_of_the_command(
    executor: Executor, city: City, apart: list[Any]
) -> None:
    for _ in range(2):
        await report(executor, city, SMALL)
    apart.clear()
    with round_trips() as trips:
        answer = await report(executor, city, SMALL)
    assert len(await trips.settled()) == 1
    assert apart == []
    (row,) = await city.fetch("SELECT id, number FROM core.event ORDER BY number DESC LIMIT 1")
    assert answer["data"]["eventReport"] == {
        "event": {
            "id": global_id.encode("Event", row["id"]),
            "number": "20261123-000003",
            "state": "registered",
            "place": {
                "id": global_id.encode("Place", city.places[GRID]),
                "name": await city.value("SELECT name FROM core.place WHERE path = $1", GRID),
            },
            "__typename": "Event",
        },
        "replayed": False,
    }


async def test_what_is_read_apart_says_the_same(
    executor: Executor, city: City, apart: list[Any]
) -> None:
    await report(executor, city, SMALL)
    apart.clear()
    key = secrets.token_hex(8)
    along = await report(executor, city, SMALL, key=key)
    assert apart == []
    again = await report(executor, city, SMALL, key=key)
    told = along["data"]["eventReport"]
    assert again["data"]["eventReport"] == {**told, "replayed": True}


async def test_a_payload_with_lists_is_read_after_the_commit(
    executor: Executor, city: City, apart: list[Any]
) -> None:
    await report(executor, city, LONG)
    apart.clear()
    answer = await report(executor, city, LONG)
    assert len(apart) == 1
    (edge,) = answer["data"]["eventReport"]["event"]["steps"]["edges"]
    assert edge["node"]["action"] == "report"


async def test_a_read_that_fails_leaves_the_command_done(
    executor: Executor, city: City, apart: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(connection: PooledConnection, read: Along) -> Expression:
        return Expression(f"NULL::bytea AS {ANSWER}")

    await report(executor, city, SMALL)
    apart.clear()
    monkeypatch.setattr(PooledConnection, "along", fails)
    answer = await report(executor, city, SMALL)
    assert answer["data"]["eventReport"]["event"]["number"] == "20261123-000002"
    assert len(apart) == 1


async def test_reports_at_once_are_each_told_their_own_event(
    executor: Executor, city: City
) -> None:
    answers = await asyncio.gather(
        *(report(executor, city, SMALL, title=f"第{at}处") for at in range(24))
    )
    numbers = [answer["data"]["eventReport"]["event"]["number"] for answer in answers]
    assert sorted(numbers) == [f"20261123-{at:06}" for at in range(1, 25)]


async def test_a_reporter_who_may_not_read_it_is_told_no_more_than_by_a_query(
    executor: Executor, city: City, apart: list[Any]
) -> None:
    may = "UPDATE core.role SET permissions = '{event.report,place.read}' WHERE code = 'worker'"
    await city.fetch(may)
    await report(executor, city, SMALL)
    apart.clear()
    key = secrets.token_hex(8)
    along = await report(executor, city, SMALL, key=key)
    assert apart == []
    again = await report(executor, city, SMALL, key=key)
    assert along["data"]["eventReport"]["event"] == again["data"]["eventReport"]["event"]
    assert along.get("errors") == again.get("errors")
    assert await city.value("SELECT count(*) FROM core.event") == 2
