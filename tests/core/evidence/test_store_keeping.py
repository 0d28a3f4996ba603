"""One contract, two stores: reading, locking, deleting and listing what is stored."""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from jingwei_core.evidence.keys import Area, area_prefix, object_key
from jingwei_core.evidence.store import (
    Measured,
    ObjectStore,
    save_to,
)
from jingwei_sdk.errors import Conflict, Invalid, JingweiError, NotFound
from tests.core.evidence.storing import (
    BYTES,
    DIGEST,
    SHOWN,
    content_of,
    in_days,
    is_absent,
    post,
    put_original,
    terms_for,
)


async def test_reading_stops_before_the_first_byte_of_too_large_an_object(
    store: ObjectStore, tenant: UUID
):
    key = await put_original(store, tenant)
    with pytest.raises(Invalid) as refusal:
        await content_of(store, key, limit=len(BYTES) - 1)
    assert refusal.value.code == "EVIDENCE_SIZE"
    assert await content_of(store, key, limit=len(BYTES)) == BYTES


async def test_saving_a_large_object_measures_it(store: ObjectStore, tenant: UUID, tmp_path: Path):
    large = bytes(range(256)) * 30_000
    source = tmp_path / "source"
    await asyncio.to_thread(source.write_bytes, large)
    key = object_key(tenant, Area.ORIGINAL, str(uuid4()))

    stored = await store.put(key, source, content_type="image/png", sha256="f" * 64)
    measured = await save_to(store, key, tmp_path / "copy", limit=len(large))

    assert (stored.size, stored.content_type) == (7_680_000, "image/png")
    assert measured == Measured(7_680_000, hashlib.sha256(large).hexdigest())
    assert await asyncio.to_thread((tmp_path / "copy").read_bytes) == large


async def test_an_unlocked_object_is_replaced_whole(store: ObjectStore, tenant: UUID):
    key = await put_original(store, tenant, b"first and longer")
    await store.put(key, b"second", content_type="image/png", sha256="e" * 64)

    found = await store.stat(key)

    assert await content_of(store, key) == b"second"
    assert (found.size, found.content_type, found.declared_sha256) == (6, "image/png", "e" * 64)


async def test_a_locked_object_is_neither_deleted_nor_replaced(store: ObjectStore, tenant: UUID):
    key = await put_original(store, tenant)
    until = in_days(2).replace(microsecond=0)
    await store.lock(key, until)

    with pytest.raises(Conflict) as deletion:
        await store.delete(key)
    with pytest.raises(Conflict) as replacement:
        await store.put(key, b"forged", content_type="image/png", sha256="0" * 64)

    assert (deletion.value.code, replacement.value.code) == ("EVIDENCE_LOCKED", "EVIDENCE_LOCKED")
    found = await store.stat(key)
    assert (found.locked_until, found.size, found.content_type) == (until, len(BYTES), "image/jpeg")
    assert await content_of(store, key) == BYTES


async def test_a_lock_can_be_extended_but_not_shortened(store: ObjectStore, tenant: UUID):
    key = await put_original(store, tenant)
    until = in_days(2).replace(microsecond=0)
    await store.lock(key, until)

    with pytest.raises(Conflict) as refusal:
        await store.lock(key, until - timedelta(seconds=1))
    assert refusal.value.code == "EVIDENCE_LOCKED"
    assert (await store.stat(key)).locked_until == until

    await store.lock(key, until)
    await store.lock(key, until + timedelta(days=1))
    assert (await store.stat(key)).locked_until == until + timedelta(days=1)


async def test_a_lock_ends_at_its_time(store: ObjectStore, tenant: UUID):
    key = await put_original(store, tenant)
    await store.lock(key, datetime.now(UTC) + timedelta(seconds=1))
    with pytest.raises(Conflict):
        await store.delete(key)
    await asyncio.sleep(2.2)

    await store.delete(key)

    assert await is_absent(store, key)


async def test_only_originals_are_locked(store: ObjectStore, tenant: UUID):
    for area in (Area.STAGED, Area.DERIVED):
        key = object_key(tenant, area, "a")
        await store.put(key, BYTES, content_type="image/jpeg", sha256=DIGEST)
        with pytest.raises(Invalid) as refusal:
            await store.lock(key, in_days(1))
        assert refusal.value.code == "EVIDENCE_KEY"
        assert (await store.stat(key)).locked_until is None


async def test_an_absent_object_can_be_deleted_but_not_read_or_locked(
    store: ObjectStore, tenant: UUID
):
    key = object_key(tenant, Area.ORIGINAL, str(uuid4()))
    await store.delete(key)
    for attempt in (lambda: content_of(store, key), lambda: store.lock(key, in_days(1))):
        with pytest.raises(NotFound) as refusal:
            await attempt()
        assert refusal.value.code == "EVIDENCE_NOT_FOUND"


async def test_deletion_leaves_no_older_version(
    store: ObjectStore, tenant: UUID, http: httpx.AsyncClient
):
    terms = terms_for(tenant)
    ticket = await store.presign_upload(terms)
    assert [(await post(http, ticket, BYTES)).status_code for _ in range(3)] == [204] * 3

    await store.delete(terms.key)

    assert await is_absent(store, terms.key)
    assert await store.list_prefix(area_prefix(tenant, Area.STAGED)) == []
    assert (await http.get(await store.presign_download(terms.key, SHOWN, 60))).status_code == 404


async def test_a_listing_is_in_order_and_knows_age_and_tenant(store: ObjectStore, tenant: UUID):
    names = ["c", "a", "b-x", "b.y"]
    for name in names:
        key = object_key(tenant, Area.STAGED, name)
        await store.put(key, name.encode(), content_type="image/png", sha256="0" * 64)
    await store.put(object_key(uuid4(), Area.STAGED, "a"), b"", content_type="x/y", sha256="")
    await put_original(store, tenant)
    prefix = area_prefix(tenant, Area.STAGED)

    listed = await store.list_prefix(prefix, older_than=datetime.now(UTC) + timedelta(minutes=1))

    assert [item.key.removeprefix(prefix) for item in listed] == ["a", "b-x", "b.y", "c"]
    assert [item.size for item in listed] == [1, 3, 3, 1]
    assert await store.list_prefix(prefix, limit=2) == listed[:2]
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    assert await store.list_prefix(prefix, older_than=hour_ago) == []


async def test_many_writers_of_one_key_leave_one_whole_object(
    store: ObjectStore, tenant: UUID, http: httpx.AsyncClient
):
    ticket = await store.presign_upload(terms_for(tenant))
    contents = [bytes([65 + number]) * len(BYTES) for number in range(8)]

    answers = await asyncio.gather(*(post(http, ticket, content) for content in contents))

    assert {answer.status_code for answer in answers} == {204}
    assert await content_of(store, ticket.fields["key"]) in contents


async def test_getting_ready_twice_keeps_what_is_there(store: ObjectStore, tenant: UUID):
    key = await put_original(store, tenant)
    await store.lock(key, in_days(1))
    await store.ensure_ready()
    assert await content_of(store, key) == BYTES
    with pytest.raises(JingweiError):
        await store.delete(key)
