"""Two random cities on one platform, and the plain executor over what they have stored."""

import os
import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from graphql import GraphQLObjectType, get_named_type

from jingwei_core.platform import Platform
from jingwei_core.registry import Registry
from jingwei_core.rollups.folding import fold_waiting
from jingwei_core.session import CoreContext, Identity, Request, account_context
from jingwei_sdk.records import Computed, Record
from tests.oracle.executor import Plain, plain_schema
from tests.oracle.odd import NOW
from tests.oracle.planting import City
from tests.oracle.planting_events import (
    plant_audit,
    plant_events,
    plant_evidence,
    plant_registers,
    plant_reminders,
    plant_rules,
)
from tests.oracle.planting_people import plant_people, plant_places
from tests.oracle.stored import Row, Stored, stored_rows
from tests.oracle.subject import Subject, executor_of
from tests.oracle.viewer import Viewer
from tests.tenants.listing import list_tenant

SEED = int(os.environ.get("JINGWEI_TEST_ORACLE_SEED", "20260615"))
"""Of the planted cities; what is asked of them is drawn by Hypothesis (``--hypothesis-seed``)."""

PLUGINS: Mapping[str, tuple[str, ...]] = {"a": ("safety-production", "proof"), "b": ()}
"""What is switched on in each city."""


STEPS = (
    (plant_places, plant_people, plant_rules, plant_evidence, plant_events, plant_registers),
    (plant_events, plant_audit, plant_reminders),
)
NEVER = 10**9


class Still:
    """A clock that stands still: links, deadlines and posts mean the same for the whole run."""

    def now(self) -> Any:
        """The instant of the planted city."""
        return NOW


@dataclass
class Worked:
    """Works out computed fields by their own functions, one row at a time, and remembers."""

    platform: Platform
    known: dict[tuple[Any, ...], Any] = field(default_factory=dict)

    async def __call__(
        self, viewer: Viewer, record: Record, name: str, computed: Computed, row: Row
    ) -> Any:
        """The value of the field for one row."""
        key = (viewer.account, viewer.locale, record.name, name, row["id"])
        if key not in self.known:
            tenant = await self.platform.tenant_by_id(viewer.stored.tenant)
            who = Identity(viewer.account, 0)
            request = Request(viewer.locale, "oracle")
            async with account_context(self.platform, tenant.tenant, who, request) as ctx:
                self.known[key] = await _worked(ctx, viewer, record, computed, row)
        return self.known[key]


async def _worked(
    ctx: CoreContext, viewer: Viewer, record: Record, computed: Computed, row: Row
) -> Any:
    (value,) = await computed.resolve(ctx, [viewer.shown(record, row, computed.needs)])
    return value


@dataclass(repr=False)
class Seen:
    """A tenant from both sides: the system under test and the plain executor."""

    name: str
    subject: Subject
    plain: Plain
    stored: Stored
    registry: Registry
    accounts: Mapping[str, uuid.UUID]
    now: Any = NOW
    _viewers: dict[tuple[str, str], Viewer] = field(default_factory=dict)

    def path_of(self, record: Record) -> tuple[str, ...]:
        """Where the list of a record stands below the query."""
        root = self.plain.schema.query_type
        assert root is not None
        wanted = f"{record.name}Connection"
        for name, found in root.fields.items():
            kind = get_named_type(found.type)
            if kind.name == wanted and name == record.plural:
                return (name,)
            if isinstance(kind, GraphQLObjectType) and kind.name.endswith("Query"):
                for inner, inside in kind.fields.items():
                    if get_named_type(inside.type).name == wanted:
                        return (name, inner)
        raise AssertionError(record.name)

    def viewer(self, login: str, locale: str = "zh") -> Viewer:
        """An account of the tenant, as the plain executor knows it."""
        key = (login, locale)
        if key not in self._viewers:
            self._viewers[key] = Viewer(
                self.stored, self.registry, self.accounts[login], self.now, locale
            )
        return self._viewers[key]


async def build_world(platform: Platform, seed: int = SEED) -> dict[str, Seen]:
    """Both cities, by name."""
    platform.clock = Still()
    executor = executor_of(platform)
    chance = random.Random(seed)
    planted = {}
    for name, plugins in PLUGINS.items():
        slug = f"oracle-{name}"
        tenant = uuid.UUID(int=chance.getrandbits(128), version=4)
        async with platform.database.owner() as unit:
            await list_tenant(unit, slug, plugins, tenant_id=tenant)
        planted[name] = City(tenant, slug, random.Random(chance.random()))
    # What is kept of figures is folded half-way: then some counts are folded and some wait.
    for steps in STEPS:
        for city in planted.values():
            async with platform.database.unit(city.tenant) as city.unit:
                for step in steps:
                    await step(city)
        await fold_waiting(platform, 1 if steps is STEPS[0] else NEVER)
    platform.forget()
    return {
        name: replace(
            await seen(platform, executor, city.slug), name=name, accounts=dict(city.staff)
        )
        for name, city in planted.items()
    }


async def seen(platform: Platform, executor: Any, slug: str) -> Seen:
    """A tenant that is planted already."""
    tenant = (await platform.state(slug)).tenant
    registry = await platform.registry(tenant.id)
    schema = plain_schema(await executor.schema(registry))
    stored = await stored_rows(platform.database, registry, tenant.id)
    plain = Plain(schema, registry, Worked(platform))
    return Seen(slug, Subject(executor, tenant), plain, stored, registry, {})
