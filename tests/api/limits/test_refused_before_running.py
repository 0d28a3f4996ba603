"""What exceeds a limit is refused over HTTP and sockets, and nothing of it was run."""

import functools
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from jingwei_api.app import create_app
from jingwei_api.limits import gate
from jingwei_api.limits.budget import Budgets
from jingwei_api.planning.reads import Reads
from jingwei_api.schema import global_id
from jingwei_api.settings import ApiSettings
from jingwei_core.commands import bus
from jingwei_core.platform import Platform
from tests.api.client import Client
from tests.api.conftest import serving
from tests.api.world import GRID, City, World

TIGHT = ApiSettings(max_cost=300, max_rows=250, max_depth=8, max_aliases=3, max_root_fields=4)
LIST = "query($n: Int) { organisations(first: $n) { edges { node { name } } } }"
NESTED = (
    "{ places(first: 9) { edges { node { children(first: %d) { edges { node { name } } } } } } }"
)
MUTATION = """mutation { roleSave(input: {code: "late", name: "x", permissions: []},
  idempotencyKey: "k") { role { id } } %s }"""


@asynccontextmanager
async def signed_in(
    platform: Platform, settings: ApiSettings, login: str = "worker"
) -> AsyncIterator[Client]:
    async with serving(create_app(platform, settings)) as url, Client(url, "yichang") as client:
        await client.sign_in(login)
        yield client


@pytest.fixture
async def tight(platform: Platform, world: World) -> AsyncIterator[Client]:
    """The chief, before a server with narrow limits."""
    async with signed_in(platform, TIGHT, "chief") as client:
        yield client


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was read or run since."""
    found: list[str] = []
    read, execute = Reads.read, bus.execute

    async def reading(*given: Any, **more: Any) -> Any:
        found.append("read")
        return await read(*given, **more)

    async def executing(*given: Any, **more: Any) -> Any:
        found.append("command")
        return await execute(*given, **more)

    monkeypatch.setattr(Reads, "read", reading)
    monkeypatch.setattr(bus, "execute", executing)
    return found


@pytest.fixture
def no_refill(monkeypatch: pytest.MonkeyPatch) -> None:
    """Budgets of servers that start from here on stay as they are spent."""
    monkeypatch.setattr(gate, "Budgets", functools.partial(Budgets, clock=lambda: 0.0))


@pytest.fixture
async def as_before(platform: Platform, world: World) -> AsyncIterator[None]:
    """Whatever a test says of the limits of roles, the next one meets none."""
    yield
    for code in ("worker", "chief"):
        await _role(world.yichang, "{}", code)


def refusals(answer: httpx.Response) -> dict[str, tuple[int, int]]:
    """Figure and limit by code."""
    told = answer.json()
    assert "data" not in told
    details = [error["extensions"] for error in told["errors"]]
    assert all(one["requestId"] for one in details)
    return {one["code"]: (one["figure"], one["limit"]) for one in details}


@pytest.mark.parametrize(
    ("query", "told"),
    [
        (NESTED % 26, {}),
        (NESTED % 27, {"QUERY_TOO_MANY_ROWS": (252, 250)}),
        (NESTED % 40, {"QUERY_TOO_COSTLY": (389, 300), "QUERY_TOO_MANY_ROWS": (369, 250)}),
        (
            "{ places { edges { node { parent { parent { parent { parent { parent { name }"
            " } } } } } } } }",
            {"QUERY_TOO_DEEP": (9, 8)},
        ),
        (
            "{ a: me { b: name c: id d: name } }",
            {"QUERY_TOO_MANY_ALIASES": (4, 3)},
        ),
        (
            "{ __typename __typename __typename __typename __typename }",
            {"QUERY_TOO_WIDE": (5, 4)},
        ),
    ],
)  # fmt: skip
async def test_each_limit_is_told_and_nothing_ran(
    tight: Client, ran: list[str], query: str, told: dict[str, tuple[int, int]]
) -> None:
    answer = await tight.post("/graphql", {"query": query})
    if not told:
        assert "errors" not in answer.json()
        assert ran == ["read"]
        return
    assert refusals(answer) == told
    assert ran == []


async def test_no_command_of_a_costly_mutation_is_run(
    tight: Client, ran: list[str], world: World
) -> None:
    more = " ".join(
        f'm{n}: accountResume(id: "x", idempotencyKey: "k{n}")'
        " { account { posts(first: 100) { totalCount edges { node { id } } } } }"
        for n in range(3)
    )
    answer = await tight.post("/graphql", {"query": MUTATION % more})
    assert set(refusals(answer)) == {"QUERY_TOO_COSTLY", "QUERY_TOO_MANY_ROWS"}
    assert ran == []
    assert not await world.yichang.value("SELECT count(*) FROM core.role WHERE code = 'late'")


async def test_a_subscription_is_refused_alike(tight: Client, ran: list[str]) -> None:
    query = (
        "subscription { changes { node { ... on Place { children(first: 100) { edges { node {"
        " children(first: 9) { totalCount } } } } } } } }"
    )
    async with tight.socket() as socket:
        await socket.subscribe(query)
        answer = await socket.receive()
    assert answer["type"] == "error"
    assert answer["payload"][0]["extensions"]["code"] == "QUERY_TOO_COSTLY"
    assert ran == []


async def test_a_spent_budget_is_a_429_that_says_when_to_come_back(
    platform: Platform, world: World, ran: list[str]
) -> None:
    settings = ApiSettings(cost_per_minute=240)
    async with signed_in(platform, settings) as client:
        first = (await client.ask(LIST, n=100))["extensions"]["cost"]
        assert (first["requested"], first["limit"]) == (102, 240)
        assert 100 < first["remaining"] < 140
        await client.ask(LIST, n=100)
        ran.clear()
        answer = await client.post("/graphql", {"query": LIST, "variables": {"n": 100}})
        assert answer.status_code == 429
        (error,) = answer.json()["errors"]
        told = error["extensions"]
        assert told["code"] == "COST_BUDGET_EXHAUSTED"
        assert (told["figure"], told["limit"], told["retryable"]) == (102, 240, True)
        assert told["remaining"] < 102
        assert answer.headers["retry-after"] == str(told["retryAfterS"])
        assert 0 < told["retryAfterS"] <= 26
        assert ran == []
        async with client.socket() as socket:
            await socket.subscribe(LIST, n=100)
            message = await socket.receive()
        assert message["type"] == "error"
        assert message["payload"][0]["extensions"]["code"] == "COST_BUDGET_EXHAUSTED"
        async with Client(client.base_url, "yichang") as other:
            await other.sign_in("idle")  # another account's budget is its own
            assert "errors" not in await other.ask(LIST, n=100)


async def test_documents_that_cannot_run_use_the_budget_up_as_well(
    platform: Platform, world: World
) -> None:
    async with signed_in(platform, ApiSettings(cost_per_minute=500)) as client:
        statuses = []
        for number in range(8):
            query = "{ nothing%d } # %s" % (number, "x" * 1000)  # noqa: UP031 - braces
            statuses.append((await client.post("/graphql", {"query": query})).status_code)
        assert statuses[:4] == [200] * 4
        assert statuses[-1] == 429


@pytest.mark.usefixtures("as_before")
async def test_limits_of_role_and_tenant_hold_from_the_next_request(
    platform: Platform, world: World
) -> None:
    city = world.yichang
    async with signed_in(platform, ApiSettings(max_cost=1000)) as client:
        assert await _limit(client) == 1000
        await _role(city, '{"max_cost": 120}')
        assert await _limit(client) == 120
        told = await client.ask(LIST, n=100)
        assert "errors" not in told
        refused = await client.error("{ organisations(first: 100) { totalCount edges { node {"
                                     " id place { id } } } } }")  # fmt: skip
        assert refused["extensions"]["figure"] == 212
        assert refused["extensions"]["limit"] == 120
        await _role(city, '{"max_cost": 5000}')
        assert await _limit(client) == 1000  # not beyond what the tenant may have
        await _tenant(platform, city, '{"max_cost": 4000}')
        assert await _limit(client) == 4000
        await _tenant(platform, city, '{"max_cost": 100}')
        assert await _limit(client) == 100
        await _role(city, "{}")
        await _tenant(platform, city, "{}")
        assert await _limit(client) == 1000


WIDE = "{ organisations(first: 100) { totalCount edges { node { id place { id } } } } }"


@pytest.mark.usefixtures("no_refill", "as_before")
async def test_a_changed_limit_of_a_role_refuses_and_lets_in_the_very_next_request(
    platform: Platform, world: World, ran: list[str]
) -> None:
    """What is remembered of a caller is found out of date by the statement that reads; before a
    refusal it is looked at again."""
    city = world.yichang
    settings = ApiSettings(max_cost=1000, cost_per_minute=2000)
    async with signed_in(platform, settings) as client:
        before = await client.ask(WIDE)
        assert "errors" not in before
        await _role(city, '{"max_cost": 100}')
        refused = await client.post("/graphql", {"query": WIDE})
        assert refusals(refused) == {"QUERY_TOO_COSTLY": (212, 100)}
        cost = refused.json()["extensions"]["cost"]
        assert (cost["requested"], cost["limit"]) == (212, 100)
        # The one that met the change was charged, as it was let in at first; those after it not.
        charged = before["extensions"]["cost"]["remaining"] - 212
        assert cost["remaining"] == charged
        again = await client.post("/graphql", {"query": WIDE})
        assert refusals(again) == {"QUERY_TOO_COSTLY": (212, 100)}
        assert again.json()["extensions"]["cost"]["remaining"] == charged
        await _role(city, '{"max_cost": 1000}')
        told = await client.ask(WIDE)
        assert "errors" not in told
        assert told["extensions"]["cost"]["limit"] == 1000
        await _role(city, '{"max_depth": 2}')
        answer = await client.post("/graphql", {"query": WIDE})
        assert refusals(answer) == {"QUERY_TOO_DEEP": (5, 2)}
        ran.clear()
        answer = await client.post("/graphql", {"query": WIDE})
        assert refusals(answer) == {"QUERY_TOO_DEEP": (5, 2)}
        assert ran == []
        await _role(city, "{}")
        assert "errors" not in await client.ask(WIDE.replace("totalCount", "n: totalCount"))


@pytest.mark.usefixtures("as_before")
async def test_the_first_command_that_meets_a_changed_limit_is_refused_with_all_after_it(
    platform: Platform, world: World
) -> None:
    city = world.yichang
    place = global_id.encode("Place", city.places[GRID])
    register = (
        '%s: organisationRegister(input: {placeId: "' + place + '", name: "late"},'
        ' idempotencyKey: "late-%s") { organisation { place { name } } }'
    )
    unfit = f"{register.replace(place, 'x') % ('n', 'n')}"
    three = f"mutation {{ __typename {unfit} {register % ('a', 'a')} {register % ('b', 'b')} }}"
    commit = 'mutation { evidenceCommit(id: "%s") { evidence { id } } }'
    commit %= global_id.encode("Evidence", uuid.uuid4())
    limit = functools.partial(_role, city, code="chief")
    async with signed_in(platform, ApiSettings(max_cost=1000), "chief") as client:
        for query, depth in ((three, 4), (commit, 3)):
            assert await _limit(client) == 1000
            written = await city.value("SELECT count(*) FROM core.audit_entry")
            await limit('{"max_depth": 1, "max_cost": 900}')
            refused = await client.post("/graphql", {"query": query})
            assert refusals(refused) == {"QUERY_TOO_DEEP": (depth, 1)}
            assert refused.json()["extensions"]["cost"]["limit"] == 900
            assert await city.value("SELECT count(*) FROM core.audit_entry") == written
            await limit("{}")
        # One that still fits is told the new limit; a part that was refused takes nothing along.
        assert await _limit(client) == 1000
        await limit('{"max_cost": 900}')
        told = await client.ask(three)
        assert told["extensions"]["cost"]["limit"] == 900
        assert [error["path"] for error in told["errors"]] == [["n"]]
        assert told["data"]["b"]["organisation"]["place"]["name"] == f"yichang{GRID}"
        await city.value("DELETE FROM core.organisation WHERE name = 'late'")


@pytest.mark.usefixtures("no_refill")
async def test_a_refusal_says_what_the_operation_would_have_cost(
    tight: Client, platform: Platform, world: World
) -> None:
    names = {"requested", "limit", "remaining", "resetAt"}
    for query in (NESTED % 27, NESTED % 40):
        told = (await tight.post("/graphql", {"query": query})).json()
        cost = told["extensions"]["cost"]
        assert set(cost) == names
        assert cost["limit"] == 300
        figures = {one["extensions"]["code"]: one["extensions"]["figure"] for one in told["errors"]}
        assert cost["requested"] == figures.get("QUERY_TOO_COSTLY", cost["requested"])
        assert cost["requested"] > 252
        # It was not charged: the budget is whole but for what the document's length cost.
        assert cost["remaining"] > 299_000
    async with signed_in(platform, ApiSettings(cost_per_minute=150, max_cost=120)) as client:
        await client.ask(LIST, n=100)
        answer = await client.post("/graphql", {"query": LIST, "variables": {"n": 99}})
        assert answer.status_code == 429
        (error,), cost = answer.json()["errors"], answer.json()["extensions"]["cost"]
        assert set(cost) == names
        assert (cost["requested"], cost["limit"]) == (101, 120)
        assert cost["remaining"] == error["extensions"]["remaining"] < 101
        assert error["extensions"]["figure"] == 101


async def _limit(client: Client) -> int:
    told = await client.ask("{ me { name } }")
    found: int = told["extensions"]["cost"]["limit"]
    return found


async def _role(city: City, limits: str, code: str = "worker") -> None:
    await city.value("UPDATE core.role SET limits = $1 WHERE code = $2", limits, code)


async def _tenant(platform: Platform, city: City, limits: str) -> None:
    async with platform.database.owner() as unit:
        await unit.execute("UPDATE platform.tenant SET limits = $1 WHERE id = $2", limits, city.id)
    platform.forget()


@pytest.mark.parametrize(
    ("query", "requested"),
    [
        ("{ me { name } }", 0),
        ("{ __schema { queryType { name } } }", 10),
        ("{ organisations(first: 10) { totalCount edges { node { proofFailing } } } }", 42),
        ('mutation { accountResume(id: "x", idempotencyKey: "k") { account { id } } }', 11),
    ],
)
async def test_every_answer_says_what_it_cost(worker: Client, query: str, requested: int) -> None:
    """Also one with errors."""
    told = await worker.ask(query)
    assert told["extensions"]["cost"]["requested"] == requested
    assert set(told["extensions"]["cost"]) == {"requested", "limit", "remaining", "resetAt"}
