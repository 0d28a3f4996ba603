"""A device that was offline for days: each of its actions once, in order, with its own outcome."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jingwei_api.schema import global_id
from tests.api.client import Client
from tests.api.test_samples import DOCS
from tests.api.world import GRID, SIBLING, City, World

pytestmark = pytest.mark.usefixtures("organisations_as_before")
BATCH = (DOCS / "samples" / "offline-batch.graphql").read_text(encoding="utf-8")
READ = "query Read($id: ID!) { organisation(id: $id) { name version } }"


def _ago(days: float = 2) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


def _place(city: City, path: str = GRID) -> str:
    return global_id.encode("Place", city.places[path])


def _action(
    mutation: str, arguments: dict[str, Any], key: str = "", happened: str = ""
) -> dict[str, Any]:
    return {
        "key": key or uuid.uuid4().hex,
        "mutation": mutation,
        "arguments": arguments,
        "happenedAt": happened or _ago(),
    }


def _register(city: City, name: str, **more: str) -> dict[str, Any]:
    given = {"input": {"placeId": _place(city), "name": name}}
    return _action("organisationRegister", given, **more)


def _change(row: str, name: str, version: int | None = None, **more: str) -> dict[str, Any]:
    given = {"id": row, "input": {"name": name}, "expectedVersion": version}
    return _action("organisationChange", given, **more)


async def _send(client: Client, *actions: dict[str, Any], **more: Any) -> dict[str, Any]:
    told = await client.data(BATCH, input={"actions": list(actions), **more})
    result: dict[str, Any] = told["offlineBatch"]["result"]
    return result


def _statuses(result: dict[str, Any]) -> list[str]:
    return [outcome["status"] for outcome in result["outcomes"]]


async def _count(city: City) -> int:
    found: int = await city.value("SELECT count(*) FROM core.organisation")
    return found


async def test_two_days_of_work_arrive_once_however_often_they_are_sent(
    chief: Client, world: World
) -> None:
    city, first = world.yichang, uuid.uuid4().hex
    before = await _count(city)
    actions = (
        _register(city, "离线登记", key=first),
        _change(f"@row:{first}", "离线登记一"),
        _change(f"@row:{first}", "离线登记二"),
    )
    result = await _send(chief, *actions)
    assert _statuses(result) == ["APPLIED"] * 3
    assert len({outcome["rowId"] for outcome in result["outcomes"]}) == 1
    again = await _send(chief, *actions)
    assert _statuses(again) == ["REPLAYED"] * 3
    assert [one["rowId"] for one in again["outcomes"]] == [
        one["rowId"] for one in result["outcomes"]
    ]
    row = result["outcomes"][0]["rowId"]
    assert (await chief.data(READ, id=row))["organisation"] == {"name": "离线登记二", "version": 3}
    assert await _count(city) == before + 1


async def test_what_somebody_changed_meanwhile_is_shown_and_not_overwritten(
    chief: Client, world: World
) -> None:
    (made,) = (await _send(chief, _register(world.yichang, "两人都改")))["outcomes"]
    row = made["rowId"]
    assert _statuses(await _send(chief, _change(row, "办公室先改", 1))) == ["APPLIED"]
    result = await _send(
        chief, _change(row, "手机后到", 1), _register(world.yichang, "其后一项照办")
    )
    assert _statuses(result) == ["CONFLICT", "APPLIED"]
    conflict = result["outcomes"][0]
    assert (conflict["code"], conflict["rowId"]) == ("ROW_CHANGED", row)
    assert conflict["message"]
    assert conflict["nextStep"]
    now = (await chief.data(READ, id=row))["organisation"]
    assert now == {"name": "办公室先改", "version": 2}


async def test_what_builds_on_a_refused_action_is_skipped(chief: Client, world: World) -> None:
    city, first = world.yichang, uuid.uuid4().hex
    before = await _count(city)
    bad = _action("organisationRegister", {"input": {"placeId": _place(city)}}, key=first)
    result = await _send(chief, bad, _change(f"@row:{first}", "无从改起"))
    assert _statuses(result) == ["REFUSED", "SKIPPED"]
    assert result["outcomes"][0]["code"] == "OFFLINE_ARGUMENTS"
    assert result["outcomes"][0]["field"] == "arguments.input"
    assert await _count(city) == before


@pytest.mark.parametrize(
    ("action", "code"),
    [
        (_action("organisationVanish", {}), "OFFLINE_MUTATION"),
        (_action("offlineBatch", {"input": {}}), "OFFLINE_MUTATION"),
        (_action("evidenceCommit", {"id": "x"}), "OFFLINE_MUTATION"),
        (_action("accountRevealPhone", {"id": "x", "input": {}}), "OFFLINE_MUTATION"),
        (_action("organisationRegister", {"idempotencyKey": "x"}), "OFFLINE_ARGUMENTS"),
        (_action("organisationRegister", {"input": {}, "more": 1}), "OFFLINE_ARGUMENTS"),
        (_change("@row:unknown", "没有"), "OFFLINE_ROW_UNKNOWN"),
        (_action("organisationRegister", {}, happened=_ago(30)), "OFFLINE_TOO_OLD"),
        (_action("organisationRegister", {}, happened=_ago(-1)), "OFFLINE_FUTURE"),
    ],
)
async def test_what_no_batch_takes_is_told_and_changes_nothing(
    chief: Client, world: World, action: dict[str, Any], code: str
) -> None:
    city = world.yichang
    before = await _count(city), await city.value("SELECT count(*) FROM core.audit_entry")
    (outcome,) = (await _send(chief, action))["outcomes"]
    assert (outcome["status"], outcome["code"]) == ("REFUSED", code)
    assert outcome["nextStep"]
    after = await _count(city), await city.value("SELECT count(*) FROM core.audit_entry")
    assert after == before


async def test_one_key_for_two_actions_refuses_the_batch_as_a_whole(
    chief: Client, world: World
) -> None:
    before = await _count(world.yichang)
    twice = (_register(world.yichang, "甲", key="same"), _register(world.yichang, "乙", key="same"))
    error = await chief.error(BATCH, input={"actions": list(twice)})
    assert error["extensions"]["code"] == "OFFLINE_KEY_TWICE"
    assert error["extensions"]["row"] == 2
    assert await _count(world.yichang) == before


async def test_more_than_a_batch_takes_is_refused(chief: Client, world: World) -> None:
    before = await _count(world.yichang)
    many = [_register(world.yichang, f"第{number}家") for number in range(51)]
    error = await chief.error(BATCH, input={"actions": many})
    assert error["extensions"]["code"] == "INPUT_INVALID"
    assert await _count(world.yichang) == before


async def test_a_device_is_told_what_left_its_scope(
    chief: Client, worker: Client, world: World
) -> None:
    here = (await _send(chief, _register(world.yichang, "在网格内")))["outcomes"][0]["rowId"]
    beside = _action(
        "organisationRegister",
        {"input": {"placeId": _place(world.yichang, SIBLING), "name": "在邻格"}},
    )
    away = (await _send(chief, beside))["outcomes"][0]["rowId"]
    gone = global_id.encode("Organisation", uuid.uuid4())
    held = [{"record": "Organisation", "ids": [here, away, gone]}]
    assert (await _send(worker, held=held))["left"] == [away, gone]
    assert (await _send(chief, held=held))["left"] == [gone]


async def test_a_batch_does_no_more_than_its_sender_may(worker: Client, world: World) -> None:
    before = await _count(world.yichang)
    (outcome,) = (await _send(worker, _register(world.yichang, "无权登记")))["outcomes"]
    assert (outcome["status"], outcome["code"]) == ("REFUSED", "PERMISSION_DENIED")
    assert await _count(world.yichang) == before
