"""Answers that are sent whole: the same as those that go through ASGI, also where HTTP is odd."""

import asyncio
import json
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest

from jingwei_api.app import create_app
from jingwei_core.platform import Platform
from tests.api.client import Client
from tests.api.conftest import serving

QUERY = {"query": "{ me { name } }"}
SECOND = {"query": "query Second { me { id } }"}
FAULTS = [
    {"query": "{ nothing }"},
    {"query": 1},
    {"query": "query A { me { name } } query B { me { id } }", "operationName": "C"},
]


@pytest.fixture(scope="module")
async def plain_url(platform: Platform, worker: Client) -> AsyncIterator[str]:
    """The same application behind uvicorn's own protocol."""
    async with serving(create_app(platform), http="httptools") as url:
        yield url


def posted(worker: Client, told: object, *, version: str = "1.1", **more: str) -> bytes:
    body = json.dumps(told).encode()
    named = {"content-type": "application/json", "host": "x", "x-request-id": "one-two"}
    headers = worker.headers(
        **named, **{name.replace("_", "-"): text for name, text in more.items()}
    )
    lines = [f"{name}: {value}" for name, value in headers.items()]
    head = "\r\n".join([f"POST /graphql HTTP/{version}", *lines, f"content-length: {len(body)}"])
    return head.encode() + b"\r\n\r\n" + body


class Wire:
    """A connection on which bytes are written as they are."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def answer(self) -> tuple[str, dict[str, str], bytes]:
        """Status line, headers and body of the next answer."""
        async with asyncio.timeout(10):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.split(": ", 1) for line in head[1:] if line)
            body = await self._reader.readexactly(int(headers.get("content-length", 0)))
        return head[0], headers, body

    async def ended(self) -> bool:
        """Whether the server closes, with nothing more said."""
        async with asyncio.timeout(10):
            return await self._reader.read() == b""


@pytest.fixture
async def wire(base_url: str) -> AsyncIterator[Wire]:
    place = urlsplit(base_url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    yield Wire(reader, writer)
    writer.close()


@pytest.mark.parametrize("told", [QUERY, *FAULTS])
@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json", "x/y"])
async def test_the_answer_is_the_one_that_goes_through_asgi(
    base_url: str, plain_url: str, worker: Client, told: object, accept: str
) -> None:
    headers = worker.headers(**{"accept": accept, "x-request-id": "one-two"})
    async with httpx.AsyncClient() as http:
        ours, plain = [
            await http.post(f"{url}/graphql", json=told, headers=headers)
            for url in (base_url, plain_url)
        ]
    assert ours.status_code == plain.status_code
    assert sorted(set(ours.headers) - {"date"}) == sorted(set(plain.headers) - {"date"})
    same = set(ours.headers) - {"date", "content-length"}
    assert {name: ours.headers[name] for name in same} == {n: plain.headers[n] for n in same}
    assert "date" in ours.headers
    assert ours.json().get("data") == plain.json().get("data")
    assert ours.json().get("errors") == plain.json().get("errors")


async def test_requests_in_one_packet_are_answered_in_their_order(
    wire: Wire, worker: Client
) -> None:
    wire.writer.write(posted(worker, QUERY) + posted(worker, SECOND) + posted(worker, FAULTS[0]))
    answers = [json.loads((await wire.answer())[2]) for _ in range(3)]
    assert list(answers[0]["data"]["me"]) == ["name"]
    assert list(answers[1]["data"]["me"]) == ["id"]
    assert "errors" in answers[2]


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_a_connection_that_is_to_be_closed_is(
    wire: Wire, worker: Client, version: str
) -> None:
    more = {"connection": "close"} if version == "1.1" else {}
    wire.writer.write(posted(worker, QUERY, version=version, **more))
    status, headers, _ = await wire.answer()
    assert status == "HTTP/1.1 200 OK"
    assert headers["connection"] == "close"
    assert await wire.ended()


async def test_a_client_that_asks_first_is_told_to_go_on(wire: Wire, worker: Client) -> None:
    head, _, body = posted(worker, QUERY, expect="100-continue").partition(b"\r\n\r\n")
    wire.writer.write(head + b"\r\n\r\n")
    assert (await wire.answer())[0] == "HTTP/1.1 100 Continue"
    wire.writer.write(body)
    assert (await wire.answer())[0] == "HTTP/1.1 200 OK"


async def test_a_body_too_large_is_refused_and_the_next_request_answered(
    base_url: str, worker: Client
) -> None:
    async with httpx.AsyncClient(base_url=base_url) as http:
        large = {"query": "{ me { name } }" + " " * 1024 * 1024}
        answer = await http.post("/graphql", json=large, headers=worker.headers())
        assert answer.status_code == 413
        assert answer.json()["errors"][0]["extensions"]["code"] == "HTTP_TOO_LARGE"
        assert (
            await http.post("/graphql", json=QUERY, headers=worker.headers())
        ).status_code == 200


async def test_pages_of_other_origins_are_told_whether_they_may_read(
    base_url: str, worker: Client
) -> None:
    async with httpx.AsyncClient(base_url=base_url) as http:
        for origin, may in (("https://grid.example", True), ("https://evil.example", False)):
            headers = worker.headers(origin=origin)
            answer = await http.post("/graphql", json=QUERY, headers=headers)
            assert answer.status_code == 200
            assert (answer.headers.get("access-control-allow-origin") == origin) is may
            assert answer.headers["x-content-type-options"] == "nosniff"
