"""The audit chain: a row changed, removed or inserted behind its back is found."""

import asyncio
import contextvars
import json
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, cast

import asyncpg
import pytest

from jingwei_core.audit.chain import Verdict, verify_chain
from jingwei_core.database.engine import Database
from jingwei_core.database.unit import Unit
from tests.fixtures.command_line import CommandLine
from tests.tenants.listing import list_tenant

CITY = uuid.UUID("00000000-0000-7000-8000-00000000000a")
NEIGHBOUR = uuid.UUID("00000000-0000-7000-8000-00000000000b")
AT = datetime(2026, 11, 22, 1, 2, 3, 456789, tzinfo=UTC)


async def append(unit: Unit, command: str, changes: object = ()) -> int:
    return int(
        await unit.fetchval(
            "SELECT core.audit_append($1, 'account', $2, '网格员·01', $3, 'r-1', $4, '/1/', $5)",
            AT,
            uuid.UUID(int=7),
            command,
            None,
            json.dumps(changes),
        )
    )


async def three_rows(database: Database) -> None:
    async with database.unit(CITY) as unit:
        sequences = [
            await append(unit, "event.report", [{"after": {"title": "坑\x1f洞", "n": 1.50}}]),
            await append(unit, "event.file"),
            await append(unit, "event.close"),
        ]
    assert sequences == [1, 2, 3]


async def verdict(database: Database, tenant: uuid.UUID = CITY) -> Verdict:
    async with database.unit(tenant) as unit:
        return await verify_chain(unit)


async def behind_its_back(database: Database, sql: str) -> None:
    """As the owner of the tables, who can do what the application cannot."""
    async with database.owner() as unit:
        await unit.execute(sql)


@pytest.mark.commit
async def test_an_untouched_chain_is_intact_and_its_head_is_told(database: Database) -> None:
    await three_rows(database)

    found = await verdict(database)

    assert (found.rows, found.broken_at) == (3, None)
    async with database.unit(CITY) as unit:
        last = await unit.fetchval("SELECT hash FROM core.audit_entry WHERE sequence = 3")
    assert found.head == last


@pytest.mark.commit
@pytest.mark.parametrize(
    ("sql", "broken_at"),
    [
        ("UPDATE core.audit_entry SET actor_name = '他人' WHERE sequence = 2", 2),
        ("UPDATE core.audit_entry SET changes = '[]' WHERE sequence = 1", 1),
        ("UPDATE core.audit_entry SET at = at + interval '1 microsecond' WHERE sequence = 3", 3),
        ("DELETE FROM core.audit_entry WHERE sequence = 2", 2),
        ("DELETE FROM core.audit_entry WHERE sequence = 3", 3),
        ("DELETE FROM core.audit_head", 3),
        (
            "UPDATE core.audit_entry SET sequence = 5 - sequence WHERE sequence = 1;"
            "UPDATE core.audit_entry SET sequence = 1 WHERE sequence = 3",
            1,
        ),
    ],
)
async def test_a_change_behind_its_back_is_found(
    database: Database, sql: str, broken_at: int
) -> None:
    await three_rows(database)
    async with database.owner() as unit:
        await unit.execute("ALTER TABLE core.audit_entry DROP CONSTRAINT IF EXISTS no_such")
        for statement in sql.split(";"):
            await unit.execute(
                statement
                if "5 - sequence" not in statement
                else "UPDATE core.audit_entry SET sequence = 99 WHERE sequence = 1"
            )

    assert (await verdict(database)).broken_at == broken_at


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO core.audit_entry (sequence, at, actor_kind, command, changes, previous, hash)"
        " VALUES (9, now(), 'system', 'x', '[]', '', '')",
        "UPDATE core.audit_entry SET command = 'x'",
        "DELETE FROM core.audit_entry",
        "UPDATE core.audit_head SET sequence = 0",
        "DELETE FROM core.audit_head",
    ],
)
async def test_the_application_can_only_append(database: Database, sql: str) -> None:
    await three_rows(database)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.unit(CITY) as unit:
            await unit.execute(sql)

    assert (await verdict(database)).rows == 3


async def test_chains_of_two_tenants_do_not_touch(database: Database) -> None:
    await three_rows(database)
    async with database.unit(NEIGHBOUR) as unit:
        assert await append(unit, "event.report") == 1

    assert (await verdict(database)).rows == 3
    assert (await verdict(database, NEIGHBOUR)).rows == 1


class Overtaken:
    """A unit for which something else commits between any two statements."""

    def __init__(self, unit: Unit, meanwhile: Callable[[], Awaitable[None]]) -> None:
        self._unit = unit
        self._meanwhile = meanwhile

    async def fetch(self, sql: str, *args: object) -> Any:
        found = await self._unit.fetch(sql, *args)
        # A context of its own: inside this one a unit would be a savepoint of the checking one.
        await asyncio.create_task(self._meanwhile(), context=contextvars.Context())
        return found

    async def fetchrow(self, sql: str, *args: object) -> Any:
        return (await self.fetch(sql, *args) or [None])[0]


@pytest.mark.commit
@pytest.mark.parametrize("batch", [2, 3, 1000])
async def test_rows_that_arrive_during_the_check_are_no_fault(
    database: Database, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    await three_rows(database)
    monkeypatch.setattr("jingwei_core.audit.chain._BATCH", batch)
    written = 3

    async def report() -> None:
        nonlocal written
        if written < 8:
            async with database.unit(CITY) as unit:
                written = await append(unit, "event.report")

    async with database.unit(CITY) as unit:
        found = await verify_chain(cast("Unit", Overtaken(unit, report)))

    assert found.reason == ""
    assert found.broken_at is None
    assert found.rows >= 3
    assert written > 3


@pytest.mark.commit
async def test_a_head_noted_earlier_must_be_in_the_chain(
    database: Database, jingwei: CommandLine
) -> None:
    await three_rows(database)
    async with database.owner() as unit:
        await list_tenant(unit, "noted", tenant_id=CITY)
    head = (await verdict(database)).head

    found = await jingwei(database.settings, "audit", "verify", "noted", "--head", head)
    lost = await jingwei(database.settings, "audit", "verify", "noted", "--head", "0" * 64)

    assert (found.code, found.out) == (0, f"noted: 完整 intact, 3 rows, head {head}\n")
    assert (lost.code, lost.out) == (
        1,
        "noted: 已被篡改 BROKEN: the noted head is not in the chain\n",
    )
