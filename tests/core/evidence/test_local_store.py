"""What only the folder store has: its secret, its files, and the forms it reads itself."""

import asyncio
import hashlib
import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from jingwei_core.evidence.keys import Area, object_key
from jingwei_core.evidence.local import LocalStore
from jingwei_core.evidence.store import Download, UploadTerms, UploadTicket
from jingwei_sdk.errors import Conflict, Denied, Invalid, NotFound, Unavailable

SECRET = b"a test's secret of thirty-two bytes or more"
BYTES = b"the bytes of a photo"
START = datetime(2026, 11, 22, 8, tzinfo=UTC)


class Hands:
    """A clock set by hand."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
async def store(tmp_path: Path, clock: Hands) -> LocalStore:
    made = LocalStore(tmp_path, secret=SECRET, base_url="http://city.example/", clock=clock)
    await made.ensure_ready()
    return made


async def ticket_of(store: LocalStore, tenant: UUID) -> UploadTicket:
    digest = hashlib.sha256(BYTES).hexdigest()
    key = object_key(tenant, Area.STAGED, str(uuid4()))
    return await store.presign_upload(UploadTerms(key, "image/jpeg", len(BYTES), digest, 60))


def form_of(ticket: UploadTicket, content: bytes = BYTES) -> tuple[str, bytes]:
    request = httpx.Request(
        "POST", ticket.url, data=dict(ticket.fields), files={"file": ("a.jpg", content)}
    )
    return request.headers["content-type"], request.read()


async def stream(body: bytes, step: int = 7) -> AsyncIterator[bytes]:
    for start in range(0, len(body), step):
        yield body[start : start + step]


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.name != "guard"]


@pytest.mark.parametrize("secret", [b"", b"short", b"x" * 31])
def test_a_weak_secret_is_refused(tmp_path: Path, secret: bytes):
    with pytest.raises(ValueError, match="32 bytes"):
        LocalStore(tmp_path, secret=secret, base_url="http://city.example")


async def test_a_form_is_read_however_it_is_cut(store: LocalStore, tenant: UUID):
    for step in (1, 3, 64, 100_000):
        ticket = await ticket_of(store, tenant)
        kind, body = form_of(ticket)
        kept = await store.accept_upload(kind, stream(body, step))
        assert (kept.key, kept.size) == (ticket.fields["key"], len(BYTES))
        assert ticket.url == "http://city.example/evidence/upload"


async def test_a_form_is_good_to_its_last_second_and_no_longer(
    store: LocalStore, tenant: UUID, clock: Hands
):
    ticket = await ticket_of(store, tenant)
    clock.time = START + timedelta(seconds=59)
    kind, body = form_of(ticket)
    await store.accept_upload(kind, stream(body))
    clock.time = START + timedelta(seconds=60)
    with pytest.raises(Denied) as refusal:
        await store.accept_upload(kind, stream(body))
    assert refusal.value.code == "EVIDENCE_EXPIRED"


async def test_a_secret_of_another_deployment_opens_nothing(
    store: LocalStore, tenant: UUID, tmp_path: Path
):
    stranger = LocalStore(tmp_path, secret=b"y" * 32, base_url="http://city.example")
    kind, body = form_of(await ticket_of(stranger, tenant))
    with pytest.raises(Denied) as upload:
        await store.accept_upload(kind, stream(body))
    key = object_key(tenant, Area.ORIGINAL, "a")
    await store.put(key, BYTES, content_type="image/jpeg", sha256="0" * 64)
    url = await stranger.presign_download(key, Download("a.jpg", "image/jpeg"), 60)
    with pytest.raises(Denied) as download:
        await store.open_signed(key, dict(httpx.URL(url).params))
    assert (upload.value.code, download.value.code) == ("EVIDENCE_SIGNATURE",) * 2


async def test_a_url_cannot_serve_as_a_form_nor_its_expiry_be_moved(
    store: LocalStore, tenant: UUID, clock: Hands
):
    key = object_key(tenant, Area.ORIGINAL, "a")
    await store.put(key, BYTES, content_type="image/jpeg", sha256="0" * 64)
    url = httpx.URL(await store.presign_download(key, Download("a.jpg", "image/jpeg"), 60))
    query = dict(url.params)
    assert (await store.open_signed(key, query)).info.size == len(BYTES)

    later = {**query, "expires": str(int(query["expires"]) + 60)}
    for changed in (later, {**query, "extra": "1"}, {"expires": query["expires"]}, {}):
        with pytest.raises(Denied) as refusal:
            await store.open_signed(key, changed)
        assert refusal.value.code == "EVIDENCE_SIGNATURE"
    clock.time = START + timedelta(seconds=60)
    with pytest.raises(Denied) as refusal:
        await store.open_signed(key, query)
    assert refusal.value.code == "EVIDENCE_EXPIRED"


async def test_a_download_is_told_not_to_be_run(store: LocalStore, tenant: UUID):
    key = object_key(tenant, Area.ORIGINAL, "a")
    await store.put(key, BYTES, content_type="image/jpeg", sha256="0" * 64)
    url = await store.presign_download(key, Download("a.jpg", "image/jpeg", inline=False), 60)

    opened = await store.open_signed(key, dict(httpx.URL(url).params))

    assert opened.headers == {
        "Content-Type": "image/jpeg",
        "Content-Disposition": "attachment; filename*=UTF-8''a.jpg",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, no-store",
    }


BROKEN_FORMS = {
    "not a form": lambda kind, body: ("application/json", body),
    "no boundary": lambda kind, body: ("multipart/form-data", body),
    "no content type": lambda kind, body: ("", body),
    "file first": lambda kind, body: (kind, body[body.rindex(b"\r\n--", 0, -60) + 2 :]),
    "broken off in the file": lambda kind, body: (kind, body[: body.index(BYTES) + 5]),
    "no end": lambda kind, body: (kind, body[: body.index(BYTES) + len(BYTES)]),
    "empty": lambda kind, body: (kind, b""),
    "only fields": lambda kind, body: (kind, body.replace(b'name="file"', b'name="photo"')),
    "a field twice": lambda kind, body: (kind, body[: len(body) // 3] + body),
    "a huge field": lambda kind, body: (kind, body.replace(b"image/jpeg", b"x" * 5000)),
    "a field not in UTF-8": lambda kind, body: (kind, body.replace(b"image/jpeg", b"\xff", 1)),
    "two files": lambda kind, body: (
        kind,
        body.removesuffix(b"--\r\n")
        + body[body.index(b'\r\nContent-Disposition: form-data; name="file"') :],
    ),
}


@pytest.mark.parametrize("attempt", BROKEN_FORMS)
async def test_a_broken_form_leaves_nothing(
    store: LocalStore, tenant: UUID, tmp_path: Path, attempt: str
):
    kind, body = BROKEN_FORMS[attempt](*form_of(await ticket_of(store, tenant)))

    with pytest.raises((Invalid, Denied)) as refusal:
        await store.accept_upload(kind, stream(body))

    assert refusal.value.code in {"EVIDENCE_FORM", "EVIDENCE_SIGNATURE"}
    assert files_below(tmp_path) == []


async def test_a_client_that_goes_away_leaves_nothing(
    store: LocalStore, tenant: UUID, tmp_path: Path
):
    kind, body = form_of(await ticket_of(store, tenant))

    async def cut() -> AsyncIterator[bytes]:
        yield body[:-70]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await store.accept_upload(kind, cut())
    assert files_below(tmp_path) == []


async def test_what_is_stored_survives_a_restart(store: LocalStore, tenant: UUID, tmp_path: Path):
    key = object_key(tenant, Area.ORIGINAL, "a")
    await store.put(key, BYTES, content_type="image/jpeg", sha256="0" * 64)
    await store.lock(key, START + timedelta(days=1))

    again = LocalStore(tmp_path, secret=SECRET, base_url="http://city.example", clock=lambda: START)
    await again.ensure_ready()

    assert await again.stat(key) == await store.stat(key)
    with pytest.raises(Conflict) as refusal:
        await again.delete(key)
    assert refusal.value.params["until"] == "2026-11-23T08:00:00+00:00"


async def test_a_lock_is_seen_on_the_disk_and_ends(
    store: LocalStore, tenant: UUID, tmp_path: Path, clock: Hands
):
    key = object_key(tenant, Area.ORIGINAL, "a")
    await store.put(key, BYTES, content_type="image/jpeg", sha256="0" * 64)
    await store.lock(key, START + timedelta(days=1, microseconds=1))
    file = tmp_path / "objects" / key
    assert stat.S_IMODE((await asyncio.to_thread(file.stat)).st_mode) == 0o400
    assert (await store.stat(key)).locked_until == START + timedelta(days=1, seconds=1)

    clock.time = START + timedelta(days=1, seconds=1)
    await store.delete(key)

    assert files_below(tmp_path) == []


async def test_the_folder_is_closed_to_others(store: LocalStore, tmp_path: Path):
    for name in ("objects", "facts", "incoming"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o700


async def test_getting_ready_drops_uploads_that_a_crash_broke_off(
    store: LocalStore, tmp_path: Path, clock: Hands
):
    (tmp_path / "incoming" / "broken").write_bytes(b"half a photo")
    clock.time = datetime.now(UTC) + timedelta(hours=23)
    await store.ensure_ready()
    assert [path.name for path in files_below(tmp_path)] == ["broken"]

    clock.time = datetime.now(UTC) + timedelta(hours=25)
    await store.ensure_ready()

    assert files_below(tmp_path) == []


async def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")
    store = LocalStore(tmp_path / "file", secret=SECRET, base_url="http://city.example")
    with pytest.raises(Unavailable) as refusal:
        await store.ensure_ready()
    assert refusal.value.code == "EVIDENCE_STORE_UNAVAILABLE"


async def test_what_has_no_facts_is_not_an_object(store: LocalStore, tenant: UUID, tmp_path: Path):
    key = object_key(tenant, Area.ORIGINAL, "a")
    file = tmp_path / "objects" / key
    file.parent.mkdir(parents=True)
    file.write_bytes(b"put here by hand")
    with pytest.raises(NotFound):
        await store.stat(key)
