"""Signed URLs: good for one object, one presentation and a few minutes, and for nothing else."""

import hashlib
import uuid
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest

from jingwei_core.evidence.keys import Area, object_key
from jingwei_core.evidence.store import Download
from tests.leak.client import Caller
from tests.leak.judge import global_id
from tests.leak.world import City, World

OURS, THEIRS = "photo-1", "photo-2"
"""The picture that near_worker took, and the one of the sibling grid."""


async def put(world: World, city: City, name: str) -> bytes:
    """Store a derived picture of a planted upload; what it holds is a canary."""
    told = f"CANARY.{city.name}.{name}".encode()
    key = object_key(city.id, Area.DERIVED, name)
    digest = hashlib.sha256(told).hexdigest()
    await world.platform.store.put(key, told, content_type="image/jpeg", sha256=digest)
    return told


@pytest.fixture
async def link(world: World, callers: dict[str, Caller]) -> str:
    """The link that near_worker gets to their own picture, as path and query."""
    for city, name in ((world.a, OURS), (world.a, THEIRS), (world.b, THEIRS)):
        await put(world, city, name)
    (photo,) = (
        row for row in world.of("Evidence", "a") if str(row.values["store_key"]).endswith(OURS)
    )
    asked = f'{{ evidence(id: "{global_id("Evidence", photo.id)}") {{ viewUrl }} }}'
    heard = await callers["a.near_worker"].ask(asked)
    parts = urlsplit(heard.body["data"]["evidence"]["viewUrl"])
    return f"{parts.path}?{parts.query}"


async def test_a_link_shows_its_own_picture(
    link: str, http: httpx.AsyncClient, world: World
) -> None:
    answer = await http.get(link)
    assert (answer.status_code, answer.content) == (200, b"CANARY.a.photo-1")


async def test_a_link_bent_to_another_object_shows_nothing(
    link: str, http: httpx.AsyncClient, world: World
) -> None:
    path, _, query = link.partition("?")
    ours = object_key(world.a.id, Area.DERIVED, OURS)
    assert path.endswith(ours)
    others = [object_key(city.id, Area.DERIVED, THEIRS) for city in (world.a, world.b)]
    others += [
        object_key(world.a.id, Area.ORIGINAL, OURS),
        f"{world.b.id}/derived/../../{others[0]}",
        f"{ours}/../{THEIRS}",
        ours.upper(),
        f"{world.a.id}/derived/",
        "",
    ]
    for other in others:
        answer = await http.get(f"{path.removesuffix(ours)}{other}?{query}")
        assert answer.status_code in (400, 403, 404), other
        assert b"CANARY" not in answer.content


async def test_a_link_with_another_query_shows_nothing(
    link: str, http: httpx.AsyncClient, world: World
) -> None:
    path, _, query = link.partition("?")
    given = dict(parse_qsl(query))
    bent = [{**given, name: f"{value}1"} for name, value in given.items()]
    bent += [{k: v for k, v in given.items() if k != name} for name in given]
    bent += [{**given, "extra": "1"}, {}]
    for each in bent:
        answer = await http.get(f"{path}?{urlencode(each)}")
        assert answer.status_code in (400, 403), each
        assert b"CANARY" not in answer.content
    assert len(bent) == 10


async def test_a_link_ends(
    link: str, http: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = world.platform.store
    signer = store._signer  # type: ignore[attr-defined]
    now = signer._clock()
    monkeypatch.setattr(signer, "_clock", lambda: now + timedelta(days=8))
    answer = await http.get(link)
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["extensions"]["code"] == "EVIDENCE_EXPIRED"
    assert b"CANARY" not in answer.content


async def test_a_link_to_nothing_tells_no_more_than_one_that_is_bent(
    link: str, http: httpx.AsyncClient, world: World
) -> None:
    path, _, query = link.partition("?")
    ours = object_key(world.a.id, Area.DERIVED, OURS)
    told = set()
    for name in (THEIRS, f"nothing-{uuid.uuid4().hex}"):
        other = object_key(world.a.id, Area.DERIVED, name)
        answer = await http.get(f"{path.removesuffix(ours)}{other}?{query}")
        error = answer.json()["errors"][0]
        error["extensions"].pop("requestId")
        told.add((answer.status_code, str(error)))
    assert len(told) == 1


async def test_another_secret_signs_nothing(http: httpx.AsyncClient, world: World) -> None:
    from jingwei_core.evidence.local import DOWNLOAD_PATH
    from jingwei_core.evidence.signing import Signer, utc_now

    key = object_key(world.a.id, Area.DERIVED, THEIRS)
    shown = Download("photo.jpg", "image/jpeg")
    query = Signer(b"0" * 32, utc_now).query(key, shown, 600)
    answer = await http.get(f"{DOWNLOAD_PATH}/{key}?{query}")
    assert answer.status_code == 403
