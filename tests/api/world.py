"""Two cities of the same shape and logins, and a plugin that only one of them has enabled."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from jingwei_core.platform import Platform
from jingwei_core.plugins.host import Installed
from jingwei_core.registers.tables import Organisation
from jingwei_sdk.context import Context
from jingwei_sdk.plugin import Manifest, Plugin
from jingwei_sdk.records import AtPlace, Computed, Extension, Many, Record
from tests.api.client import PASSWORD
from tests.tenants.listing import list_tenant

_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
ROOT, GRID, SIBLING = "/1/", "/1/101/", "/1/1011/"
PLACES = {ROOT: "city", GRID: "grid", SIBLING: "grid"}
ROLES = {
    "worker": ["place.read", "organisation.read", "event.read", "staff.read"],
    "chief": ["*"],
}
ORGANISATIONS = 25
_STAFF = {"worker": GRID, "chief": ROOT, "idle": GRID, "leaving": GRID, "quiet": GRID}


@dataclass
class City:
    """A tenant of the tests: ids by path, login and role."""

    platform: Platform
    id: uuid.UUID
    slug: str
    places: dict[str, uuid.UUID] = field(default_factory=dict)
    accounts: dict[str, uuid.UUID] = field(default_factory=dict)
    organisations: list[uuid.UUID] = field(default_factory=list)

    async def value(self, sql: str, *args: object) -> Any:
        async with self.platform.database.unit(self.id) as unit:
            return await unit.fetchval(sql, *args)


@dataclass(frozen=True)
class World:
    """The city of most tests and its neighbour."""

    yichang: City
    changzhi: City


async def build_world(platform: Platform) -> World:
    """Both cities; the plugin ``proof`` is enabled in 宜昌."""
    cities = [await _build(platform, slug) for slug in ("yichang", "changzhi")]
    async with platform.database.owner() as unit:
        await unit.execute(
            "INSERT INTO platform.plugin_state (tenant_id, plugin_id, enabled)"
            " VALUES ($1, 'proof', true)",
            cities[0].id,
        )
    platform.forget()
    return World(*cities)


async def _build(platform: Platform, slug: str) -> City:
    async with platform.database.owner() as unit:
        city = City(platform, (await list_tenant(unit, slug)).id, slug)
    for ordinal, (path, level) in enumerate(PLACES.items()):
        city.places[path] = await city.value(
            "INSERT INTO core.place"
            " (parent, level, ordinal, path, depth, name, search_text, valid_from)"
            " VALUES ($1, $2, $3, $4, $5, $6, $6, '2026-01-01') RETURNING id",
            None if path == ROOT else city.places[ROOT],
            level,
            ordinal,
            path,
            path.count("/") - 2,
            f"{slug}{path}",
        )
    for login, path in _STAFF.items():
        role = login if login in ROLES else "worker"
        await _staff(city, login, role, path)
    for number in range(ORGANISATIONS):
        city.organisations.append(await add_organisation(city, number, GRID))
    await add_organisation(city, 900, SIBLING)
    return city


async def _staff(city: City, login: str, role: str, path: str) -> None:
    role_id = await city.value(
        "INSERT INTO core.role (code, name, permissions) VALUES ($1, $1, $2)"
        " ON CONFLICT (tenant_id, code) DO UPDATE SET name = excluded.name RETURNING id",
        role,
        ROLES[role],
    )
    city.accounts[login] = await city.value(
        "INSERT INTO core.account (login, name, password_hash) VALUES ($1, $2, $3) RETURNING id",
        login,
        f"{city.slug} {login}",
        _HASH,
    )
    await city.value(
        "INSERT INTO core.post (account, role, place_id, is_primary, valid_from)"
        " VALUES ($1, $2, $3, true, $4) RETURNING id",
        city.accounts[login],
        role_id,
        city.places[path],
        BEGINNING,
    )


async def add_organisation(city: City, number: int, path: str) -> uuid.UUID:
    row_id: uuid.UUID = await city.value(
        "INSERT INTO core.organisation (name, kind, place_id, search_text)"
        " VALUES ($1, $2, $3, $1) RETURNING id",
        f"{city.slug} {number:03}",
        "institution" if number % 2 else "enterprise",
        city.places[path],
    )
    return row_id


async def _batch(ctx: Context, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    return [len(rows)] * len(rows)


async def _failing(ctx: Context, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    raise RuntimeError("the password of the database is hunter2")


PROOF_THING = Record(
    Organisation,
    read="proof.thing.read",
    scope=(AtPlace(),),
    name="ProofThing",
    plural="proofThings",
    sort=("name",),
    dimensions=("kind", "address"),
    hidden=frozenset({"place_path", "search_text"}),
    guarded={"address": "proof.address.read"},
    audited=True,
)
PROOF = Plugin(
    id="proof",
    package="proof",
    records=(PROOF_THING,),
    extensions=(
        Extension(
            "Organisation",
            computed={
                "proof_batch": Computed(int, ("id",), _batch, description="rows in one call"),
                "proof_failing": Computed(str, ("id",), _failing),
            },
        ),
        Extension("Place", relations={"proof_things": Many("ProofThing", "place_id")}),
    ),
)


def installed() -> list[Installed]:
    """The plugin of these tests as the host would have found it."""
    manifest = Manifest(
        id="proof",
        version="0.1.0",
        sdk=">=0.1",
        name_zh="证明",
        name_en="Proof",
        description_zh="测试用",
        description_en="For tests",
        licence="Apache-2.0",
    )
    return [Installed("proof", "available", manifest, PROOF, Path(__file__).parent)]
