"""Completeness: a schema has no field, argument, filter or mutation that nobody attacks."""

import re

import pytest
from graphql import GraphQLSchema

from jingwei_core.platform import Platform
from tests.leak import reads
from tests.leak.mutations import mutation_attempts, together
from tests.leak.reads import batches, read_attempts
from tests.leak.subscriptions import subscription_documents
from tests.leak.surface import all_coordinates, record_types, touched
from tests.leak.world import World

_TEXT = re.compile(r'"[^"]*"')
# What is touched by tests of its own, and where.
ELSEWHERE = {
    "after": "test_cursors.py",
    "before": "test_cursors.py",
    # Beside the id, which is attacked, a code would be refused for being there.
    "OperationUnitInput.departmentCode": "tests/core/tasks",
}


def uncovered(schema: GraphQLSchema, world: World, platform: Platform) -> set[str]:
    """The coordinates that no generated attempt touches."""
    registry = platform.host.registry(frozenset({"safety-production"}))
    # One attempt of each shape: which ids and values it has makes no difference here.
    shapes = {_TEXT.sub("", each.field): each for each in read_attempts(schema, world, "a")}
    documents = [document for document, _ in batches(shapes.values())]
    attempts = mutation_attempts(schema, registry, world, "a", "a")
    documents += [together([each]) for each in attempts if each.foreign is None]
    documents += subscription_documents(schema, world)
    left = all_coordinates(schema) - touched(schema, documents)
    return {each for each in left if not _is_elsewhere(each)}


def _is_elsewhere(coordinate: str) -> bool:
    argument = coordinate.partition("(")[2].rstrip(")")
    return argument in ELSEWHERE or coordinate in ELSEWHERE


async def test_every_coordinate_of_the_schema_is_attacked(
    schema: GraphQLSchema, world: World, leak_platform: Platform
) -> None:
    assert sorted(uncovered(schema, world, leak_platform)) == []


async def test_every_record_has_rows_in_every_zone_it_can_lie_in(
    schema: GraphQLSchema, world: World
) -> None:
    bare = [
        (name, tenant)
        for name in record_types(schema)
        for tenant in ("a", "b")
        if not world.of(name, tenant)
    ]
    assert bare == []


async def test_a_surface_that_nobody_attacks_is_noticed(
    schema: GraphQLSchema,
    world: World,
    leak_platform: Platform,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    everything = reads.read_attempts

    def without(*given: object) -> list[reads.Attempt]:
        kept = everything(*given)  # type: ignore[arg-type]
        return [each for each in kept if each.surface not in ("order", "figures")]

    monkeypatch.setattr("tests.leak.test_surface.read_attempts", without)
    left = uncovered(schema, world, leak_platform)

    assert {"EventOrderField.NUMBER", "SortDirection.DESC", "Query.events(orderBy)"} <= left
    assert {"EventGrouping.REPORTER", "GroupOrderField.KEY", "EventMax.dueAt"} <= left
