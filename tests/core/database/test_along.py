"""A read goes with the statement of a command and sees what that has written; turns."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from jingwei_core.database import Database
from jingwei_core.database.along import KEPT, Along
from jingwei_core.database.expressions import Expression
from jingwei_core.database.reading import bound_trip, tenant_parameter
from jingwei_core.database.turns import LONG_S, Turns

OURS, THEIRS = uuid.UUID(int=1), uuid.UUID(int=2)
NOTHING = Expression("core.changes_told({text}, {text[]})", ("nobody", []))
WAITS = Expression("core.message_waits({uuid}, {text}, {text})")
TEXT = "(SELECT channel FROM core.outbox_message WHERE id = $2)"
ODD = "a'b\\c\"d;--\n$1 {x} 坑"


async def answer(
    database: Database, read: Along, *calls: Expression, tenant: uuid.UUID = OURS
) -> bytes | None:
    async with database.late_unit(tenant, [NOTHING]) as unit:
        unit.call_at_the_end(calls)
        unit.reads_along(read)
    return unit.answer


def said(expression: str, *values: object, tenant: uuid.UUID = OURS) -> Along:
    return Along(bound_trip(expression), (tenant_parameter(tenant), *values))


@pytest.mark.commit
async def test_it_sees_what_was_written_by_the_same_statement(database: Database) -> None:
    row = uuid.uuid4()
    call = Expression(WAITS.text, (row, ODD, "{}"))
    assert await answer(database, said(TEXT, row), call) == ODD.encode()
    assert await answer(database, said(TEXT, row)) == ODD.encode()


@pytest.mark.commit
async def test_it_sees_only_its_tenant(database: Database) -> None:
    row = uuid.uuid4()
    await answer(database, said("1"), Expression(WAITS.text, (row, "x", "{}")))
    theirs = said(TEXT, row, tenant=THEIRS)
    assert await answer(database, theirs, tenant=THEIRS) is None


@pytest.mark.commit
@pytest.mark.parametrize(
    "values",
    [
        (ODD, None, 1, 2**62, True, [uuid.UUID(int=3)], b"\x00'\\"),
        ("", "", -1, 0, False, [], b""),
    ],
)
async def test_values_come_as_they_were_given(database: Database, values: tuple[Any, ...]) -> None:
    types = ("text", "text", "int4", "int8", "boolean", "uuid[]", "bytea")
    marks = ", ".join(f"${at}::{kind}" for at, kind in enumerate(types, 2))
    read = said(f"jsonb_build_array({marks})", *values)
    for _ in range(2):
        along = await answer(database, read)
        assert along is not None
        assert along == await database.ask(OURS, read.sql, values)


@pytest.mark.commit
@pytest.mark.parametrize(
    "wrong", ["1 / $2::int", "(SELECT nothing FROM core.nowhere WHERE $2 = 0)"]
)
async def test_a_read_that_fails_undoes_nothing(database: Database, wrong: str) -> None:
    row = uuid.uuid4()
    call = Expression(WAITS.text, (row, "kept", "{}"))
    assert await answer(database, said(wrong, 0), call) is None
    assert await answer(database, said(TEXT, row)) == b"kept"


@pytest.mark.commit
async def test_a_session_keeps_few_of_them(database: Database) -> None:
    for at in range(KEPT * 2):
        assert await answer(database, said(f"{at} + $2::int", 1)) == str(at + 1).encode()
    async with database.unit(OURS) as unit:
        kept = await unit.fetchval(
            "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '% + $2::int%'"
        )
    assert KEPT <= kept <= KEPT + 2


@asynccontextmanager
async def running(turns: Turns, now: list[int]) -> AsyncIterator[None]:
    async with turns():
        now[0] += 1
        now[1] = max(now)
        try:
            yield
        finally:
            now[0] -= 1


async def test_so_many_have_their_turn_at_once() -> None:
    turns, now = Turns(3), [0, 0]

    async def one() -> None:
        async with running(turns, now):
            await asyncio.sleep(0.001)

    await asyncio.gather(*(one() for _ in range(20)))
    assert now == [0, 3]


async def test_one_that_takes_long_makes_room_and_one_that_is_cancelled_gives_back() -> None:
    turns, now, never = Turns(1), [0, 0], asyncio.Event()

    async def one() -> None:
        async with running(turns, now):
            await never.wait()

    waiting = [asyncio.create_task(one()) for _ in range(3)]
    await asyncio.sleep(LONG_S * 2.5)
    assert now[0] >= 2
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    async with asyncio.timeout(1), running(turns, now):
        assert now[0] == 1


@pytest.mark.commit
async def test_whoever_says_something_first_gives_its_turn_away(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LONG_S", "_PATIENCE_S"):
        monkeypatch.setattr(f"jingwei_core.database.turns.{name}", 60)
    everybody = database.settings.read_lanes + 2
    met = asyncio.Barrier(everybody)

    async def one() -> None:
        async with database.late_unit(OURS, [NOTHING]) as unit:
            await unit.fetchval("SELECT 1")
            await met.wait()

    async with asyncio.timeout(20):
        await asyncio.gather(*(one() for _ in range(everybody)))
