"""What is kept of operations is bounded, and holds nothing of a tenant."""

import enum
import types
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from graphql import GraphQLNamedType, Node

from jingwei_api.planning.documents import Documents
from jingwei_api.planning.plans import Plans, Question
from jingwei_api.planning.recent import Recent
from jingwei_api.schema import global_id
from jingwei_api.schema.builder import lean_schema
from jingwei_api.settings import ApiSettings
from jingwei_core.reading.selection import Asked
from jingwei_core.registry import Registry
from jingwei_sdk.records import Record
from tests.api.declarations import registry
from tests.api.planning.conftest import Asker
from tests.api.world import GRID, World

LIST = """query($first: Int, $id: ID!, $search: String) {
  places(first: $first, search: $search) { edges { cursor node { id name } } }
  place(id: $id) { name } }"""


def test_the_most_recently_used_are_kept() -> None:
    kept: Recent[int, str] = Recent(2)
    kept.keep(1, "a")
    kept.keep(2, "b")
    assert kept.get(1) == "a"
    kept.keep(3, "c")
    assert (kept.get(1), kept.get(2), kept.get(3), len(kept)) == ("a", None, "c", 2)


def test_documents_are_bounded_in_number_and_length() -> None:
    schema = lean_schema(registry())
    documents = Documents(ApiSettings(), size=4)
    for number in range(10):
        documents.prepared("f", schema, f"{{ me {{ a{number}: name }} }}", lambda *_: None)
    assert len(documents) == 4
    once = documents.prepared("f", schema, "{ me { name } }", lambda *_: None)
    assert documents.prepared("f", schema, "{ me { name } }", lambda *_: None) is once
    assert documents.prepared("g", schema, "{ me { name } }", lambda *_: None) is not once
    long = "{ me { name } } #" + "x" * 70_000
    first = documents.prepared("f", schema, long, lambda *_: None)
    assert documents.prepared("f", schema, long, lambda *_: None) is not first
    assert len(documents) == 4


async def test_plans_are_bounded(world: World, staff: Asker) -> None:
    held = registry()
    documents, plans = Documents(ApiSettings()), Plans(b"secret", drafts=3, plans=5)
    schema = lean_schema(held)
    prepared = documents.prepared("f", schema, LIST, lambda *_: None).operation(None)
    row = global_id.encode("Place", uuid.uuid4())
    for size in range(20):
        question = Question.of(prepared, {"first": size, "id": row})
        asked = await _asked(staff, question)
        for _ in range(2):
            plans.planned(held, plans.draft(held, question), asked)
    assert plans.counts == (3, 5)


async def test_of_long_documents_nothing_is_kept(staff: Asker) -> None:
    plans = staff.executor.reads.plans
    before = plans.counts
    for number in range(3):
        await staff.data(f"{{ places {{ a{number}: totalCount }} }} #" + "x" * 70_000)
        await staff.data(f"{{ __typename a{number}: __schema {{ __typename }} }} #" + "x" * 70_000)
    assert plans.counts == before
    assert len(staff.executor._queries._introspection._kept) == 0


async def test_long_statements_of_short_documents_are_not_kept(staff: Asker) -> None:
    plans, row = staff.executor.reads.plans, global_id.encode("Event", uuid.uuid4())
    parent = "parent { id name code createdAt updatedAt "
    place = f"place {{ id name {parent * 6}{'}' * 7}"
    event = f"id title state createdAt {place} kind {{ id name department {{ id {place} }} }}"
    fields = " ".join(f"a{n}: event(id: $id) {{ ...E }}" for n in range(30))
    document = f"query($id: ID!) {{ {fields} }} fragment E on Event {{ {event} }}"
    before = plans.counts[1]
    await staff.data(document, id=row)
    assert len(document) < 2000
    assert plans.counts[1] == before


async def test_what_is_refused_of_one_request_is_found_at_once(staff: Asker) -> None:
    plans = staff.executor.reads.plans
    fields = " ".join(f"a{number}: organisation(id: $id) {{ name }}" for number in range(25))
    before = plans.counts[1]
    told = await staff(f"query($id: ID!) {{ {fields} }}", id="no id")
    assert len(told["errors"]) == 25
    assert plans.counts[1] - before == 2  # with all of them, and without


async def _asked(staff: Asker, question: Question) -> Asked:
    platform, city = staff.city.platform, staff.city
    tenant, now = await platform.tenant(city.slug), platform.clock.now()
    access = platform.access_cache.known(tenant.id, city.accounts["worker"], now)
    if access is None:
        await staff("{ me { name } }")
        access = platform.access_cache.known(tenant.id, city.accounts["worker"], now)
    assert access is not None
    actor: Any = types.SimpleNamespace(account_id=city.accounts["worker"], department_ids=())
    return Asked(tenant, actor, access.permissions, now, "zh", question.variables)


SECRETS = "the-words-of-one-tenant"


async def test_what_is_shared_holds_nothing_of_a_tenant(
    staff: Asker, world: World, asking: Callable[[Any, str], Asker]
) -> None:
    city = world.yichang
    place = global_id.encode("Place", city.places[GRID])
    page = """query($after: String) { organisations(first: 2, after: $after) {
      edges { cursor } pageInfo { endCursor } } }"""
    cursor = (await staff.data(page))["organisations"]["pageInfo"]["endCursor"]
    await staff.data(page, after=cursor)
    query = """query($id: ID!, $ids: [ID!]!, $search: String, $filter: OrganisationFilter,
        $under: ID, $name: String) {
      organisations(search: $search, filter: $filter, under: $under) { totalCount }
      by: organisations(filter: { name: { eq: $name } }) { totalCount }
      place(id: $id) { name } node(id: $id) { id } nodes(ids: $ids) { id }
      me { id name permissions account { name } posts { totalCount } }
      myArea { totalCount } myQueue { totalCount } }"""
    given = {"id": place, "ids": [place], "search": SECRETS, "under": place, "name": SECRETS}
    told = {"name": {"eq": SECRETS}, "place": {"in": [place]}}
    await staff.data(query, **given, filter=told)
    await staff(query, **{**given, "id": "no id"}, filter=told)
    secrets = {SECRETS, place, cursor, str(city.id), str(city.places[GRID]), GRID, city.slug}
    secrets |= {str(account) for account in city.accounts.values()} | {"yichang worker"}
    plans = staff.executor.reads.plans
    seen = list(_values(plans.kept(), set()))
    assert len(seen) > 1000
    assert [value for value in seen if isinstance(value, uuid.UUID)] == []
    texts = {value for value in seen if isinstance(value, str)}
    assert [(s, t[:200]) for s in secrets for t in texts if s in t] == []


def test_what_hides_in_a_function_is_found() -> None:
    def hiding(secret: str) -> Callable[[], str]:
        return lambda: secret

    assert SECRETS in list(_values({"a": [(hiding(SECRETS),)]}, set()))


def _values(found: Any, seen: set[int]) -> Iterator[Any]:
    """Every value that an object leads to, through fields, containers and closures; declarations
    and documents are shared by nature."""
    if id(found) in seen or isinstance(found, _SHARED) or found is None:
        return
    seen.add(id(found))
    if isinstance(found, (str, bytes, int, float, uuid.UUID)):
        yield found
        return
    yield found
    for inner in _inside(found):
        yield from _values(inner, seen)


_SHARED = (Node, GraphQLNamedType, Record, Registry, type, types.ModuleType, enum.Enum)


def _inside(found: Any) -> list[Any]:
    if isinstance(found, Mapping):
        return [*found.keys(), *found.values()]
    if isinstance(found, (list, tuple, set, frozenset)):
        return list(found)
    if isinstance(found, types.FunctionType):
        cells = [cell.cell_contents for cell in found.__closure__ or ()]
        return [*cells, *(found.__defaults__ or ()), *(found.__kwdefaults__ or {}).values()]
    if isinstance(found, types.MethodType):
        return [found.__self__, found.__func__]
    if isinstance(found, BaseException):
        return [*found.args, vars(found)]
    if is_dataclass(found):
        return [getattr(found, field.name) for field in fields(found)]
    return list(getattr(found, "__dict__", {}).values())
