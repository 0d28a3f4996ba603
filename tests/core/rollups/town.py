"""A tenant with a deep place tree and events written straight into the table."""

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from jingwei_core.database import Database, Unit
from jingwei_core.events.records import EVENT
from jingwei_core.rollups.cubes import Source, source_of
from jingwei_core.rollups.keeping import differences

PATHS = ("/1/", "/1/2/", "/1/22/", "/1/2/3/", "/1/2/33/", "/1/22/3/")
STATES = ("registered", "dispatched", "closed")
START = datetime(2026, 11, 1, 15, 30, tzinfo=UTC)

_EVENT = (
    "INSERT INTO core.event (tenant_id, id, number, kind, workflow, state, title, place_id,"
    " reporter, assigned_department, state_since, created_at)"
    " SELECT tenant_id, id, id::text, kind, workflow, state, 'x', place, reporter, department,"
    " created, created FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[],"
    " $6::uuid[], $7::uuid[], $8::uuid[], $9::timestamptz[]) AS"
    " e(tenant_id, id, kind, workflow, state, place, reporter, department, created)"
)


@dataclass
class Town:
    """What events refer to, by name or path."""

    database: Database
    id: uuid.UUID
    places: dict[str, uuid.UUID] = field(default_factory=dict)
    kinds: list[uuid.UUID] = field(default_factory=list)
    departments: list[uuid.UUID] = field(default_factory=list)
    accounts: list[uuid.UUID] = field(default_factory=list)
    workflow: uuid.UUID = field(default_factory=uuid.uuid4)

    @property
    def source(self) -> Source:
        """What is kept of events."""
        found = source_of(EVENT)
        assert found is not None
        return found

    async def add(self, unit: Unit, chance: random.Random, count: int) -> list[uuid.UUID]:
        """Insert ``count`` events by one statement."""
        ids = [uuid.uuid4() for _ in range(count)]
        await unit.execute(
            _EVENT,
            [self.id] * count,
            ids,
            [chance.choice(self.kinds) for _ in ids],
            [self.workflow] * count,
            [chance.choice(STATES) for _ in ids],
            [chance.choice(list(self.places.values())) for _ in ids],
            [chance.choice(self.accounts) for _ in ids],
            [chance.choice([None, *self.departments]) for _ in ids],
            [START + timedelta(minutes=chance.randrange(20_000)) for _ in ids],
        )
        return ids

    async def wrong(self) -> Sequence[Any]:
        """Where kept counts and rows differ."""
        async with self.database.unit(self.id) as unit:
            return await differences(unit, self.source)


async def build_town(database: Database, zone: str = "Asia/Shanghai") -> Town:
    """A town without events."""
    town = Town(database, uuid.uuid4())
    async with database.platform() as unit:
        await unit.execute(
            "INSERT INTO platform.tenant (id, slug, name, timezone) VALUES ($1, $2, 'x', $3)",
            town.id,
            f"t-{town.id.hex[:12]}",
            zone,
        )
    async with database.unit(town.id) as unit:
        for ordinal, path in enumerate(PATHS, 1):
            town.places[path] = await unit.fetchval(
                "INSERT INTO core.place (parent, level, ordinal, path, name, valid_from)"
                " VALUES ($1, 'any', $2, $3, $3, '2026-01-01') RETURNING id",
                town.places.get(path[: path.rstrip("/").rfind("/") + 1]),
                ordinal,
                path,
            )
        for name in ("a", "b", "c"):
            town.kinds.append(
                await unit.fetchval(
                    "INSERT INTO core.event_kind (code, name) VALUES ($1, $1) RETURNING id", name
                )
            )
            town.departments.append(
                await unit.fetchval(
                    "INSERT INTO core.department (code, name) VALUES ($1, $1) RETURNING id", name
                )
            )
            town.accounts.append(
                await unit.fetchval(
                    "INSERT INTO core.account (login, name) VALUES ($1, $1) RETURNING id", name
                )
            )
        town.workflow = await unit.fetchval(
            "INSERT INTO core.workflow (code, digest, definition) VALUES ('w', 'd', '{}')"
            " RETURNING id"
        )
    return town
