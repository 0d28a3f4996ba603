"""Queries by GET and the choice of media types, beyond what the public audits ask."""

from typing import Any

import httpx
import pytest

from jingwei_api.http.negotiation import GRAPHQL_JSON, JSON, chosen, is_json
from tests.api.client import Client


async def get(client: Client, accept: str = JSON, **given: str) -> httpx.Response:
    return await client.http.get("/graphql", params=given, headers=client.headers(accept=accept))


def code(answer: httpx.Response) -> str:
    found: str = answer.json()["errors"][0]["extensions"]["code"]
    return found


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (GRAPHQL_JSON, GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}, {JSON}", GRAPHQL_JSON),
        (f"{JSON}, {GRAPHQL_JSON}", JSON),
        (f"{GRAPHQL_JSON}; charset=utf-8, {JSON};q=0.9", GRAPHQL_JSON),
        (f"{JSON};q=0.2,{GRAPHQL_JSON};q=0.3", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON};q=0, {JSON}", JSON),
        (f"*/*, {GRAPHQL_JSON}", GRAPHQL_JSON),
        ("text/html, */*;q=0.1", JSON),
        ("TEXT/HTML", None),
        ("text/html;q=1, image/*", None),
        (f"{JSON};q=0", None),
        (f"{JSON};q=much", None),
    ],
)
def test_the_client_chooses_the_media_type(accept: str, media_type: str | None) -> None:
    assert chosen(accept) == media_type


@pytest.mark.parametrize(
    ("content_type", "taken"),
    [
        ("application/json", True),
        ('Application/JSON; charset="UTF-8"', True),
        ("application/json;charset=gb18030", False),
        ("application/jsonp", False),
        ("text/plain", False),
        ("", False),
    ],
)
def test_only_json_in_utf_8_is_taken(content_type: str, taken: bool) -> None:
    assert is_json(content_type) is taken


async def test_a_query_by_get_is_answered(worker: Client) -> None:
    query = "query Q($n: Int) { organisations(first: $n) { edges { node { name } } } }"
    variables = '{"n": 1}'
    answer = await get(worker, query=query, variables=variables, operationName="Q")
    assert answer.status_code == 200
    assert len(answer.json()["data"]["organisations"]["edges"]) == 1
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("kind", ["mutation", "subscription"])
async def test_only_queries_go_by_get(worker: Client, kind: str) -> None:
    """Also when the document holds a query as well, and whatever is asked in it."""
    answer = await get(
        worker, query=f"query A {{ __typename }} {kind} B {{ __typename }}", operationName="B"
    )
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert code(answer) == "GET_ONLY_QUERIES"


@pytest.mark.parametrize(
    "given",
    [
        {"query": "{ __typename }", "variables": "{"},
        {"query": "{ __typename }", "variables": "[]"},
        {"query": "{ __typename }", "extensions": "1"},
        {"query": ""},
    ],
)
async def test_a_query_string_that_is_no_request_is_refused(
    worker: Client, given: dict[str, str]
) -> None:
    answer = await get(worker, **given)
    assert answer.status_code == 400
    assert code(answer) == "GRAPHQL_REQUEST"


@pytest.mark.parametrize("missing", ["authorization", "x-jingwei-tenant"])
async def test_a_link_of_a_foreign_page_carries_nobody(worker: Client, missing: str) -> None:
    """A browser sends neither header by itself, and there are no cookies."""
    headers = worker.headers(accept=JSON, cookie=f"token={worker.token}")
    del headers[missing]
    answer = await worker.http.get("/graphql", params={"query": "{ me { name } }"}, headers=headers)
    assert answer.status_code in (400, 401)
    assert "data" not in answer.json()


async def test_a_client_that_takes_no_json_is_told_so(worker: Client) -> None:
    answer = await worker.post("/graphql", {"query": "{ __typename }"}, accept="text/html")
    assert (answer.status_code, code(answer)) == (406, "NOT_ACCEPTABLE")
    assert (await get(worker, "image/png", query="{ __typename }")).status_code == 406


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_other_methods_are_refused(worker: Client, method: str) -> None:
    answer = await worker.http.request(method, "/graphql", headers=worker.headers())
    assert answer.status_code == 405
    assert set(answer.headers["allow"].replace(" ", "").split(",")) >= {"GET", "POST"}


@pytest.mark.parametrize("media_type", [JSON, GRAPHQL_JSON])
async def test_refusals_have_the_media_type_that_was_asked_for(
    worker: Client, media_type: str
) -> None:
    body: dict[str, Any] = {"variables": {}}
    answer = await worker.post("/graphql", body, accept=media_type)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"
