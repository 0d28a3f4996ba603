"""Writing: no id out of sight can be named, and what is refused leaves no trace in any table."""

from collections.abc import Sequence

import pytest
from graphql import GraphQLSchema

from jingwei_core.platform import Platform
from jingwei_core.settings import Settings
from tests.leak.client import Caller, Heard
from tests.leak.judge import Judge, Ledger, changed, comparable, told
from tests.leak.matrix import ATTACKERS, RECIPES, Attacker
from tests.leak.mutations import MutationAttempt, mutation_attempts, plain_calls, together
from tests.leak.world import HOME_OF_STAFF, NOBODY, World
from tests.servers.databases import TestRun

Schemas = dict[str, GraphQLSchema]
OFFLINE_BATCH = "offlineBatch"
PLUGINS = {"a": frozenset({"safety-production"}), "b": frozenset[str]()}
BATCH = 30
"""Calls in one document: most of its time goes into what its fragments select, which is once."""


def is_foreign(attacker: Attacker, attempt: MutationAttempt) -> bool:
    """Whether the attempt names a row that the attacker may not use.

    An account is in sight of its colleagues and may be given a post; to act on the account itself
    it must belong where the attacker's permissions hold.
    """
    row = attempt.foreign
    if attempt.mutation == OFFLINE_BATCH:
        return False  # it tells each action's refusal as an outcome: test_offline.py
    if attacker.login in NOBODY:
        # Everything is foreign to them; one row each way is enough.
        return row is None or row.home == "near"
    if row is None:
        return False
    if not attacker.may_see(row.tenant, row.zone):
        return True
    acts_on_it = attempt.position == ("id",)
    is_staff = row.record in ("Account", "Post")
    allowed = ("anywhere", _home(attacker))
    return acts_on_it and is_staff and attacker.login != "chief" and row.home not in allowed


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
    for group in (attempts[at : at + BATCH] for at in range(0, len(attempts), BATCH)):
        document = together(group)
        heard = await caller.ask(document)
        after = await ledger.read()
        wrong = judge.leaks(heard, document)
        wrong += [f"{each.mutation} {each.position}: not refused" for each in _taken(heard, group)]
        if changed(before, after):
            wrong.append(f"it changed {changed(before, after)}")
            wrong += await _changing(caller, ledger, group)
            after = await ledger.read()
        before = after
        wrong += await _differences(caller, attacker, group, heard)
        failures += [f"{each}\n  {document[:1500]}\n  {heard.text[:1500]}" for each in wrong]
    assert not failures, told(failures, 3)


def _taken(heard: Heard, group: Sequence[MutationAttempt]) -> list[MutationAttempt]:
    """The attempts that no error answers."""
    refused = {str(error["path"][0]) for error in heard.body.get("errors", ()) if "path" in error}
    return [attempt for at, attempt in enumerate(group) if f"m{at}" not in refused]


async def _changing(caller: Caller, ledger: Ledger, group: Sequence[MutationAttempt]) -> list[str]:
    """Which of some attempts change something again when they are made one by one."""
    found = []
    for attempt in group:
        before = await ledger.read()
        await caller.ask(together([attempt]))
        tables = changed(before, await ledger.read())
        found += [f"{attempt.mutation} {attempt.position} changes {table}" for table in tables]
    return found


async def _differences(
    caller: Caller, attacker: Attacker, group: Sequence[MutationAttempt], heard: Heard
) -> list[str]:
    """How refusals differ from those of ids which belong to nothing; ``heard`` is what the whole
    group was told."""
    unseen = [
        each
        for each in group
        if each.foreign and not attacker.may_see(each.foreign.tenant, each.foreign.zone)
    ]
    if not unseen:
        return []
    absent = [each.twin() for each in unseen]
    told_of_hidden = heard if unseen == group else await caller.ask(together(unseen))
    told_of_nothing = await caller.ask(together(absent))
    hidden = comparable(told_of_hidden, *(name for each in unseen for name in each.names))
    nothing = comparable(told_of_nothing, *(name for each in absent for name in each.names))
    if hidden == nothing:
        return []
    return [f"it tells absent from hidden:\n  {told_of_hidden.text}\n  {told_of_nothing.text}"]


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
    from tests.servers.databases import copied_database

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
