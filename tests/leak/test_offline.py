"""Batches of a device: what a mutation refuses, a batch refuses, and tells no more about it."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from graphql import GraphQLSchema

from jingwei_core.offline.batch import MOST_ACTIONS
from jingwei_core.platform import Platform
from tests.leak.client import Caller
from tests.leak.judge import Judge, Ledger, changed, global_id, told
from tests.leak.matrix import ATTACKERS, Attacker
from tests.leak.mutations import MutationAttempt, mutation_attempts
from tests.leak.test_mutations import PLUGINS, is_foreign
from tests.leak.world import World

SEND = """
mutation Send($input: OfflineBatchInput!) {
  offlineBatch(input: $input) { result { left outcomes { key status rowId code message field } } }
}
"""
DONE = {"APPLIED", "REPLAYED"}


def _action(attempt: MutationAttempt) -> dict[str, Any]:
    arguments = {name: value for name, value in attempt.given.items() if name != "idempotencyKey"}
    return {
        "key": uuid.uuid4().hex,
        "mutation": attempt.mutation,
        "arguments": arguments,
        "happenedAt": datetime.now(UTC).isoformat(),
    }


@pytest.mark.parametrize("attacker", ATTACKERS, ids=lambda row: row.name)
async def test_no_batch_reaches_out_of_sight(
    attacker: Attacker,
    schemas: dict[str, GraphQLSchema],
    world: World,
    callers: dict[str, Caller],
    ledger: Ledger,
    leak_platform: Platform,
) -> None:
    registry = leak_platform.host.registry(PLUGINS[attacker.tenant])
    judge, caller = Judge.of(world, attacker), callers[attacker.name]
    attempts = [
        attempt
        for target in ("a", "b")
        for attempt in mutation_attempts(
            schemas[attacker.tenant], registry, world, attacker.tenant, target
        )
        if is_foreign(attacker, attempt)
    ]
    assert len(attempts) > MOST_ACTIONS
    before = await ledger.read()
    failures = []
    for group in (attempts[at : at + MOST_ACTIONS] for at in range(0, len(attempts), MOST_ACTIONS)):
        actions = [_action(attempt) for attempt in group]
        heard = await caller.ask(SEND, {"input": {"actions": actions}})
        failures += judge.leaks(heard, SEND + str(actions))
        outcomes = heard.body["data"]["offlineBatch"]["result"]["outcomes"]
        pairs = zip(group, outcomes, strict=True)
        failures += [attempt.mutation for attempt, one in pairs if one["status"] in DONE]
    assert not failures, told(failures, 3)
    assert changed(before, await ledger.read()) == []


@pytest.mark.parametrize("attacker", ATTACKERS, ids=lambda row: row.name)
async def test_a_device_hears_of_what_is_out_of_sight_only_that_it_is(
    attacker: Attacker, world: World, callers: dict[str, Caller]
) -> None:
    rows = [
        row
        for tenant in ("a", "b")
        for row in world.of("Event", tenant)
        if not attacker.may_see(row.tenant, row.zone)
    ]
    assert rows
    hidden = [global_id("Event", row.id) for row in rows]
    nothing = [global_id("Event", uuid.uuid4()) for _ in rows]
    for asked in (hidden, nothing):
        held = [{"record": "Event", "ids": asked}]
        heard = await callers[attacker.name].ask(SEND, {"input": {"held": held}})
        assert heard.body["data"]["offlineBatch"]["result"] == {"left": asked, "outcomes": []}
