"""Writing: no id out of sight can be named, and what is refused leaves no trace in any table."""

import pytest
from graphql import GraphQLSchema

from jingwei_core.platform import Platform
from jingwei_core.settings import Settings
from tests.conftest import TestRun
from tests.leak.client import Caller
from tests.leak.judge import Judge, Ledger, changed, comparable, global_id, told
from tests.leak.matrix import ATTACKERS, RECIPES, Attacker
from tests.leak.mutations import MutationAttempt, mutation_attempts, plain_calls
from tests.leak.world import HOME_OF_STAFF, World

Schemas = dict[str, GraphQLSchema]
PLUGINS = {"a": frozenset({"safety-production"}), "b": frozenset[str]()}
NOBODY = ("expired", "future", "elsewhere")


def is_foreign(attacker: Attacker, attempt: MutationAttempt) -> bool:
    """Whether the attempt names a row that the attacker may not use.

    An account is in sight of its colleagues and may be given a post; to act on the account itself
    it must belong where the attacker's permissions hold.
    """
    row = attempt.foreign
    if row is None:
        return attacker.tenant == "a" and attacker.login in NOBODY
    if not attacker.may_see(row.tenant, row.zone):
        return True
    acts_on_it = attempt.position == ("id",)
    return acts_on_it and row.record in ("Account", "Post") and row.home != _home(attacker)


def _home(attacker: Attacker) -> str:
    return HOME_OF_STAFF.get(attacker.login, "city")


@pytest.mark.parametrize("attacker", ATTACKERS, ids=lambda row: row.name)
async def test_no_mutation_reaches_out_of_sight(
    attacker: Attacker,
    schemas: Schemas,
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
    assert len(attempts) > 50
    failures = []
    before = await ledger.read()
    for attempt in attempts:
        heard = await caller.ask(attempt.document)
        after = await ledger.read()
        wrong = judge.leaks(heard, attempt.document)
        if not heard.codes:
            wrong.append("it was not refused")
        wrong += [f"it changed {table}" for table in changed(before, after)]
        before = after
        wrong += await _differences(caller, attacker, attempt, comparable(heard, *_names(attempt)))
        failures += [
            f"{attempt.mutation} {attempt.position} {_zone(attempt)}: {each}\n"
            f"  {attempt.document[:300]}\n  {heard.text[:300]}"
            for each in wrong
        ]
    assert not failures, told(failures)


def _names(attempt: MutationAttempt) -> list[str]:
    row = attempt.foreign
    return [global_id(row.record, row.id), str(row.id)] if row else []


def _zone(attempt: MutationAttempt) -> str:
    return f"{attempt.foreign.tenant}.{attempt.foreign.zone}" if attempt.foreign else ""


async def _differences(
    caller: Caller, attacker: Attacker, attempt: MutationAttempt, heard: str
) -> list[str]:
    """How the refusal differs from that of an id which belongs to nothing."""
    row = attempt.foreign
    if row is None or attacker.may_see(row.tenant, row.zone):
        return []
    nothing = MutationAttempt(attempt.mutation, attempt.twin(), attempt.position, row)
    told_of_nothing = await caller.ask(nothing.document)
    absent = _absent_names(attempt)
    if comparable(told_of_nothing, *absent) == heard:
        return []
    return [f"it tells absent from hidden: {told_of_nothing.text[:200]}"]


def _absent_names(attempt: MutationAttempt) -> list[str]:
    import uuid

    row = attempt.foreign
    assert row is not None
    nothing = uuid.uuid5(uuid.NAMESPACE_OID, str(row.id))
    return [global_id(row.record, nothing), str(nothing)]


@pytest.mark.parametrize("login", ["near_worker", "far_worker", "handler"])
async def test_a_mutation_without_its_permission_is_refused(
    login: str,
    schemas: Schemas,
    world: World,
    callers: dict[str, Caller],
    ledger: Ledger,
    leak_platform: Platform,
) -> None:
    from tests.leak.world import ROLES, STAFF

    post = STAFF[login]
    assert post is not None
    held = set(ROLES[post[0]])
    registry = leak_platform.host.registry(PLUGINS["a"])
    calls = plain_calls(schemas["a"], registry, world)
    lacking = {c.mutation for c in registry.commands.values() if c.permission not in held}
    before = await ledger.read()

    codes = {name: (await callers[f"a.{login}"].ask(calls[name])).codes for name in lacking}

    assert codes == {name: ["PERMISSION_DENIED"] for name in lacking}
    assert changed(before, await ledger.read()) == []


async def test_every_mutation_would_have_worked(test_run: TestRun, template: str) -> None:
    """The same calls, by someone who may make them, succeed: their refusal is not a blank shot."""
    from tests.leak.conftest import served_world
    from tests.leak.databases import copied_database

    async with copied_database(test_run, template) as settings:
        assert isinstance(settings, Settings)
        async with served_world(settings) as (world, caller, schema):
            registry = world.platform.host.registry(PLUGINS["a"])
            failed = {}
            for name, document in plain_calls(schema, registry, world).items():
                if "not_live" in RECIPES.get(name, {}):
                    continue
                heard = await caller.ask(document)
                if heard.codes:
                    failed[name] = heard.text
            assert failed == {}
