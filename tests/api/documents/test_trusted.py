"""Trusted documents: read from what a build wrote, asked for by digest, and nothing else if so."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from jingwei_api.app import create_app
from jingwei_api.documents.manifests import APOLLO, digest, read_documents
from jingwei_api.documents.trusted import open_documents
from jingwei_api.settings import ApiSettings
from jingwei_core.platform import Platform
from jingwei_sdk.errors import Refused
from tests.api.client import Client
from tests.api.conftest import serving
from tests.api.world import World

ME = "query Me { me { name } }"
FIRST = "query First($n: Int) {\n  organisations(first: $n) { edges { node { name } } } # 网格\n}\n"
RENAME = 'mutation M { accountResume(id: "x", idempotencyKey: "k") { replayed } }'
CHANGES = "subscription S { changes { id } }"
ALL = (ME, FIRST, RENAME, CHANGES)
INTROSPECTION = "{ __schema { types { name } } }"


def relay(folder: Path, documents: dict[str, str]) -> Path:
    path = folder / "persisted.json"
    path.write_text(json.dumps(documents), encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """All three forms: files, also below the folder, and both manifests."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "me.graphql").write_text(ME, encoding="utf-8")
    (tmp_path / "deep" / "first.gql").write_text(FIRST, encoding="utf-8")
    (tmp_path / "README.md").write_text("not a document", encoding="utf-8")
    relay(tmp_path, {digest(RENAME): RENAME})
    entries = [{"id": digest(CHANGES), "name": "S", "type": "subscription", "body": CHANGES}]
    manifest = {"format": APOLLO, "version": 1, "operations": entries}
    (tmp_path / "apollo.json").write_text(json.dumps(manifest), encoding="utf-8")
    return tmp_path


def test_every_form_is_read_and_has_the_digest_as_its_id(folder: Path) -> None:
    found = {one.id: one.text for one in read_documents(folder)}
    assert found == {digest(text): text for text in ALL}
    assert [one.text for one in read_documents(folder / "me.graphql")] == [ME]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ({digest(ME): FIRST}, "TRUSTED_ID"),
        ({"0" * 32: ME}, "TRUSTED_ID"),  # MD5, Relay's default
        ({digest("{"): "{"}, "TRUSTED_SYNTAX"),
        ({digest(ME): 7}, "TRUSTED_UNREADABLE"),
        ({"": ME}, "TRUSTED_UNREADABLE"),
        ([], "TRUSTED_UNREADABLE"),
        ({"format": APOLLO}, "TRUSTED_UNREADABLE"),
        ({"format": APOLLO, "operations": [1]}, "TRUSTED_UNREADABLE"),
        ({"format": APOLLO, "operations": [{"id": "x", "body": ME}]}, "TRUSTED_ID"),
    ],
)
def test_a_manifest_that_is_wrong_stops_the_start(tmp_path: Path, content: Any, code: str) -> None:
    path = relay(tmp_path, content)
    with pytest.raises(Refused) as refused:
        open_documents(ApiSettings(trusted_documents=path))
    assert refused.value.code == code


@pytest.mark.parametrize("raw", [b"{", b"\xff\xfe", None])
def test_a_file_that_cannot_be_read_stops_the_start(tmp_path: Path, raw: bytes | None) -> None:
    path = tmp_path / "manifest.json"
    if raw is not None:
        path.write_bytes(raw)
    with pytest.raises(Refused) as refused:
        open_documents(ApiSettings(trusted_documents=path))
    assert refused.value.code == "TRUSTED_UNREADABLE"


def test_only_trusted_documents_without_any_is_a_mistake() -> None:
    with pytest.raises(Refused) as refused:
        open_documents(ApiSettings(trusted_only=True))
    assert refused.value.code == "TRUSTED_MISSING"


def test_links_out_of_the_folder_are_not_walked(folder: Path, tmp_path_factory: Any) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "bad.graphql").write_text("{", encoding="utf-8")
    os.symlink(elsewhere, folder / "link")
    assert len(list(read_documents(folder))) == len(ALL)


@asynccontextmanager
async def signed_in(platform: Platform, settings: ApiSettings) -> AsyncIterator[Client]:
    async with serving(create_app(platform, settings)) as url, Client(url, "yichang") as client:
        await client.sign_in("worker")
        yield client


@pytest.fixture
async def strict(platform: Platform, world: World, folder: Path) -> AsyncIterator[Client]:
    """A server that runs trusted documents only."""
    async with signed_in(
        platform, ApiSettings(trusted_documents=folder, trusted_only=True)
    ) as client:
        yield client


@pytest.fixture
async def lenient(platform: Platform, world: World, folder: Path) -> AsyncIterator[Client]:
    """A server that knows trusted documents and takes others."""
    async with signed_in(platform, ApiSettings(trusted_documents=folder)) as client:
        yield client


def apollo(text: str) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": digest(text)}}


def code(answer: httpx.Response) -> str:
    error = answer.json()["errors"][0]
    assert "data" not in answer.json()
    found: str = error["extensions"]["code"]
    return found


async def test_a_document_is_asked_for_by_its_digest(strict: Client) -> None:
    forms: list[dict[str, Any]] = [
        {"documentId": f"sha256:{digest(FIRST)}"},
        {"documentId": digest(FIRST)},
        {"documentId": digest(FIRST).upper()},
        {"extensions": apollo(FIRST)},
        {"query": FIRST},  # the text itself is as trusted
        {"query": FIRST, "extensions": apollo(FIRST)},
    ]
    for form in forms:
        answer = await strict.post("/graphql", {**form, "variables": {"n": 1}})
        assert len(answer.json()["data"]["organisations"]["edges"]) == 1, form


async def test_it_may_be_asked_for_by_get(strict: Client) -> None:
    for given in ({"documentId": digest(ME)}, {"extensions": json.dumps(apollo(ME))}):
        answer = await strict.http.get("/graphql", params=given, headers=strict.headers())
        assert answer.json()["data"]["me"]["name"]
    given = {"documentId": digest(RENAME)}
    answer = await strict.http.get("/graphql", params=given, headers=strict.headers())
    assert (answer.status_code, code(answer)) == (405, "GET_ONLY_QUERIES")


@pytest.mark.parametrize("query", ["{ me { id } }", ME + " ", INTROSPECTION, "{"])
async def test_any_other_text_is_refused(strict: Client, query: str) -> None:
    answer = await strict.post("/graphql", {"query": query})
    assert (answer.status_code, code(answer)) == (400, "DOCUMENT_NOT_TRUSTED")
    answer = await strict.http.get("/graphql", params={"query": query}, headers=strict.headers())
    assert code(answer) == "DOCUMENT_NOT_TRUSTED"


@pytest.mark.parametrize("name", ["0" * 64, "sha256:" + "0" * 64, "sha1:00", "me.graphql", ""])
async def test_an_unknown_id_is_told(strict: Client, lenient: Client, name: str) -> None:
    for client in (strict, lenient):
        answer = await client.post("/graphql", {"documentId": name})
        assert (answer.status_code, code(answer)) == (400, "DOCUMENT_UNKNOWN")


async def test_clients_of_apollo_read_what_they_know(
    strict: Client, lenient: Client, worker: Client
) -> None:
    """They then send the text; where no document is known at all they stop sending digests."""
    other = "{ me { id } }"
    for client, message in (
        (strict, "PersistedQueryNotFound"),
        (lenient, "PersistedQueryNotFound"),
        (worker, "PersistedQueryNotSupported"),
    ):
        answer = await client.post("/graphql", {"extensions": apollo(other)})
        assert code(answer) == "DOCUMENT_UNKNOWN"
        assert answer.json()["errors"][0]["message"] == message
    told = await lenient.post("/graphql", {"query": other, "extensions": apollo(other)})
    assert told.json()["data"]["me"]["id"]


async def test_a_text_that_does_not_fit_its_digest_is_refused(lenient: Client) -> None:
    for form in ({"extensions": apollo(FIRST)}, {"documentId": digest(FIRST)}):
        answer = await lenient.post("/graphql", {"query": ME, **form})
        assert code(answer) == "DOCUMENT_HASH"


async def test_nothing_is_learnt_from_clients(lenient: Client) -> None:
    """Apollo's servers keep what a client sends with a digest; ours does not."""
    other = "{ me { id name } }"
    await lenient.post("/graphql", {"query": other, "extensions": apollo(other)})
    answer = await lenient.post("/graphql", {"extensions": apollo(other)})
    assert code(answer) == "DOCUMENT_UNKNOWN"


async def test_sockets_keep_the_same_rules(strict: Client) -> None:
    async with strict.socket() as socket:
        for name, payload, told in (
            ("a", {"query": "{ me { id } }"}, "DOCUMENT_NOT_TRUSTED"),
            ("b", {"query": INTROSPECTION}, "DOCUMENT_NOT_TRUSTED"),
            ("c", {"documentId": "0" * 64}, "DOCUMENT_UNKNOWN"),
            ("d", {"variables": {}}, "GRAPHQL_REQUEST"),
        ):
            await socket.send(id=name, type="subscribe", payload=payload)
            answer = await socket.receive()
            assert (answer["id"], answer["type"]) == (name, "error")
            assert answer["payload"][0]["extensions"]["code"] == told
        await socket.send(id="e", type="subscribe", payload={"documentId": digest(ME)})
        answer = await socket.receive()
        assert answer["payload"]["data"]["me"]["name"]
