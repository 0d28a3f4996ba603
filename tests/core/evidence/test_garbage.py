"""What is collected of uploads that never became evidence, and what stays."""

from datetime import timedelta

import pytest

from jingwei_core.commands import staging
from jingwei_core.evidence.evidence_settings import EvidenceSettings
from jingwei_core.evidence.keys import Area, area_prefix
from jingwei_core.evidence.store import ObjectStore
from jingwei_sdk.errors import Denied, Unavailable
from tests.core.evidence import pictures as made
from tests.core.evidence.city import City
from tests.core.evidence.test_three_steps import objects

PHOTO = made.jpeg()


async def test_uploads_never_committed_are_collected(
    city: City, neighbour: City, store: ObjectStore
):
    kept = await city.uploaded("worker", PHOTO)
    await city.commit("worker", kept)
    lost = await city.uploaded("worker", PHOTO)
    theirs = await neighbour.uploaded("worker", PHOTO)

    city.clock.ahead = timedelta(hours=24, minutes=30)
    await city.collect_garbage()
    assert await city.row(lost) is not None
    with pytest.raises(Denied) as refusal:
        await city.commit("worker", lost)
    assert refusal.value.code == "EVIDENCE_EXPIRED"

    city.clock.ahead = timedelta(hours=25, minutes=1)
    await city.collect_garbage()
    await city.collect_garbage()

    assert await city.row(lost) is None
    assert await objects(store, city, Area.STAGED) == []
    assert await city.row(kept) is not None
    assert await objects(store, city, Area.ORIGINAL) == [str(kept)]
    assert len(await objects(store, city, Area.DERIVED)) == 2
    assert await neighbour.row(theirs) is not None
    assert await objects(store, neighbour, Area.STAGED) == [str(theirs)]


async def test_what_a_broken_commit_kept_is_collected_when_its_lock_ends(
    city: City, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
):
    async def broken(*_: object) -> None:
        raise Unavailable("DATABASE_CONNECTION_LOST")

    with monkeypatch.context() as patch:
        patch.setattr(staging, "run", broken)
        locked, free = [await city.uploaded("worker", PHOTO) for _ in range(2)]
        with pytest.raises(Unavailable):
            await city.commit("worker", locked)
        # This one breaks off between storing and locking.
        patch.setattr(type(store), "lock", broken)
        with pytest.raises(Unavailable):
            await city.commit("worker", free)
    assert len(await objects(store, city, Area.ORIGINAL)) == 2

    city.clock.ahead = timedelta(hours=25, minutes=1)
    await city.collect_garbage()

    row = await city.row(locked)
    assert row is not None
    key = area_prefix(city.tenant.id, Area.ORIGINAL) + str(locked)
    assert (row["status"], row["locked_until"]) == ("pending", (await store.stat(key)).locked_until)
    # It is over for its owner all the same: neither committed late nor in the way of the next.
    with pytest.raises(Denied) as refusal:
        await city.commit("worker", locked)
    assert refusal.value.code == "EVIDENCE_EXPIRED"
    one = EvidenceSettings(max_pending=1)
    monkeypatch.setitem(city.platform.__dict__, "evidence_settings", one)
    await city.uploaded("worker", PHOTO)
    await city.collect_garbage()
    assert await city.row(locked) == row
    assert await city.row(free) is None
    assert await objects(store, city, Area.ORIGINAL) == [str(locked)]
    assert len(await objects(store, city, Area.DERIVED)) == 2
