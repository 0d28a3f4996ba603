"""Kept counts are exact: whatever is written, in whatever transactions, folded or not."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator

import pytest

from jingwei_core.database import Database, Unit, open_database
from jingwei_core.database.engine import connect
from jingwei_core.platform import assemble
from jingwei_core.registry import Registry
from jingwei_core.rollups import folding
from jingwei_core.rollups.cubes import Source
from jingwei_core.rollups.folding import fold_waiting
from jingwei_core.rollups.keeping import fold, rebuild
from tests.core.rollups.town import STATES, Town, build_town
from tests.servers.databases import NewDatabase


@pytest.fixture(scope="session")
async def rollup_database(new_database: NewDatabase) -> AsyncIterator[Database]:
    async with new_database() as settings, open_database(settings) as database:
        yield database


@pytest.fixture
async def town(rollup_database: Database) -> Town:
    return await build_town(rollup_database)


async def kept(unit: Unit, town: Town, path: str) -> int:
    """The count of all events at and below a place, as a reader adds it up."""
    value: int = await unit.fetchval(
        "SELECT coalesce((SELECT sum(n) FROM core.rollup WHERE cube = $1 AND path = $2), 0)"
        " + coalesce((SELECT sum(n) FROM core.rollup_delta WHERE source = $3"
        " AND path >= $2 AND path < left($2, -1) || '0'), 0)",
        town.source.cubes[0].id,
        path,
        town.source.id,
    )
    return value


class Roll(Exception):
    """Rolls a transaction back."""


async def some_work(town: Town, chance: random.Random, known: set[uuid.UUID]) -> None:
    """One transaction of a few statements, sometimes rolled back; ``known`` follows it."""
    added: set[uuid.UUID] = set()
    removed: set[uuid.UUID] = set()
    try:
        async with town.database.unit(town.id) as unit:
            for _ in range(chance.randrange(1, 4)):
                mine = sorted(known | added - removed)
                picked = chance.sample(mine, min(len(mine), chance.randrange(4)))
                what = chance.randrange(7)
                if what <= 1:
                    added |= set(await town.add(unit, chance, chance.choice((1, 1, 5))))
                elif what == 2:
                    await unit.execute("DELETE FROM core.event WHERE id = ANY($1)", picked)
                    removed |= set(picked)
                else:
                    await change(unit, town, chance, picked)
            if chance.random() < 0.25:
                raise Roll
    except Roll:
        return
    known |= added
    known -= removed


async def change(unit: Unit, town: Town, chance: random.Random, picked: list[uuid.UUID]) -> None:
    """Update some events in one of the ways that count or do not."""
    column, value = chance.choice(
        [
            ("state", chance.choice(STATES)),
            ("kind", chance.choice(town.kinds)),
            ("assigned_department", chance.choice([None, *town.departments])),
            ("place_id", chance.choice(list(town.places.values()))),
            ("title", "another"),
        ]
    )
    await unit.execute(f"UPDATE core.event SET {column} = $1 WHERE id = ANY($2)", value, picked)


@pytest.mark.parametrize("seed", range(6))
async def test_counts_equal_the_rows_after_any_transactions(town: Town, seed: int) -> None:
    chance, known = random.Random(seed), set[uuid.UUID]()
    for _ in range(25):
        # Each transaction has its own events, so that none waits for another's row lock.
        parts = [set(part) for part in (sorted(known)[::2], sorted(known)[1::2])]
        folding = [some_fold(town)] if chance.random() < 0.5 else []
        await asyncio.gather(*(some_work(town, chance, part) for part in parts), *folding)
        known = parts[0] | parts[1]
        assert await town.wrong() == []
        async with town.database.unit(town.id) as unit:
            assert await kept(unit, town, "/1/") == len(known)
            at = chance.choice(list(town.places))
            rows = "SELECT count(*) FROM core.event WHERE starts_with(place_path, $1)"
            assert await kept(unit, town, at) == await unit.fetchval(rows, at)


async def some_fold(town: Town) -> None:
    async with town.database.unit(town.id) as unit:
        await fold(unit, [town.source])


async def test_a_reader_sees_the_same_figure_before_during_and_after_a_fold(town: Town) -> None:
    async with town.database.unit(town.id) as unit:
        await town.add(unit, random.Random(1), 300)
    async with town.database.unit(town.id) as folding:
        assert await fold(folding, [town.source]) == 300
        async with asyncio.TaskGroup() as tasks:
            seen = tasks.create_task(other_sees(town))
        assert seen.result() == 300
    assert await other_sees(town) == 300
    async with town.database.unit(town.id) as unit:
        assert await unit.fetchval("SELECT count(*) FROM core.rollup_delta") == 0
        assert await kept(unit, town, "/") == 300


async def other_sees(town: Town) -> int:
    connection = await connect(town.database.url)
    try:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL app.tenant = '{town.id}'")
            return await kept(connection, town, "/1/")
    finally:
        await connection.close()


async def test_much_that_waits_is_folded_beside_the_work_and_little_is_left(
    rollup_database: Database,
) -> None:
    platform = assemble(rollup_database)
    busy, quiet = await build_town(rollup_database), await build_town(rollup_database)
    for town, count in ((busy, 250), (quiet, 20)):
        async with rollup_database.unit(town.id) as unit:
            await town.add(unit, random.Random(8), count)
    assert await fold_waiting(platform) >= 250
    for town, left in ((busy, 0), (quiet, 20)):
        async with rollup_database.unit(town.id) as unit:
            waiting = "SELECT count(*) FROM core.rollup_delta WHERE source = $1"
            assert await unit.fetchval(waiting, town.source.id) == left
        assert await town.wrong() == []


async def test_a_tenant_that_cannot_be_folded_keeps_no_other_waiting(
    rollup_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform = assemble(rollup_database)
    towns = [await build_town(rollup_database) for _ in range(3)]
    unknown, broken, whole = sorted(towns, key=lambda town: town.id)
    for town in towns:
        async with rollup_database.unit(town.id) as unit:
            await town.add(unit, random.Random(9), 30)

    async def folded(unit: Unit, sources: list[Source], parts: int) -> int:
        if unit.tenant == broken.id:
            raise TimeoutError
        return await fold(unit, sources, parts)

    known = platform.registry

    async def registry(tenant: uuid.UUID) -> Registry:
        if tenant == unknown.id:
            raise TimeoutError
        return await known(tenant)

    monkeypatch.setattr(folding, "fold", folded)
    monkeypatch.setattr(platform, "registry", registry)
    with pytest.raises(ExceptionGroup, match="not folded") as told:
        await fold_waiting(platform, least=30)
    assert len(told.value.exceptions) > 1
    for town, left in ((unknown, 30), (broken, 30), (whole, 0)):
        async with rollup_database.unit(town.id) as unit:
            assert await unit.fetchval("SELECT count(*) FROM core.rollup_delta") == left


async def test_readers_keep_to_the_index_when_all_was_folded_and_vacuumed(
    new_database: NewDatabase,
) -> None:
    async with new_database() as settings, open_database(settings) as database:
        admin = await connect(str(settings.database_url))
        try:
            await admin.execute(
                "INSERT INTO core.rollup_delta (tenant_id, source, path, d, n)"
                " SELECT core.uuid7(), 'busy', '/1/', '{}', 1 FROM generate_series(1, 2000)"
            )
            await admin.execute("DELETE FROM core.rollup_delta")
            await admin.execute("VACUUM core.rollup_delta")
        finally:
            await admin.close()
        async with database.unit(uuid.uuid4()) as unit:
            lines = await unit.fetch(
                "EXPLAIN SELECT n FROM core.rollup_delta"
                " WHERE source = 'busy' AND path >= '/1/' AND path < '/10'"
            )
    assert "Seq Scan" not in str([line[0] for line in lines])


async def test_a_moved_place_takes_its_counts_along(town: Town) -> None:
    async with town.database.unit(town.id) as unit:
        await town.add(unit, random.Random(2), 60)
        await fold(unit, [town.source])
        below = await kept(unit, town, "/1/2/")
        await unit.execute(
            "UPDATE core.place SET path = '/1/22/2/' || substr(path, 6) WHERE path ^@ '/1/2/'"
        )
        assert await kept(unit, town, "/1/2/") == 0
        assert await kept(unit, town, "/1/22/2/") == below > 0
    assert await town.wrong() == []


async def test_days_follow_the_time_zone_of_the_tenant(town: Town) -> None:
    async with town.database.unit(town.id) as unit:
        await town.add(unit, random.Random(3), 50)
        await fold(unit, [town.source])
    before = await days(town)
    async with town.database.platform() as unit:
        await unit.execute(
            "UPDATE platform.tenant SET timezone = 'America/Los_Angeles' WHERE id = $1", town.id
        )
    assert await town.wrong() == []
    assert await days(town) != before


async def days(town: Town) -> list[str]:
    async with town.database.unit(town.id) as unit:
        rows = await unit.fetch(
            "SELECT d[2] AS day, n FROM core.rollup WHERE cube = $1 AND path = '/' ORDER BY 1, 2",
            town.source.cubes[2].id,
        )
    return [f"{row['day']} {row['n']}" for row in rows]


async def test_rebuilding_mends_what_went_past_the_triggers(town: Town) -> None:
    async with town.database.unit(town.id) as unit:
        await town.add(unit, random.Random(4), 40)
        await fold(unit, [town.source])
    async with town.database.owner() as unit:
        await unit.execute("UPDATE core.rollup SET n = n + 1 WHERE tenant_id = $1", town.id)
    assert await town.wrong()
    async with town.database.unit(town.id) as unit:
        await rebuild(unit, town.source)
    assert await town.wrong() == []


async def test_whoever_writes_while_counts_are_rebuilt_is_counted(town: Town) -> None:
    async with town.database.unit(town.id) as unit:
        await town.add(unit, random.Random(5), 20)
    late = await connect(town.database.url)
    try:
        async with late.transaction():
            await late.execute(f"SET LOCAL app.tenant = '{town.id}'")
            await late.execute("DELETE FROM core.event WHERE kind = $1", town.kinds[0])
            async with town.database.unit(town.id) as unit:
                await rebuild(unit, town.source)
    finally:
        await late.close()
    assert await town.wrong() == []


async def test_a_neighbour_is_not_counted(town: Town, rollup_database: Database) -> None:
    neighbour = await build_town(rollup_database)
    async with rollup_database.unit(neighbour.id) as unit:
        await neighbour.add(unit, random.Random(6), 10)
    async with rollup_database.unit(town.id) as unit:
        await town.add(unit, random.Random(7), 3)
        assert await kept(unit, town, "/") == 3
        assert await fold(unit, [town.source]) == 3
        assert await kept(unit, town, "/") == 3
        await rebuild(unit, town.source)
    assert await neighbour.wrong() == []


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE core.rollup SET n = 0",
        "DELETE FROM core.rollup_delta",
        "INSERT INTO core.rollup_delta (source, path, d, n) VALUES ('x', '/', '{}', 1)",
        "SELECT core.rollup_rezone()",
    ],
)
async def test_the_application_cannot_change_a_count(database: Database, sql: str) -> None:
    with pytest.raises(Exception, match="permission denied"):
        async with database.unit(uuid.uuid4()) as unit:
            await unit.execute(sql)
