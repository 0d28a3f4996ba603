"""Cursors: one that was made elsewhere opens nothing, whoever brings it."""

import pytest
from graphql import GraphQLSchema

from tests.leak.client import Caller
from tests.leak.judge import Judge
from tests.leak.matrix import ATTACKERS
from tests.leak.surface import connection, node_of, query_paths, shallow, within
from tests.leak.world import World


async def cursors_of(caller: Caller, schema: GraphQLSchema) -> dict[tuple[str, ...], str]:
    """The first cursor of each list that the caller can read."""
    found = {}
    for path, name, field in query_paths(schema):
        if node_of(field) is None:
            continue
        heard = await caller.ask(f"{{ {within(path, f'{name} {{ edges {{ cursor }} }}')} }}")
        data = heard.body["data"]
        for step in (*path, name):
            data = data[step]
        if data["edges"]:
            found[*path, name] = data["edges"][0]["cursor"]
    return found


@pytest.mark.parametrize("attacker", ATTACKERS, ids=lambda row: row.name)
async def test_a_cursor_of_somebody_else_shows_nothing_more(
    attacker: object,
    schemas: dict[str, GraphQLSchema],
    world: World,
    callers: dict[str, Caller],
) -> None:
    from tests.leak.matrix import Attacker

    assert isinstance(attacker, Attacker)
    judge, caller = Judge.of(world, attacker), callers[attacker.name]
    cursors = await cursors_of(callers["a.chief"], schemas["a"])
    assert len(cursors) > 15
    for path, name, field in query_paths(schemas[attacker.tenant]):
        node, cursor = node_of(field), cursors.get((*path, name))
        if node is None or cursor is None:
            continue
        for argument in ("after", "before"):
            asked = f'{name}({argument}: "{cursor}") {{ {connection(shallow(node))} }}'
            heard = await caller.ask(f"{{ {within(path, asked)} }}")
            assert judge.leaks(heard, cursor) == []
            # The key of a cursor holds the tenant: a neighbour's is no cursor at all.
            expected = [] if attacker.tenant == "a" else ["CURSOR_INVALID"]
            assert sorted(set(heard.codes)) == expected, (name, heard.text)


async def test_an_altered_or_borrowed_cursor_is_refused(
    schema: GraphQLSchema, callers: dict[str, Caller]
) -> None:
    chief = callers["a.chief"]
    cursors = await cursors_of(chief, schema)
    event, place = cursors["events",], cursors["places",]
    altered = event[:-1] + ("A" if event[-1] != "A" else "B")
    order = "orderBy: [{field: NUMBER}], "
    for given in (f'after: "{altered}"', f'after: "{place}"', f'{order}after: "{event}"'):
        heard = await chief.ask(f"{{ events({given}) {{ edges {{ cursor }} }} }}")
        assert heard.codes == ["CURSOR_INVALID"], given
