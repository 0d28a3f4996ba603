"""The matrix can fail: each wall taken down in turn is seen, and the walls behind it still hold."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from graphql import GraphQLSchema

from jingwei_core.reading import sight
from jingwei_sdk.records import TenantWide
from tests.leak.client import Caller
from tests.leak.conftest import served
from tests.leak.judge import Judge
from tests.leak.matrix import ATTACKERS, Attacker
from tests.leak.reads import batches, read_attempts
from tests.leak.world import World

WORKER = next(row for row in ATTACKERS if row.name == "a.near_worker")
NEIGHBOUR = next(row for row in ATTACKERS if row.name == "b.chief")


async def leaks_to(
    attacker: Attacker, target: str, schema: GraphQLSchema, world: World, caller: Caller
) -> set[str]:
    """The zones whose canaries an attacker hears, by record of what was asked for."""
    judge, found = Judge.of(world, attacker), set()
    attempts = read_attempts(schema, world, target)
    wanted = [each for each in attempts if each.surface in ("node", "list", "relation")]
    for document, _ in batches(wanted):
        for leak in judge.leaks(await caller.ask(document), document):
            found.add(leak.split(":")[0])
    return found


@asynccontextmanager
async def elsewhere(world: World, caller: Caller) -> AsyncIterator[Caller]:
    """The caller at an application of its own: nothing that it plans is kept for other tests."""
    async with served(world.platform) as http:
        yield replace(caller, http=http)


async def test_a_record_declared_tenant_wide_by_mistake_is_seen(
    schema: GraphQLSchema,
    world: World,
    callers: dict[str, Caller],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registry = world.platform.host.registry(frozenset({"safety-production"}))
    wrong = replace(registry.record("Organisation"), scope=(TenantWide(),))
    records = {**registry.records, "Organisation": wrong}
    mistaken = replace(registry, fingerprint="mistaken", records=records)
    monkeypatch.setattr(world.platform.host, "registry", lambda _: mistaken)
    async with elsewhere(world, callers["a.near_worker"]) as caller:
        found = await leaks_to(WORKER, "a", schema, world, caller)

    assert {"canary of a.far", "canary of a.city"} <= found


async def test_a_broken_subtree_condition_is_seen(
    schema: GraphQLSchema,
    world: World,
    callers: dict[str, Caller],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The old mistake: a prefix without its closing slash, so that …/3 covers …/31."""

    def careless(
        self: sight.Planned, column: str, permission: str, arguments: sight.Arguments
    ) -> str:
        lows = [self._value(permission, "low", at) for at in range(self.shape(permission))]
        parts = [f"starts_with({column}, left({arguments.add(low)}, -1))" for low in lows]
        return "(" + " OR ".join(parts) + ")" if parts else "false"

    monkeypatch.setattr(sight.Planned, "subtree", careless)
    async with elsewhere(world, callers["a.near_worker"]) as caller:
        found = await leaks_to(WORKER, "a", schema, world, caller)

    assert "canary of a.far" in found
    assert "canary of a.city" not in found


async def test_without_sight_the_database_still_holds_tenants_apart(
    schemas: dict[str, GraphQLSchema],
    world: World,
    callers: dict[str, Caller],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sight.Sight, "condition", lambda *_: "true")

    async with elsewhere(world, callers["a.near_worker"]) as caller:
        worker = await leaks_to(WORKER, "a", schemas["a"], world, caller)
    async with elsewhere(world, callers["b.chief"]) as caller:
        neighbour = await leaks_to(NEIGHBOUR, "a", schemas["b"], world, caller)

    assert {"canary of a.far", "canary of a.city", "canary of a.theirs"} <= worker
    # A row without a text is told by its id.
    ours = re.compile(r"canary of b\.|id of \w+ in b\.")
    assert [leak for leak in neighbour if not ours.match(leak)] == []
