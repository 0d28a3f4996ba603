"""Every query field of the composed schema is one statement, alone and in company."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type, is_required_argument

from jingwei_api.planning import plans
from jingwei_api.planning.index import SchemaIndex
from jingwei_api.schema import global_id
from jingwei_api.schema.meanings import ComputedField, LookupField, QuestionField, SpaceField
from jingwei_core import tenant_states as snapshots
from jingwei_core.platform import Platform
from tests.api.planning.conftest import Asker, sent
from tests.api.world import GRID, City, World

_GIVEN = {"lon": "111.295", "lat": "30.695", "crs": '"EPSG:4490"', "kindCode": '"proof.hole"'}
_DEPTH = 4


@pytest.fixture(autouse=True)
def the_tenants_state_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a second any request may read it again; here that would be counted."""
    monkeypatch.setattr(snapshots, "SNAPSHOT_AGE_S", 3600)


@dataclass(frozen=True)
class Asked:
    """A field of ``Query`` with all that can be selected below it and is not worked out."""

    name: str
    text: str


async def fields(platform: Platform, executor: Any, world: World) -> list[Asked]:
    """Every field of ``Query`` and of its namespaces."""
    registry = await platform.registry(world.yichang.id)
    index = SchemaIndex(await executor.schema(registry))
    return list(_fields(index, index.object("Query"), world.yichang))


def _fields(index: SchemaIndex, kind: GraphQLObjectType, city: City) -> Iterator[Asked]:
    for name, field in kind.fields.items():
        told = index.field(kind, name)
        if isinstance(told.meaning, SpaceField):
            inner = index.object(get_named_type(field.type).name)
            for below in _fields(index, inner, city):
                yield Asked(f"{name}.{below.name}", f"{name} {{ {below.text} }}")
            continue
        if isinstance(told.meaning, QuestionField) and told.meaning.question.resolve is not None:
            continue  # functions answer those, inside a unit of work
        given = {one: _GIVEN.get(one) for one, a in field.args.items() if is_required_argument(a)}
        record = told.meaning.record.name if isinstance(told.meaning, LookupField) else "Place"
        row = global_id.encode(record, city.places[GRID] if record == "Place" else uuid.uuid4())
        for one in given:
            given[one] = given[one] or (f'["{row}", "{row}"]' if one == "ids" else f'"{row}"')
        arguments = "".join(
            f"({', '.join(f'{k}: {v}' for k, v in given.items())})" if given else ""
        )
        yield Asked(name, f"{name}{arguments} {_selection(index, field.type, _DEPTH)}")


def _selection(index: SchemaIndex, kind: Any, depth: int) -> str:
    """Everything below a value that needs no argument and no Python, so deep."""
    named = get_named_type(kind)
    if not hasattr(named, "fields"):
        return ""
    parts = ["__typename"]
    for name, field in named.fields.items():
        if isinstance(named, GraphQLObjectType):
            meaning = index.field(named, name).meaning
            if isinstance(meaning, ComputedField):
                continue
        inner = get_named_type(field.type)
        if (hasattr(inner, "fields") and depth == 0) or inner.name.startswith("ProofThing"):
            continue  # the reading of those is recorded
        pages = "(first: 2)" if "first" in field.args and "after" in field.args else ""
        parts.append(f"{name}{pages} {_selection(index, field.type, depth - 1)}")
    return "{ " + " ".join(parts) + " }"


async def test_every_query_field_is_one_statement(
    platform: Platform, executor: Any, world: World, centre: Asker, event: uuid.UUID
) -> None:
    found = await fields(platform, executor, world)
    assert {"me", "node", "nodes", "myQueue", "myArea", "placeAt", "eventDuplicates", "events",
            "proof.things"} <= {one.name for one in found}  # fmt: skip
    assert len(found) > 40
    wrong = []
    for one in found:
        told = await centre(f"{{ {one.text} }}")  # the first meets rules and sizes as well
        with sent() as noted:
            again = await centre(f"{{ {one.text} }}")
        if "errors" in told or told["data"] != again["data"]:
            wrong.append((one.name, told.get("errors") or "other data"))
        in_unit = one.name == "proof.thing"
        if (len(noted.trips), len(noted.in_units)) != (not in_unit, in_unit):
            wrong.append((one.name, noted))
    assert wrong == []


async def test_many_of_them_together_are_one_statement_as_well(
    platform: Platform, executor: Any, world: World, centre: Asker, event: uuid.UUID
) -> None:
    found = await fields(platform, executor, world)
    some = [f"a{at}: {one.text}" for at, one in enumerate(found) if "." not in one.name][::3][:12]
    alone: dict[str, Any] = {}
    for text in some:
        alone.update(await centre.data(f"{{ {text} }}"))
    together = "{ " + " ".join(some) + " }"
    await centre.data(together)
    with sent() as noted:
        assert await centre.data(together) == alone
    assert (len(noted.trips), len(noted.in_units)) == (1, 0)


async def test_one_statement_serves_all_requests_of_a_shape(
    staff: Asker, centre: Asker, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[frozenset[str]] = []
    real = plans.compile_read

    def noted(*given: Any) -> Any:
        found = real(*given)
        compiled.append(found.records)
        return found

    monkeypatch.setattr(plans, "compile_read", noted)
    query = """query($search: String, $filter: OrganisationFilter, $first: Int = 3) {
      organisations(search: $search, filter: $filter, first: $first) {
        edges { node { name } } } }"""
    names = [
        (await staff.data(query, search=text))["organisations"]["edges"][0]["node"]["name"]
        for text in ("yichang 003", "yichang 004", "yichang 005")
    ]
    assert names == ["yichang 003", "yichang 004", "yichang 005"]
    once = len(compiled)
    assert 1 <= once <= 2  # the second when it is known that the area is small
    await staff.data(query, search="yichang 006")
    assert len(compiled) == once
    await staff.data(query, search="yichang 006", first=4)
    assert len(compiled) == once + 1
    await staff.data(query, filter={"name": {"eq": "a"}})
    filtered = len(compiled)
    await staff.data(query, filter={"name": {"eq": "b"}})
    assert len(compiled) == filtered
    # Another account, with posts elsewhere and other permissions: still the same statement.
    await centre.data(query, search="yichang 006")
    assert len(compiled) == filtered


async def test_introspection_stands_beside_rows_in_the_order_asked(staff: Asker) -> None:
    query = """query($name: String!) {
      a: organisations(first: 1) { totalCount }
      __schema { queryType { name } }
      me { name }
      kind: __type(name: $name) { name fields(includeDeprecated: true) { name } }
      __typename }"""
    for name in ("Masked", "PageInfo", "Masked", "Nothing"):
        data = await staff.data(query, name=name)
        assert list(data) == ["a", "__schema", "me", "kind", "__typename"]
        assert data["__schema"] == {"queryType": {"name": "Query"}}
        assert data["me"] == {"name": "yichang worker"}
        assert data["__typename"] == "Query"
        assert (data["kind"] or {}).get("name") == (None if name == "Nothing" else name)


async def test_what_ended_meanwhile_is_noticed_by_the_statement(staff: Asker, world: World) -> None:
    city, query = world.yichang, "{ organisations { totalCount } me { permissions } }"
    before = await staff.data(query)
    assert before["organisations"]["totalCount"] > 0
    role = "UPDATE core.role SET permissions = $1 WHERE code = 'worker' RETURNING id"
    held = await city.value("SELECT permissions FROM core.role WHERE code = 'worker'")
    try:
        await city.value(role, ["place.read"])
        after = await staff.data(query)
        assert after == {"organisations": {"totalCount": 0}, "me": {"permissions": ["place.read"]}}
    finally:
        await city.value(role, held)
    assert await staff.data(query) == before
