"""Commands as mutations: once for each key, told by field, read after the commit."""

import asyncio
import unicodedata
import uuid
from typing import Any

import pytest

from jingwei_api.schema import global_id
from tests.api.client import PASSWORD, Client
from tests.api.world import GRID, SIBLING, City, World

REGISTER = """
mutation Register($input: OrganisationRegisterInput!, $key: String!) {
  organisationRegister(input: $input, idempotencyKey: $key) {
    replayed
    organisation { id name version place { name } proofBatch }
  }
}
"""
CHANGE = """
mutation Change($id: ID!, $input: OrganisationChangeInput!, $version: Int, $key: String!) {
  organisationChange(id: $id, input: $input, expectedVersion: $version, idempotencyKey: $key) {
    organisation { name version }
  }
}
"""


def _key() -> str:
    return uuid.uuid4().hex


async def _count(city: City) -> int:
    found: int = await city.value("SELECT count(*) FROM core.organisation")
    return found


async def _audited(city: City) -> int:
    found: int = await city.value("SELECT count(*) FROM core.audit_entry")
    return found


def _new(city: City, name: str, path: str = GRID) -> dict[str, Any]:
    return {"placeId": global_id.encode("Place", city.places[path]), "name": name}


async def test_a_command_runs_once_for_each_key(chief: Client, world: World) -> None:
    city, key = world.yichang, _key()
    before = await _count(city)
    given = {"input": _new(city, "一号厂"), "key": key}
    first = (await chief.data(REGISTER, **given))["organisationRegister"]
    again = (await chief.data(REGISTER, **given))["organisationRegister"]
    assert first["replayed"] is False
    assert again == {**first, "replayed": True}
    assert first["organisation"]["place"]["name"] == f"yichang{GRID}"
    assert await _count(city) == before + 1
    other = await chief.error(REGISTER, input=_new(city, "二号厂"), key=key)
    assert other["extensions"]["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert await _count(city) == before + 1


async def test_the_same_key_at_the_same_moment_acts_once(chief: Client, world: World) -> None:
    city, key = world.yichang, _key()
    before = await _count(city)
    given = {"input": _new(city, "并发厂"), "key": key}
    told = await asyncio.gather(*(chief.data(REGISTER, **given) for _ in range(5)))
    answers = [one["organisationRegister"] for one in told]
    assert sorted(one["replayed"] for one in answers) == [False, True, True, True, True]
    assert len({one["organisation"]["id"] for one in answers}) == 1
    assert await _count(city) == before + 1


async def test_a_text_is_stored_in_nfc_and_its_key_is_that_of_the_stored_text(
    chief: Client, world: World
) -> None:
    city, key = world.yichang, _key()
    given = {"input": _new(city, unicodedata.normalize("NFD", "Café 厂")), "key": key}
    told = (await chief.data(REGISTER, **given))["organisationRegister"]["organisation"]
    stored = await city.value(
        "SELECT name FROM core.organisation ORDER BY created_at DESC, id DESC LIMIT 1"
    )
    assert told["name"] == stored == unicodedata.normalize("NFC", "Café 厂")
    composed = {"input": _new(city, unicodedata.normalize("NFC", "Café 厂")), "key": key}
    assert (await chief.data(REGISTER, **composed))["organisationRegister"]["replayed"] is True


async def test_mutations_of_a_document_run_one_after_another(chief: Client, world: World) -> None:
    query = """mutation($here: ID!, $a: String!, $b: String!, $c: String!) {
      a: organisationRegister(input: { placeId: $here, name: "甲" }, idempotencyKey: $a)
        { organisation { name } }
      b: organisationRegister(input: { placeId: "x", name: "乙" }, idempotencyKey: $b)
        { organisation { name } }
      c: organisationRegister(input: { placeId: $here, name: "丙" }, idempotencyKey: $c)
        { organisation { name place { name } } }
    }"""
    here = global_id.encode("Place", world.yichang.places[GRID])
    before = await _count(world.yichang)
    told = await chief.ask(query, here=here, a=_key(), b=_key(), c=_key())
    assert told["data"] == {
        "a": {"organisation": {"name": "甲"}},
        "b": None,
        "c": {"organisation": {"name": "丙", "place": {"name": f"yichang{GRID}"}}},
    }
    (error,) = told["errors"]
    assert error["path"] == ["b"]
    assert error["extensions"]["field"] == "input.placeId"
    assert await _count(world.yichang) == before + 2


async def test_a_version_that_moved_on_is_told(chief: Client, world: World) -> None:
    city = world.yichang
    made = await chief.data(REGISTER, input=_new(city, "改名前"), key=_key())
    row = made["organisationRegister"]["organisation"]
    given = {"id": row["id"], "input": {"name": "改名后"}, "version": row["version"]}
    changed = await chief.data(CHANGE, **given, key=_key())
    assert changed["organisationChange"]["organisation"] == {
        "name": "改名后",
        "version": row["version"] + 1,
    }
    error = await chief.error(CHANGE, **given, key=_key())
    assert error["extensions"]["code"] == "ROW_CHANGED"


async def test_what_is_refused_leaves_no_trace(worker: Client, chief: Client, world: World) -> None:
    city = world.yichang
    before = await _count(city), await _audited(city)
    target = global_id.encode("Organisation", city.organisations[0])
    denied = await worker.error(REGISTER, input=_new(city, "越权"), key=_key())
    assert denied["extensions"]["code"] == "PERMISSION_DENIED"
    denied = await worker.error(CHANGE, id=target, input={"name": "越权"}, key=_key())
    assert denied["extensions"]["code"] == "PERMISSION_DENIED"
    foreign = _new(world.changzhi, "邻市")
    assert (await chief.error(REGISTER, input=foreign, key=_key()))["extensions"]["code"] == (
        "PLACE_NOT_FOUND"
    )
    elsewhere = global_id.encode("Organisation", world.changzhi.organisations[0])
    missing = await chief.error(CHANGE, id=elsewhere, input={"name": "邻市"}, key=_key())
    assert missing["extensions"]["code"] == "ROW_NOT_FOUND"
    assert "changzhi" not in str(missing)
    for key in ("", " ", "x" * 201, "a\nb"):
        error = await chief.error(REGISTER, input=_new(city, "钥匙"), key=key)
        assert error["extensions"]["code"] == "IDEMPOTENCY_KEY_INVALID"
    long = await chief.error(REGISTER, input=_new(city, "长" * 201), key=_key())
    assert long["extensions"]["code"] == "INPUT_INVALID"
    assert long["extensions"]["field"] == "input.name"
    assert (await _count(city), await _audited(city)) == before


async def test_a_session_is_renewed_and_ended(base_url: str, world: World) -> None:
    async with Client(base_url, "yichang") as client:
        first = await client.sign_in("idle")
        assert set(first) == {
            *("accountId", "name", "accessToken", "accessExpiresAt"),
            *("refreshToken", "refreshExpiresAt"),
        }
        answer = await client.post("/auth/refresh", {"refreshToken": client.refresh_token})
        assert answer.status_code == 200
        client.token = answer.json()["accessToken"]
        assert (await client.data("{ me { name } }"))["me"]["name"] == "yichang idle"
        reused = await client.post("/auth/refresh", {"refreshToken": client.refresh_token})
        assert reused.status_code == 401
        assert reused.json()["errors"][0]["extensions"]["code"] == "REFRESH_TOKEN_REUSED"
        assert (await client.post("/auth/sign-out-everywhere", {})).status_code == 204
        ended = await client.ask("{ me { name } }")
        assert ended["errors"][0]["extensions"]["code"] == "SESSION_ENDED"
        await client.sign_in("idle")
        changed = await client.post(
            "/auth/change-password",
            {"currentPassword": PASSWORD, "newPassword": "a new and longer secret"},
        )
        assert changed.status_code == 200
        client.token = changed.json()["accessToken"]
        token = {"refreshToken": changed.json()["refreshToken"]}
        assert (await client.post("/auth/sign-out", token)).status_code == 204
        assert (await client.post("/auth/refresh", token)).status_code == 401


@pytest.mark.parametrize("body", [{}, {"login": "idle"}, {"login": 1, "password": "hunter2"}])
async def test_a_sign_in_that_is_none_quotes_nothing(worker: Client, body: dict[str, Any]) -> None:
    answer = await worker.post("/auth/sign-in", body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "REQUEST_INVALID"
    assert "hunter2" not in answer.text


async def test_a_sibling_of_the_grid_is_out_of_reach(world: World, worker: Client) -> None:
    query = "query($id: ID!) { organisations(under: $id) { totalCount } place(id: $id) { id } }"
    sibling = global_id.encode("Place", world.yichang.places[SIBLING])
    assert await worker.data(query, id=sibling) == {
        "organisations": {"totalCount": 0},
        "place": None,
    }
