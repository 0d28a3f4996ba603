"""An upload that is asked for again with its key, and settings that are read once."""

import uuid
from datetime import timedelta

import pytest

from jingwei_core.evidence.evidence_settings import EvidenceSettings
from jingwei_sdk.errors import Denied, RateLimited
from tests.core.evidence import pictures as made
from tests.core.evidence.city import City

PHOTO = made.jpeg(2000, 1500)
OTHER_PHOTO = made.jpeg(1200, 900)


async def test_a_request_sent_again_with_its_key_gets_a_fresh_form_for_the_same_evidence(
    city: City, monkeypatch: pytest.MonkeyPatch
):
    """The first answer may have been lost for longer than its form is good for."""
    kept = city.platform.__dict__
    monkeypatch.setitem(kept, "evidence_settings", EvidenceSettings(upload_form_s=60))
    first = await city.request("worker", PHOTO, key="k-1")
    monkeypatch.setitem(kept, "evidence_settings", EvidenceSettings(upload_form_s=900))
    again = await city.request("worker", PHOTO, key="k-1")
    assert (first.replayed, again.replayed) == (False, True)
    assert first.values is not None
    assert again.values is not None
    assert first.values["id"] == again.values["id"]
    assert str(again.values["expires_at"]) > str(first.values["expires_at"])
    assert await city.count("SELECT count(*) FROM core.evidence") == 1
    assert await city.send(again, PHOTO) == 204
    evidence_id = uuid.UUID(str(first.values["id"]))
    assert await city.commit("worker", evidence_id) == evidence_id
    # Nothing is left to upload: the id is what is asked for.
    last = await city.request("worker", PHOTO, key="k-1")
    assert last.values == first.values

    late = await city.request("worker", OTHER_PHOTO, key="k-2")
    assert late.values is not None
    city.clock.ahead = timedelta(hours=25)
    before = await city.row(uuid.UUID(str(late.values["id"])))
    with pytest.raises(Denied) as refusal:
        await city.request("worker", OTHER_PHOTO, key="k-2")
    assert refusal.value.code == "EVIDENCE_EXPIRED"
    assert await city.row(uuid.UUID(str(late.values["id"]))) == before


async def test_settings_are_read_once_for_all_links(city: City, monkeypatch: pytest.MonkeyPatch):
    read: list[EvidenceSettings] = []

    def parsed() -> EvidenceSettings:
        read.append(EvidenceSettings())
        return read[-1]

    monkeypatch.setattr("jingwei_core.platform.EvidenceSettings", parsed)
    monkeypatch.delitem(city.platform.__dict__, "evidence_settings", raising=False)
    for photo in (PHOTO, OTHER_PHOTO):
        evidence_id = await city.uploaded("worker", photo)
        await city.commit("worker", evidence_id)
        row = await city.row(evidence_id)
        assert row is not None
        assert await city.field("worker", "Evidence", "view_url", row)
    assert len(read) == 1


async def test_uploads_that_are_never_committed_are_limited(
    city: City, monkeypatch: pytest.MonkeyPatch
):
    few = EvidenceSettings(max_pending=2)
    monkeypatch.setitem(city.platform.__dict__, "evidence_settings", few)
    await city.request("worker", PHOTO)
    committed = await city.uploaded("worker", PHOTO)
    with pytest.raises(RateLimited) as refusal:
        await city.request("worker", PHOTO)
    assert refusal.value.code == "EVIDENCE_TOO_MANY"
    await city.request("worker2", PHOTO)
    await city.commit("worker", committed)
    await city.request("worker", PHOTO)
