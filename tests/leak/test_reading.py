"""Reading: whatever the schema offers, no attacker learns of a row outside their zones."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from graphql import GraphQLSchema

from tests.leak import figures
from tests.leak.client import Caller, Heard
from tests.leak.judge import Judge, Ledger, changed, comparable, told
from tests.leak.matrix import ATTACKERS, ZONES, Attacker
from tests.leak.reads import NARROWED, OF_A_PLACE, Attempt, batches, read_attempts, twin
from tests.leak.world import NOBODY, World

Schemas = dict[str, GraphQLSchema]
Callers = dict[str, Caller]
"""Pages of some rows of a record: their counts are not those of all that is in sight."""


def attempts_of(schemas: Schemas, world: World, attacker: Attacker) -> list[Attempt]:
    """Everything to try: at one's own tenant, and by every id and value of the other."""
    schema = schemas[attacker.tenant]
    other = "b" if attacker.tenant == "a" else "a"
    foreign: dict[object, Attempt] = {}
    for each in read_attempts(schema, world, other):
        if each.names:
            # One row of each zone is enough here: what is out of sight is the whole tenant.
            foreign.setdefault((each.surface, each.aims[0].record, each.aims[0].zone), each)
        elif "{eq: " in each.field or each.surface == "under":
            foreign[each.field] = each
    return [*read_attempts(schema, world, attacker.tenant), *foreign.values()]


@pytest.fixture(scope="module")
def attempts(schemas: Schemas, world: World) -> dict[str, list[Attempt]]:
    """What is tried by the attackers of each tenant."""
    first = {attacker.tenant: attacker for attacker in reversed(ATTACKERS)}
    return {name: attempts_of(schemas, world, attacker) for name, attacker in first.items()}


def by_zone(attempts: Iterable[Attempt]) -> Iterable[list[Attempt]]:
    """The attempts that aim into each zone: documents of one are those of every attacker who does
    not see it, so they are prepared once."""
    found: dict[tuple[tuple[str, str], ...], list[Attempt]] = {}
    for each in attempts:
        found.setdefault(tuple((aim.tenant, aim.zone) for aim in each.aims), []).append(each)
    return found.values()


def unseen(attacker: Attacker, attempt: Attempt) -> bool:
    """Whether the attempt aims at rows out of sight by their ids only."""
    return bool(attempt.names) and not any(
        attacker.may_see(aim.tenant, aim.zone) for aim in attempt.aims
    )


def connections(value: Any) -> Iterator[dict[str, Any]]:
    """Every connection in an answer that has its count, with its rows or figures."""
    if isinstance(value, dict):
        if "totalCount" in value and ("edges" in value or "aggregate" in value):
            yield value
        for item in value.values():
            yield from connections(item)
    elif isinstance(value, list):
        for item in value:
            yield from connections(item)


def miscounted(heard: Heard) -> list[str]:
    """Counts that tell of more rows than are shown; no page of these tests is full."""
    told = []
    for found in connections(heard.body.get("data")):
        told += figures.miscounted(found)
        if found["totalCount"] != len(found.get("edges", range(found["totalCount"]))):
            told.append(f"totalCount {found['totalCount']} for {len(found['edges'])} rows")
    return told


@pytest.mark.parametrize("attacker", ATTACKERS, ids=lambda row: row.name)
async def test_nothing_out_of_sight_is_told(
    attacker: Attacker,
    attempts: dict[str, list[Attempt]],
    world: World,
    callers: Callers,
    ledger: Ledger,
) -> None:
    judge, caller = Judge.of(world, attacker), callers[attacker.name]
    before, failures = await ledger.read(), []

    for document, group in batches(attempts[attacker.tenant]):
        heard = await caller.ask(document)
        found = judge.leaks(heard, document) + miscounted(heard)
        failures += [f"{group[0].surface}: {each}\n  {document[:200]}" for each in found]

    assert not failures, told(failures)
    assert changed(before, await ledger.read()) == []


@pytest.mark.parametrize("attacker", ATTACKERS, ids=lambda row: row.name)
async def test_out_of_sight_reads_like_absent(
    attacker: Attacker, attempts: dict[str, list[Attempt]], callers: Callers
) -> None:
    caller, failures = callers[attacker.name], []
    hidden = [each for each in attempts[attacker.tenant] if unseen(attacker, each)]
    assert len(hidden) > 100

    for document, group in (each for zone in by_zone(hidden) for each in batches(zone)):
        names = [name for attempt in group for name in attempt.names]
        absent = twin(document, group)
        assert not any(name in absent for name in names)
        there, nowhere = await caller.ask(document), await caller.ask(absent)
        if comparable(there, *names) != comparable(nowhere):
            failures.append(f"{document[:300]}\n  {there.text[:300]}\n  {nowhere.text[:300]}")

    assert not failures, told(failures)


async def test_counts_are_those_of_the_rows_in_sight(
    schemas: Schemas, attempts: dict[str, list[Attempt]], world: World, callers: Callers
) -> None:
    # AuditEntry: signing in and the enabling of the plugin wrote rows that were not planted.
    uncounted = {"AuditEntry"}
    for attacker in (*ATTACKERS, Attacker("a", "chief", "sees the city")):
        wanted = [each for each in attempts[attacker.tenant] if each.surface == "count"]
        for document, group in batches(wanted):
            data = (await callers[attacker.name].ask(document)).body["data"]
            for at, attempt in enumerate(group):
                found = data[f"n{at}"][f"a{at}"] if attempt.path else data[f"a{at}"]
                record = _record_of(schemas[attacker.tenant], attempt)
                if record in uncounted or attempt.field.startswith(NARROWED):
                    continue
                planted = world.of(record, attacker.tenant)
                seen = sum(attacker.may_see(row.tenant, row.zone) for row in planted)
                shown = found["totalCount"]
                if attacker.login in NOBODY:
                    seen = 0  # they know their own account by name, and can list nothing
                exact = attacker.login in ("chief", "near_all")
                assert shown == seen if exact else shown <= seen, (attacker.name, record)


def _record_of(schema: GraphQLSchema, attempt: Attempt) -> str:
    from tests.leak.surface import node_of, query_paths

    name = attempt.field.split()[0]
    for path, field_name, field in query_paths(schema):
        if (path, field_name) == (attempt.path, name):
            node = node_of(field)
            assert node is not None
            return node.name
    raise AssertionError(name)


async def test_every_aimed_attempt_would_have_hit(
    schemas: Schemas, world: World, callers: Callers, http: Any
) -> None:
    """Each attempt, made by someone who may see its row, shows the row: none is a blank shot."""
    from tests.leak.client import signed_in

    blank = []
    for viewer in sorted({viewers[0] for viewers in ZONES.values() if viewers}):
        caller = await signed_in(http, "a", viewer)
        wanted = [
            attempt
            for attempt in read_attempts(schemas["a"], world, "a")
            if attempt.aims and ZONES[attempt.aims[0].zone][0] == viewer
        ]
        for document, group in batches(wanted):
            heard = await caller.ask(document)
            data = heard.body.get("data") or {}
            for at, attempt in enumerate(group):
                shown = str(data.get(f"n{at}") if attempt.path else data.get(f"a{at}"))
                if not _shows(attempt, shown):
                    blank.append(f"{attempt.document()[:300]}\n  {heard.text[:300]}")

    assert not blank, told(blank)


def _shows(attempt: Attempt, shown: str) -> bool:
    from tests.leak.judge import global_id

    if attempt.surface == OF_A_PLACE:
        return shown != "None"
    return all(global_id(aim.record, aim.id) in shown for aim in attempt.aims)
