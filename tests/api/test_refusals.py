"""What is refused, and how it is told: codes, languages, masks, limits, HTTP."""

import json
from typing import Any

import httpx
import pytest

from jingwei_api.app import create_app
from jingwei_api.settings import ApiSettings
from jingwei_core.platform import Platform
from tests.api.client import Client
from tests.api.world import World

LONG_FRAGMENTS = (
    "{ ...f0 } "
    + " ".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(30))
    + " fragment f30 on Query { a: me { name } }"
)
NESTED = (
    "{ organisations(first: 100) { edges { node { place { organisations(first: 100) { edges { node"
    " { place { organisations(first: 100) { edges { node { id } } } } } } } } } } } }"
)
DEEP = "{ places { edges { node { " + "parent { " * 12 + "id" + " }" * 12 + " } } } }"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_SYNTAX"),
        ("{ nothing }", "GRAPHQL_VALIDATION"),
        ("query($n: Int!) { organisations(first: $n) { totalCount } }", "GRAPHQL_VARIABLES"),
        ("subscription { changes { id } }", "SUBSCRIPTION_NEEDS_WEBSOCKET"),
        ("query A { me { name } } query B { me { name } }", "GRAPHQL_OPERATION_UNKNOWN"),
        ("fragment F on Query { me { name } }", "GRAPHQL_OPERATION_UNKNOWN"),
        ("", "GRAPHQL_REQUEST"),
        (DEEP, "QUERY_TOO_DEEP"),
        ("{" + " ".join(f"a{n}: me {{ name }}" for n in range(61)) + "}", "QUERY_TOO_MANY_ALIASES"),
        ("{" + " ".join("me { name }" for _ in range(31)) + "}", "QUERY_TOO_WIDE"),
        (LONG_FRAGMENTS, "QUERY_TOO_MANY_ALIASES"),
        (NESTED, "QUERY_TOO_COSTLY"),
        ("{ me { " + "name " * 4000 + "} }", "GRAPHQL_SYNTAX"),
    ],
)  # fmt: skip
async def test_a_document_that_cannot_run_has_a_code(worker: Client, query: str, code: str) -> None:
    told = await worker.ask(query)
    assert code in [error["extensions"]["code"] for error in told["errors"]]
    assert all(error["extensions"]["requestId"] for error in told["errors"])
    assert not told.get("data")


async def test_a_limit_says_itself_and_the_figure(worker: Client) -> None:
    told = await worker.ask(NESTED, language="en")
    rows, cost = told["errors"]
    assert (rows["extensions"]["code"], cost["extensions"]["code"]) == (
        "QUERY_TOO_MANY_ROWS",
        "QUERY_TOO_COSTLY",
    )
    assert rows["extensions"]["limit"] == 20_000
    assert rows["extensions"]["figure"] == 1_010_100
    assert rows["message"] == "The operation could return 1010100 rows; the limit is 20000"
    assert rows["extensions"]["nextStep"] == "Ask for smaller pages or fewer nested lists"
    assert cost["extensions"]["limit"] == 50_000
    assert cost["extensions"]["figure"] == 1_040_402
    assert cost["message"] == "The operation costs 1040402; the limit is 50000"


async def test_cost_counts_variables(worker: Client) -> None:
    query = NESTED.replace("first: 100", "first: $n").replace("{", "query($n: Int!) {", 1)
    assert "errors" not in await worker.ask(query, n=3)
    told = await worker.ask(query, n=100)
    assert {error["extensions"]["code"] for error in told["errors"]} == {
        "QUERY_TOO_MANY_ROWS",
        "QUERY_TOO_COSTLY",
    }


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "标识无效"),
        ("en-GB", "This is no global id"),
        ("fr, en;q=0.5, zh;q=0.4", "This is no global id"),
        ("fr", "标识无效"),
        ("en;q=x, zh", "标识无效"),
    ],
)
async def test_errors_speak_the_readers_language(worker: Client, header: str, text: str) -> None:
    error = await worker.error('{ node(id: "x") { id } }', language=header)
    assert error["message"] == text
    assert error["extensions"]["code"] == "ID_INVALID"
    assert error["path"] == ["node"]


async def test_an_unforeseen_error_is_masked(
    worker: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    query = """{ organisations(first: 1, orderBy: [{ field: NAME }]) {
      edges { node { name proofFailing } } } }"""
    told = await worker.ask(query, language="en")
    (error,) = told["errors"]
    assert error["extensions"]["code"] == "INTERNAL_ERROR"
    assert error["extensions"]["requestId"] in error["message"]
    assert "hunter2" not in json.dumps(told)
    node = told["data"]["organisations"]["edges"][0]["node"]
    assert node == {"name": "yichang 000", "proofFailing": None}


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 400, "TENANT_MISSING"),
        ({"x-jingwei-tenant": "atlantis"}, 404, "TENANT_NOT_FOUND"),
        ({"x-jingwei-tenant": "yichang"}, 401, "TOKEN_MISSING"),
        ({"x-jingwei-tenant": "yichang", "authorization": "Basic x"}, 401, "TOKEN_MISSING"),
        ({"x-jingwei-tenant": "yichang", "authorization": "Bearer x"}, 401, "TOKEN_INVALID"),
    ],
)
async def test_nobody_in_particular_is_refused(
    worker: Client, headers: dict[str, str], status: int, code: str
) -> None:
    answer = await worker.http.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
    assert answer.status_code == status
    assert answer.json()["errors"][0]["extensions"]["code"] == code


async def test_a_token_of_another_tenant_is_worthless(base_url: str, worker: Client) -> None:
    headers = {"x-jingwei-tenant": "changzhi", "authorization": f"Bearer {worker.token}"}
    body = {"query": "{ __schema { types { name } } }"}
    answer = await worker.http.post("/graphql", json=body, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["extensions"]["code"] == "TOKEN_INVALID"
    assert "data" not in answer.json()


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "", "application/json; charset=gbk"],
)
async def test_only_json_is_taken(worker: Client, content_type: str) -> None:
    answer = await worker.http.post(
        "/graphql",
        content=b'{"query": "{ __typename }"}',
        headers=worker.headers(**{"content-type": content_type}),
    )
    assert answer.status_code == 415
    assert answer.json()["errors"][0]["extensions"]["code"] == "CONTENT_TYPE"


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"query": 1}', b"\xff", b'"{ me { name } }"', b'{"a":' * 20_000]
)
async def test_a_body_that_is_no_request_is_refused(worker: Client, body: bytes) -> None:
    answer = await worker.http.post(
        "/graphql", content=body, headers=worker.headers(**{"content-type": "application/json"})
    )
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "GRAPHQL_REQUEST"


async def test_a_body_that_is_too_large_is_refused(worker: Client) -> None:
    answer = await worker.post("/graphql", {"query": "#" + "x" * 1_100_000})
    assert answer.status_code == 413
    assert answer.json()["errors"][0]["extensions"]["code"] == "HTTP_TOO_LARGE"


@pytest.mark.parametrize("body", [b"[]", b' [{"query": "{ __typename }"}]', b"[" * 20_000])
async def test_a_batch_is_refused(worker: Client, body: bytes) -> None:
    answer = await worker.http.post(
        "/graphql", content=body, headers=worker.headers(**{"content-type": "application/json"})
    )
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "GRAPHQL_BATCH"


async def test_get_without_a_query_is_for_browsers_only(worker: Client) -> None:
    answer = await worker.http.get("/graphql", headers=worker.headers())
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.json()["errors"][0]["extensions"]["code"] == "HTTP_METHOD"


@pytest.mark.parametrize("directive", ["@defer", "@stream", "@live"])
async def test_what_is_not_offered_is_unknown(worker: Client, directive: str) -> None:
    error = await worker.error(f"{{ me {{ name }} ... {directive} {{ me {{ id }} }} }}")
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION"
    assert directive in error["message"]
    schema = await worker.data("{ __schema { directives { name } } }")
    names = {one["name"] for one in schema["__schema"]["directives"]}
    assert names <= {"include", "skip", "deprecated", "specifiedBy", "oneOf"}


async def test_the_newer_media_type_has_honest_status_codes(worker: Client) -> None:
    async def ask(query: str, accept: str) -> httpx.Response:
        return await worker.post("/graphql", {"query": query}, accept=accept)

    new = "application/graphql-response+json"
    good = await ask("{ __typename }", new)
    assert (good.status_code, good.headers["content-type"]) == (200, f"{new}; charset=utf-8")
    assert (await ask("{ nothing }", new)).status_code == 400
    assert (await ask("{ nothing }", "application/json")).status_code == 200
    assert "data" not in (await ask("{ nothing }", "application/json")).json()


async def test_every_answer_is_guarded_and_named(worker: Client) -> None:
    answer = await worker.post("/graphql", {"query": "{ __typename }"}, **{"x-request-id": "a-1"})
    assert answer.headers["x-request-id"] == "a-1"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["cache-control"] == "no-store"
    answer = await worker.http.get("/nowhere", headers={"x-request-id": "<script>"})
    assert answer.status_code == 404
    assert answer.headers["x-request-id"].isalnum()
    assert answer.json()["errors"][0]["extensions"]["code"] == "HTTP_NOT_FOUND"


async def test_only_listed_origins_may_call_from_their_pages(worker: Client) -> None:
    ask = {"access-control-request-method": "POST"}
    good = await worker.http.options("/graphql", headers={"origin": "https://grid.example", **ask})
    assert good.headers["access-control-allow-origin"] == "https://grid.example"
    assert "access-control-allow-credentials" not in good.headers
    bad = await worker.http.options("/graphql", headers={"origin": "https://evil.example", **ask})
    assert "access-control-allow-origin" not in bad.headers


async def test_a_suspended_account_and_a_suspended_tenant_are_refused(
    base_url: str, world: World
) -> None:
    async with Client(base_url, "changzhi") as client:
        await client.sign_in("idle")
        city = world.changzhi
        await city.value("UPDATE core.account SET status = 'suspended' WHERE login = 'idle'"
                         " RETURNING id")  # fmt: skip
        told: dict[str, Any] = await client.ask("{ me { name } }")
        assert told["errors"][0]["extensions"]["code"] == "SESSION_ENDED"
        assert "data" not in told
        answer = await client.post("/auth/sign-in", {"login": "idle", "password": "x"})
        assert answer.status_code == 401
        assert answer.json()["errors"][0]["extensions"]["code"] == "SIGN_IN_FAILED"


async def test_health_tells_a_running_process(worker: Client) -> None:
    for path in ("/health/live", "/health/ready"):
        answer = await worker.http.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_an_address_that_tries_too_often_has_to_wait(
    platform: Platform, world: World
) -> None:
    app = create_app(platform, ApiSettings(auth_calls_per_minute=3))
    transport = httpx.ASGITransport(app=app, client=("192.0.2.7", 4000))
    elsewhere = httpx.ASGITransport(app=app, client=("192.0.2.8", 4000))
    guess = {"login": "nobody", "password": "guess"}
    headers = {"X-Jingwei-Tenant": "yichang", "Accept-Language": "en"}

    async def attempt(via: httpx.ASGITransport) -> httpx.Response:
        async with httpx.AsyncClient(transport=via, base_url="http://api") as client:
            return await client.post("/auth/sign-in", json=guess, headers=headers)

    statuses = [(await attempt(transport)).status_code for _ in range(4)]
    refused = await attempt(transport)

    assert statuses == [401, 401, 401, 429]
    assert refused.json()["errors"][0]["extensions"]["code"] == "HTTP_TOO_MANY"
    assert (await attempt(elsewhere)).status_code == 401
