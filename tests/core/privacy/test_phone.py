"""The phone of an account: masked for all, not overwritten by its mask, revealed on record."""

import json
import uuid
from datetime import datetime, timedelta

import pytest

from jingwei_core.access.tables import Account
from jingwei_core.reading.selection import Column, MaskedColumn
from jingwei_core.session import Request, account_context, system_context
from jingwei_sdk.errors import Denied, Invalid, JingweiError
from jingwei_sdk.personal import Masked
from tests.core.privacy.conftest import PHONE
from tests.core.reading.desk import answer, listed
from tests.core.runtime.city import City

SET, REVEAL = "account.set-phone", "account.reveal-phone"
WHY = {"purpose": "夜间值班联系"}


async def state(city: City) -> list[object]:
    """All that a refusal must leave alone."""
    return [
        await city.scalar(sql)
        for sql in (
            "SELECT json_agg(a ORDER BY id)::text FROM core.account a",
            "SELECT count(*) FROM core.audit_entry",
            "SELECT count(*) FROM core.command_key",
        )
    ]


async def changes(city: City) -> list[dict[str, object]]:
    found = await city.scalar(
        "SELECT changes::text FROM core.audit_entry ORDER BY sequence DESC LIMIT 1"
    )
    told: list[dict[str, object]] = json.loads(str(found))
    return told


@pytest.mark.parametrize("who", ["clerk", "admin", "chief"])
async def test_it_reads_masked_for_everybody(city: City, who: str) -> None:
    request = Request("zh", "r")
    worker = city.accounts["worker"]
    async with account_context(city.platform, city.tenant, city.identity(who), request) as ctx:
        phone = MaskedColumn("phone", "phone", (("shown", "shown"),))
        page = listed(ctx.registry.record("Account"), Column("name", "name"), phone)
        found = await answer(ctx, page)
        row = await ctx.records.get(ctx, "Account", worker)
    nodes = [edge["node"] for edge in found["list"]["edges"]]
    shown = {node["name"]: node["phone"] for node in nodes}
    assert shown["worker"] == {"shown": "138****5678"}
    assert shown["idle"] == {"shown": "139****1111"}
    assert shown["clerk"] is None
    assert row["phone"] == Masked("138****5678")


@pytest.mark.parametrize("given", ["138 1234 5679", "+86-138-1234-5679", "008613812345679"])
async def test_it_is_kept_as_eleven_digits(city: City, given: str) -> None:
    answer = await city.run(
        "admin", "account.create", {"login": "n-1", "name": "新", "phone": given}
    )
    assert await city.scalar("SELECT phone FROM core.account WHERE id = $1", answer.row_id) == (
        "13812345679"
    )


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("138****5678", "MASKED_VALUE_WRITTEN"),
        ("138＊＊＊＊5678", "MASKED_VALUE_WRITTEN"),
        ("1381234567", "PHONE_INVALID"),
        ("12812345678", "PHONE_INVALID"),
        ("１３８１２３４５６７８", "PHONE_INVALID"),
        ("", "PHONE_INVALID"),
    ],
)
async def test_a_masked_or_wrong_number_changes_nothing(city: City, given: str, code: str) -> None:
    before = await state(city)
    worker = city.accounts["worker"]
    new = {"login": "n-1", "name": "新", "phone": given}
    with pytest.raises(Invalid) as changed:
        await city.run("admin", SET, {"phone": given}, target_id=worker, key="k1")
    with pytest.raises(Invalid) as created:
        await city.run("admin", "account.create", new, key="k2")
    assert [e.value.code for e in (changed, created)] == [code, code]
    assert [e.value.field for e in (changed, created)] == ["phone", "phone"]
    assert await state(city) == before


@pytest.mark.parametrize("value", ["138****5678", Masked("138****5678")])
async def test_no_command_can_write_a_masked_value(city: City, value: object) -> None:
    before = await state(city)
    async with system_context(city.platform, city.tenant, "plugin") as ctx:
        row = await ctx.data.get(Account, city.accounts["worker"])
        with pytest.raises(Invalid, match="MASKED_VALUE_WRITTEN"):
            await ctx.data.update(row, name="renamed", phone=value)
        with pytest.raises(Invalid, match="MASKED_VALUE_WRITTEN"):
            await ctx.data.insert(Account(login="x-1", name="x", phone=value))
        assert ctx.data.changes == []
    assert await state(city) == before


async def test_the_audit_log_never_holds_it(city: City) -> None:
    worker = city.accounts["worker"]
    await city.run("admin", SET, {"phone": "13899995678"}, target_id=worker)
    shown = {"phone": "138****5678"}
    told = {"table": "account", "id": str(worker)}
    # Both numbers look the same masked, and the log still says that the column changed.
    assert await changes(city) == [
        {**told, "before": {**shown, "version": 2}, "after": {**shown, "version": 3}}
    ]
    await city.run("admin", SET, {"phone": None}, target_id=worker)
    assert await changes(city) == [
        {**told, "before": {**shown, "version": 3}, "after": {"phone": None, "version": 4}}
    ]
    await city.run("admin", "account.create", {"login": "n-1", "name": "新", "phone": PHONE})
    await city.run("chief", REVEAL, WHY, target_id=worker)
    whole = str(await city.scalar("SELECT string_agg(a::text, ' ') FROM core.audit_entry a"))
    assert "138****5678" in whole
    for number in (PHONE, "13899995678", "13900001111"):
        assert number not in whole


@pytest.mark.parametrize("who", ["chief", "grid_chief"])
async def test_revealing_is_recorded_with_its_purpose(city: City, who: str) -> None:
    worker = city.accounts["worker"]
    why = {"purpose": f" 核对 {PHONE} 的机主 "}
    before = city.platform.clock.now()
    answer = await city.run(who, REVEAL, why, target_id=worker, key="k1")
    assert answer.values is not None
    assert answer.values["value"] == PHONE
    left = datetime.fromisoformat(answer.values["expires_at"]) - before
    assert timedelta(seconds=60) <= left < timedelta(seconds=75)
    assert await changes(city) == [
        {
            "table": "account",
            "id": str(worker),
            "revealed": "phone",
            "purpose": "核对 138****5678 的机主",
        }
    ]
    entry = "SELECT actor_id FROM core.audit_entry WHERE command = $1 AND target_id = $2"
    assert await city.scalar(entry, REVEAL, worker) == city.accounts[who]


async def test_what_was_revealed_is_not_kept_for_a_repetition(city: City) -> None:
    worker = city.accounts["worker"]
    for _ in range(2):
        answer = await city.run("chief", REVEAL, WHY, target_id=worker, key="k1")
        assert not answer.replayed
    assert await city.scalar("SELECT count(*) FROM core.command_key") == 0
    seen = "SELECT count(*) FROM core.audit_entry WHERE command = $1"
    assert await city.scalar(seen, REVEAL) == 2


@pytest.mark.parametrize(
    ("who", "whose", "given", "code"),
    [
        ("admin", "worker", WHY, "PERMISSION_DENIED"),
        ("clerk", "worker", WHY, "PERMISSION_DENIED"),
        ("sibling_chief", "worker", WHY, "PERMISSION_DENIED"),
        ("chief", "idle", WHY, "PERMISSION_DENIED"),
        ("chief", "worker", {}, "INPUT_INVALID"),
        ("chief", "worker", {"purpose": "x"}, "INPUT_INVALID"),
        ("chief", "worker", {"purpose": "   "}, "INPUT_INVALID"),
    ],
)
async def test_a_refused_reveal_tells_and_leaves_nothing(
    city: City, who: str, whose: str, given: dict[str, object], code: str
) -> None:
    before = await state(city)
    with pytest.raises(JingweiError) as refusal:
        await city.run(who, REVEAL, given, target_id=city.accounts[whose], key="k1")
    assert refusal.value.code == code
    assert isinstance(refusal.value, Denied if code == "PERMISSION_DENIED" else Invalid)
    for number in (PHONE, "13900001111"):
        assert number not in str(refusal.value)
    assert await state(city) == before


async def test_an_account_of_nobody_is_not_found(city: City) -> None:
    with pytest.raises(JingweiError) as refusal:
        await city.run("chief", REVEAL, WHY, target_id=uuid.uuid4())
    assert refusal.value.code == "ROW_NOT_FOUND"
