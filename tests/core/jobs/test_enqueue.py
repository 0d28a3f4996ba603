"""Enqueuing: in the causing transaction, with a payload that fits, once for a key."""

import pytest

from jingwei_sdk.errors import Invalid, Refused
from tests.core.jobs.cities import CHANGZHI, YICHANG, Cities, working


async def test_a_job_exists_when_its_transaction_commits(cities: Cities):
    number = await cities.enqueue(YICHANG, "proof.mark", payload={"note": "a"})
    rows = await cities.queue_rows()
    assert [(row["id"], row["tenant_id"], row["entrypoint"]) for row in rows] == [
        (number, YICHANG, "proof.mark")
    ]
    assert rows[0]["payload"] == b'{"note":"a"}'


async def test_a_job_is_gone_with_its_transaction(cities: Cities):
    async def fail_after_enqueuing() -> None:
        async with cities.database.unit(YICHANG) as unit:
            assert await cities.queue.enqueue(unit, YICHANG, "proof.mark", {}) == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_after_enqueuing()
    assert await cities.queue_rows() == []
    assert await cities.owner("SELECT * FROM jobs.pgqueuer_log") == []


async def test_a_unit_enqueues_for_its_own_tenant_only(cities: Cities):
    with pytest.raises(Refused) as refusal:
        async with cities.database.unit(YICHANG) as unit:
            await cities.queue.enqueue(unit, CHANGZHI, "proof.mark", {})
    assert refusal.value.code == "JOB_OF_ANOTHER_TENANT"
    assert await cities.queue_rows() == []


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"note": "x" * 4086}, "JOB_PAYLOAD_TOO_LARGE"),
        ({"note": object()}, "JOB_PAYLOAD_UNFIT"),
        ([1], "JOB_PAYLOAD_UNFIT"),
    ],
    ids=["4097 bytes", "not JSON", "not an object"],
)
async def test_a_payload_that_does_not_fit_is_refused(cities: Cities, payload: object, code: str):
    with pytest.raises(Invalid) as refusal:
        await cities.enqueue(YICHANG, "proof.mark", payload=payload)
    assert refusal.value.code == code
    assert await cities.queue_rows() == []


async def test_a_payload_of_4096_bytes_fits_and_the_database_agrees(cities: Cities):
    await cities.enqueue(YICHANG, "proof.mark", payload={"note": "x" * 4085})
    assert (await cities.owner("SELECT octet_length(payload) FROM jobs.pgqueuer"))[0][0] == 4096
    with pytest.raises(Exception, match="pgqueuer_payload_size"):
        await cities.owner("UPDATE jobs.pgqueuer SET payload = payload || 'x'")


async def test_a_key_is_taken_while_its_job_waits_and_free_afterwards(cities: Cities):
    first = await cities.enqueue(YICHANG, "proof.mark", dedupe_key="k", payload={"note": "1"})
    assert isinstance(first, int)
    assert await cities.enqueue(YICHANG, "proof.mark", dedupe_key="k") is None
    # Another tenant, and another job of the tenant, have keys of their own.
    assert isinstance(await cities.enqueue(CHANGZHI, "proof.mark", dedupe_key="k"), int)
    assert isinstance(await cities.enqueue(YICHANG, "proof.fail", dedupe_key="k", delay_s=99), int)
    async with working(cities):
        await cities.wait_until("SELECT count(*) FROM proof.mark", 2)
        await cities.wait_until("SELECT count(*) FROM jobs.pgqueuer", 1)
    assert isinstance(await cities.enqueue(YICHANG, "proof.mark", dedupe_key="k"), int)


async def test_a_delayed_job_waits_for_its_time(cities: Cities):
    await cities.enqueue(YICHANG, "proof.mark", payload={"note": "late"}, delay_s=0.5)
    await cities.enqueue(YICHANG, "proof.mark", payload={"note": "soon"})
    async with working(cities):
        await cities.wait_until("SELECT count(*) FROM proof.mark", 2)
    assert await cities.marks() == [("yichang", "soon"), ("yichang", "late")]
