"""Request, bytes, commit: over HTTP into both stores, with the database of the platform."""

import asyncio
import hashlib
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from jingwei_core.commands.bus import Call, execute
from jingwei_core.evidence.keys import Area, area_prefix
from jingwei_core.evidence.store import ObjectStore
from jingwei_core.session import Identity, Request
from jingwei_sdk.errors import (
    Conflict,
    Denied,
    Invalid,
    JingweiError,
    NotFound,
    Refused,
)
from tests.core.evidence import pictures as made
from tests.core.evidence.city import City

PHOTO = made.jpeg(2000, 1500, exif=made.camera_exif(gps=made.gps(30.6918, 111.2865)))
AUDITED = "SELECT count(*) FROM core.audit_entry WHERE command = $1"


async def objects(store: ObjectStore, city: City, area: Area) -> list[str]:
    prefix = area_prefix(city.tenant.id, area)
    listed = await store.list_prefix(prefix)
    return [item.key.removeprefix(prefix) for item in listed]


async def test_an_upload_becomes_evidence(city: City, store: ObjectStore):
    evidence_id = await city.uploaded("worker", PHOTO)
    before = datetime.now(UTC)

    assert await city.commit("worker", evidence_id) == evidence_id

    row = await city.row(evidence_id)
    assert row is not None
    assert (row["status"], row["width"], row["height"]) == ("committed", 2000, 1500)
    assert (row["sha256"], row["size_bytes"]) == (hashlib.sha256(PHOTO).hexdigest(), len(PHOTO))
    assert row["taken_at"] == datetime(2026, 11, 22, 8, 30, 5, tzinfo=UTC)
    assert (row["lon_e7"], row["lat_e7"]) == (1_112_865_000, 306_918_000)
    assert row["position_crs"] == "EPSG:4326"
    assert row["owner"] == city.accounts["worker"]
    original = await store.stat(str(row["store_key"]))
    three_years = before + timedelta(days=1096)
    assert original.locked_until == row["locked_until"]
    assert abs(row["locked_until"] - three_years) < timedelta(minutes=1)
    assert await objects(store, city, Area.STAGED) == []
    assert await objects(store, city, Area.ORIGINAL) == [str(evidence_id)]
    assert await objects(store, city, Area.DERIVED) == [
        f"{evidence_id}.small.jpg",
        f"{evidence_id}.view.jpg",
    ]


async def test_the_original_is_kept_byte_for_byte_and_cannot_be_removed(
    city: City, store: ObjectStore
):
    evidence_id = await city.uploaded("worker", PHOTO)
    await city.commit("worker", evidence_id)
    row = await city.row(evidence_id)
    assert row is not None
    key = str(row["store_key"])
    with pytest.raises(Conflict) as refusal:
        await store.delete(key)
    assert refusal.value.code == "EVIDENCE_LOCKED"
    kept = b"".join([chunk async for chunk in store.read(key, limit=len(PHOTO))])
    assert kept == PHOTO


async def test_committing_again_changes_nothing(city: City):
    evidence_id = await city.uploaded("worker", PHOTO)
    await city.commit("worker", evidence_id)
    first = await city.row(evidence_id)

    assert await city.commit("worker", evidence_id) == evidence_id

    assert await city.row(evidence_id) == first


async def test_two_commits_at_once_make_one_evidence(city: City, store: ObjectStore):
    evidence_id = await city.uploaded("worker", PHOTO)
    answers = await asyncio.gather(
        *(city.commit("worker", evidence_id) for _ in range(3)), return_exceptions=True
    )
    assert evidence_id in answers
    row = await city.row(evidence_id)
    assert row is not None
    assert (row["status"], row["version"]) == ("committed", 2)
    assert await objects(store, city, Area.ORIGINAL) == [str(evidence_id)]


async def test_a_commit_that_broke_off_is_finished_by_the_next(
    city: City, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
):
    evidence_id = await city.uploaded("worker", PHOTO)
    put, derived = type(store).put, area_prefix(city.tenant.id, Area.DERIVED)

    async def broken(self: ObjectStore, key: str, *args: Any, **more: Any) -> Any:
        if key.startswith(derived):
            raise Conflict("BROKEN_OFF")
        return await put(self, key, *args, **more)

    monkeypatch.setattr(type(store), "put", broken)
    with pytest.raises(Conflict) as refusal:
        await city.commit("worker", evidence_id)
    assert refusal.value.code == "BROKEN_OFF"
    row = await city.row(evidence_id)
    assert row is not None
    assert row["status"] == "pending"
    assert await objects(store, city, Area.ORIGINAL) == [str(evidence_id)]

    monkeypatch.setattr(type(store), "put", put)
    await city.commit("worker", evidence_id)

    row = await city.row(evidence_id)
    assert row is not None
    assert row["status"] == "committed"
    assert row["locked_until"] == (await store.stat(str(row["store_key"]))).locked_until


REFUSED = {
    "a polyglot": (made.jpeg() + made.zipped(), "EVIDENCE_POLYGLOT"),
    "a lying type": (made.png(), "EVIDENCE_TYPE"),
    "a bomb": (made.jpeg_claiming(60_000, 60_000), "EVIDENCE_BOMB"),
    "half a picture": (made.jpeg()[:500], "EVIDENCE_CORRUPT"),
    "no picture": (b"<html><script>alert(1)</script>", "EVIDENCE_TYPE"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_no_picture_becomes_no_evidence(city: City, store: ObjectStore, name: str):
    data, code = REFUSED[name]
    evidence_id = await city.uploaded("worker", data)

    with pytest.raises(Invalid) as refusal:
        await city.commit("worker", evidence_id)

    assert refusal.value.code == code
    row = await city.row(evidence_id)
    assert row is not None
    assert (row["status"], row["version"], row["locked_until"]) == ("pending", 1, None)
    assert await objects(store, city, Area.ORIGINAL) == []
    assert await objects(store, city, Area.DERIVED) == []


async def test_a_picture_that_cannot_be_made_smaller_is_not_locked(
    city: City, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
):
    """What was inspected may still need more memory to scale than a worker has."""

    async def too_large(*_: object) -> None:
        raise Invalid("EVIDENCE_BOMB", found="memory")

    evidence_id = await city.uploaded("worker", PHOTO)
    before = await city.row(evidence_id)
    monkeypatch.setattr(city.commits._workers, "derive", too_large)
    with pytest.raises(Invalid) as refusal:
        await city.commit("worker", evidence_id)
    assert refusal.value.code == "EVIDENCE_BOMB"
    assert await city.row(evidence_id) == before
    assert await objects(store, city, Area.ORIGINAL) == []
    assert await objects(store, city, Area.DERIVED) == []


async def test_a_wrong_digest_is_found_at_the_commit(city: City, store: ObjectStore):
    evidence_id = await city.uploaded("worker", PHOTO, sha256="0" * 64)
    with pytest.raises(Invalid) as refusal:
        await city.commit("worker", evidence_id)
    assert refusal.value.code == "EVIDENCE_DIGEST"
    assert await objects(store, city, Area.ORIGINAL) == []


async def test_a_commit_without_bytes_says_so(city: City):
    granted = await city.request("worker", PHOTO)
    assert granted.values is not None
    evidence_id = uuid.UUID(str(granted.values["id"]))
    with pytest.raises(NotFound) as refusal:
        await city.commit("worker", evidence_id)
    assert refusal.value.code == "EVIDENCE_NOT_FOUND"


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"content_type": "application/pdf"}, "EVIDENCE_TYPE"),
        ({"content_type": "image/svg+xml"}, "EVIDENCE_TYPE"),
        ({"content_type": "image/heic"}, "EVIDENCE_TYPE"),
        ({"size": 0}, "EVIDENCE_SIZE"),
        ({"size": 20 * 1024 * 1024 + 1}, "EVIDENCE_SIZE"),
        ({"sha256": "F" * 64}, "EVIDENCE_DIGEST"),
        ({"position": {"lon": 181, "lat": 0, "crs": "EPSG:4490"}}, "INPUT_INVALID"),
        ({"owner": str(uuid.uuid4())}, "INPUT_INVALID"),
    ],
)
async def test_a_request_no_upload_could_meet_leaves_nothing(
    city: City, told: dict[str, object], code: str
):
    before = await city.count("SELECT count(*) FROM core.evidence")
    with pytest.raises(Invalid) as refusal:
        await city.request("worker", PHOTO, **told)
    assert refusal.value.code == code
    assert await city.count("SELECT count(*) FROM core.evidence") == before


async def test_the_clients_position_and_time_stand_in_for_missing_ones(city: City):
    place = {"lon": 111.2865, "lat": 30.6918, "crs": "GCJ-02", "accuracy_m": 12.2}
    taken = "2026-11-22T16:30:00+08:00"
    plain = await city.uploaded("worker", made.jpeg(), position=place, taken_at=taken)
    telling = await city.uploaded("worker", PHOTO, position={**place, "lon": 0.5}, taken_at=taken)
    await city.commit("worker", plain)
    await city.commit("worker", telling)

    told, read = await city.row(plain), await city.row(telling)

    assert told is not None
    assert read is not None
    assert (told["lon_e7"], told["position_crs"], told["accuracy_m"]) == (
        1_112_865_000,
        "GCJ-02",
        13,
    )
    assert told["taken_at"] == datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
    assert (read["lon_e7"], read["position_crs"], read["accuracy_m"]) == (
        1_112_865_000,
        "EPSG:4326",
        None,
    )
    assert read["taken_at"] == datetime(2026, 11, 22, 8, 30, 5, tzinfo=UTC)


async def test_nobody_commits_somebody_elses_upload(city: City, neighbour: City):
    evidence_id = await city.uploaded("worker", PHOTO)
    attempts = [
        (city, "worker2", NotFound),
        (city, "reader", Denied),
        (neighbour, "worker", NotFound),
    ]
    for where, who, kind in attempts:
        with pytest.raises(kind) as refusal:
            await where.commit(who, evidence_id)
        assert refusal.value.code in {"ROW_NOT_FOUND", "PERMISSION_DENIED"}
    row = await city.row(evidence_id)
    assert row is not None
    assert row["status"] == "pending"
    assert await neighbour.row(evidence_id) is None


async def test_only_uploaders_may_ask(city: City):
    with pytest.raises(Denied) as refusal:
        await city.request("reader", PHOTO)
    assert refusal.value.code == "PERMISSION_DENIED"


async def test_links_show_the_picture_and_nothing_about_it(city: City, http: httpx.AsyncClient):
    evidence_id = await city.uploaded("worker", PHOTO)
    row = await city.row(evidence_id)
    assert row is not None
    assert await city.field("worker", "Evidence", "view_url", row) is None
    await city.commit("worker", evidence_id)
    row = await city.row(evidence_id)
    assert row is not None

    links = {
        name: str(await city.field("worker", "Evidence", name, row))
        for name in ("view_url", "thumbnail_url", "original_url")
    }
    answers = {name: await http.get(link) for name, link in links.items()}

    assert {answer.status_code for answer in answers.values()} == {200}
    assert answers["original_url"].content == PHOTO
    assert answers["original_url"].headers["content-disposition"] == (
        f"attachment; filename*=UTF-8''{evidence_id}-original.jpg"
    )
    for name in ("view_url", "thumbnail_url"):
        assert answers[name].headers["content-type"] == "image/jpeg"
        assert b"Exif" not in answers[name].content
        assert b"MakerOfPhones" not in answers[name].content


async def test_the_original_needs_a_permission_of_its_own(city: City):
    async with city.platform.database.unit(city.tenant.id):
        registry = await city.platform.registry(city.tenant.id)
    computed = registry.computed(registry.record("Evidence"))
    assert {name: computed[name].permission for name in computed if name.endswith("url")} == {
        "view_url": None,
        "thumbnail_url": None,
        "original_url": "evidence.original",
    }


async def test_no_client_can_write_the_facts_itself(city: City):
    registry = await city.platform.registry(city.tenant.id)
    offered = {name for name in registry.commands if name.startswith("evidence.")}
    assert offered == {"evidence.request", "evidence.commit"}
    evidence_id = await city.uploaded("worker", PHOTO)
    before = await city.row(evidence_id)
    forged = Call(registry.commands["evidence.commit"], {"store_key": "x"}, evidence_id)
    identity = Identity(city.accounts["worker"], 0)
    with pytest.raises(Refused) as refusal:
        await execute(city.platform, city.tenant, identity, forged, Request("zh", "test"))
    assert refusal.value.code == "COMMAND_STAGES_SKIPPED"
    assert await city.row(evidence_id) == before


async def test_each_commit_is_audited_once(city: City):
    evidence_id = await city.uploaded("worker", PHOTO)
    await city.commit("worker", evidence_id)
    await city.commit("worker", evidence_id)
    assert await city.count(AUDITED, "evidence.request") == 1
    assert await city.count(AUDITED, "evidence.commit") == 1


async def test_a_form_posted_again_after_the_commit_changes_no_evidence(
    city: City, store: ObjectStore
):
    granted = await city.request("worker", PHOTO)
    assert await city.send(granted, PHOTO) == 204
    assert granted.values is not None
    evidence_id = uuid.UUID(str(granted.values["id"]))
    await city.commit("worker", evidence_id)
    row = await city.row(evidence_id)
    assert row is not None

    assert await city.send(granted, b"x" * len(PHOTO)) == 204

    with pytest.raises(JingweiError):
        await store.delete(str(row["store_key"]))
    read = store.read(str(row["store_key"]), limit=len(PHOTO))
    assert b"".join([chunk async for chunk in read]) == PHOTO


async def test_no_connection_is_held_while_bytes_move(city: City, monkeypatch: pytest.MonkeyPatch):
    from jingwei_core.database.unit import open_unit_or_none

    evidence_id = await city.uploaded("worker", PHOTO)
    held = []
    for owner, name in (
        (city.platform.store, "put"),
        (city.platform.store, "lock"),
        (city.commits._workers, "inspect"),
        (city.commits._workers, "derive"),
    ):
        original = getattr(owner, name)

        async def watched(*args: object, original=original, **named: object) -> object:  # noqa: ANN001
            held.append(open_unit_or_none())
            return await original(*args, **named)

        monkeypatch.setattr(owner, name, watched)
    await city.commit("worker", evidence_id)
    assert held == [None] * 7
