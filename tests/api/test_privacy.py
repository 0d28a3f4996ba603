"""Masked values over GraphQL: an object to read, refused as input, revealed with a purpose."""

import uuid
from datetime import UTC, datetime, timedelta

from jingwei_api.schema import global_id
from tests.api.client import Client
from tests.api.world import World

SET = """
mutation Set($id: ID!, $phone: String, $key: String!) {
  accountSetPhone(id: $id, input: {phone: $phone}, idempotencyKey: $key) {
    account { phone { shown isMasked } version }
  }
}
"""
REVEAL = """
mutation Reveal($id: ID!, $key: String!) {
  accountRevealPhone(id: $id, input: {purpose: "夜间值班联系"}, idempotencyKey: $key) {
    replayed
    result { value expiresAt }
  }
}
"""
READ = "query Read($id: ID!) { account(id: $id) { version phone { __typename shown isMasked } } }"
PHONE = "13812345678"


async def test_a_phone_reads_masked_and_is_revealed_on_record(
    chief: Client, worker: Client, world: World
) -> None:
    who = global_id.encode("Account", world.yichang.accounts["quiet"])
    answer = await chief.data(SET, id=who, phone=PHONE, key=uuid.uuid4().hex)
    masked = {"shown": "138****5678", "isMasked": True}
    assert answer["accountSetPhone"]["account"]["phone"] == masked
    read = await worker.data(READ, id=who)
    assert read["account"]["phone"] == {"__typename": "Masked", **masked}

    refused = await chief.error(SET, id=who, phone="138****5678", key=uuid.uuid4().hex)
    assert refused["extensions"]["code"] == "MASKED_VALUE_WRITTEN"
    assert await worker.data(READ, id=who) == read
    denied = await worker.error(REVEAL, id=who, key=uuid.uuid4().hex)
    assert denied["extensions"]["code"] == "PERMISSION_DENIED"

    shown = (await chief.data(REVEAL, id=who, key=uuid.uuid4().hex))["accountRevealPhone"]
    assert (shown["replayed"], shown["result"]["value"]) == (False, PHONE)
    left = datetime.fromisoformat(shown["result"]["expiresAt"]) - datetime.now(UTC)
    assert timedelta(0) < left <= timedelta(seconds=60)
    rows = "SELECT count(*) FROM core.audit_entry WHERE command = 'account.reveal-phone'"
    assert await world.yichang.value(rows) == 1
    log = "SELECT string_agg(a::text, ' ') FROM core.audit_entry a"
    assert PHONE not in await world.yichang.value(log)
    kept = "SELECT count(*) FROM core.command_key WHERE answer::text LIKE '%' || $1 || '%'"
    assert await world.yichang.value(kept, PHONE) == 0
