"""What the finaliser does for roll-ups: from the declarations alone, once, and back again."""

import random
from dataclasses import replace

import pytest

from jingwei_core.database import Database, Unit
from jingwei_core.database.migration_apps import installed_apps
from jingwei_core.database.security import secure
from jingwei_core.database.security_check import violations
from jingwei_core.database.security_rules import Rules, rules_for
from jingwei_core.events.records import EVENT
from jingwei_core.rollups.cubes import source_of, sources_of
from jingwei_sdk.figures import Rollup
from tests.core.rollups.town import build_town

_TRIGGERS = (
    "SELECT g.tgname::text FROM pg_trigger g WHERE g.tgname ^@ 'jingwei_rollup_'"
    " AND g.tgrelid = $1::regclass ORDER BY 1"
)


def rules(database: Database) -> Rules:
    apps = installed_apps()
    tables = [table for app in apps for table in app.tables]
    records = [record for app in apps for record in app.records]
    return rules_for(database.settings, tables, [app.name for app in apps], records)


async def names(unit: Unit, table: str) -> list[str]:
    return [row["tgname"] for row in await unit.fetch(_TRIGGERS, table)]


@pytest.mark.commit
async def test_counts_come_and_go_with_their_declaration(database: Database) -> None:
    town = await build_town(database)
    async with database.unit(town.id) as unit:
        await town.add(unit, random.Random(1), 25)
    asked = rules(database)
    async with database.owner() as unit:
        assert await secure(unit, asked) == []
        none = replace(asked, sources=())
        assert await secure(unit, none)
        assert await names(unit, "core.event") == []
        assert await unit.fetchval("SELECT count(*) FROM core.rollup") == 0
        assert await unit.fetchval("SELECT count(*) FROM core.rollup_delta") == 0
        assert await secure(unit, none) == []
        assert await violations(unit, none) == []
        assert await secure(unit, asked)
    assert await town.wrong() == []
    async with database.unit(town.id) as unit:
        assert await unit.fetchval("SELECT count(*) FROM core.rollup") > 0
        assert await unit.fetchval("SELECT count(*) FROM core.rollup_delta") == 0


@pytest.mark.commit
async def test_a_changed_declaration_is_counted_anew(database: Database) -> None:
    town = await build_town(database)
    async with database.unit(town.id) as unit:
        await town.add(unit, random.Random(2), 25)
    asked = rules(database)
    changed = source_of(replace(EVENT, rollups=(Rollup(("source", "state")),)))
    assert changed is not None
    others = tuple(source for source in asked.sources if source.table != ("core", "event"))
    async with database.owner() as unit:
        await secure(unit, replace(asked, sources=(*others, changed)))
        triggers = await names(unit, "core.event")
        assert triggers == sorted(
            f"jingwei_rollup_{changed.id}_{what}" for what in ("added", "changed", "removed")
        )
        total = "SELECT sum(n) FROM core.rollup WHERE cube = $1 AND path = '/'"
        assert await unit.fetchval(total, changed.cubes[0].id) == 25
        cubes = "SELECT DISTINCT left(cube, 8) AS c FROM core.rollup WHERE tenant_id = $1"
        kept = {row["c"] for row in await unit.fetch(cubes, town.id)}
        assert kept == {changed.id}


async def test_a_trigger_that_was_taken_away_is_a_breach(kept_database: Database) -> None:
    asked = rules(kept_database)
    source = next(s for s in asked.sources if s.table == ("safety_production", "hazard"))
    async with kept_database.owner() as unit:
        await unit.execute("SAVEPOINT before; RESET ROLE")
        await unit.execute(
            f"DROP TRIGGER jingwei_rollup_{source.id}_changed ON safety_production.hazard"
        )
        found = await violations(unit, asked)
        await unit.execute("ROLLBACK TO before")
    assert any(f"jingwei_rollup_{source.id}_changed" in line for line in found)


def test_a_source_has_one_name_whoever_asks_and_another_when_it_says_another_thing() -> None:
    first, again = source_of(EVENT), source_of(replace(EVENT, filters=()))
    assert first is not None
    assert first == again
    other = source_of(replace(EVENT, rollups=EVENT.rollups[:1]))
    assert other is not None
    assert other.id != first.id
    assert sources_of([EVENT, replace(EVENT, name="Bare", rollups=())]) == (first,)
