"""One contract, two stores: every test runs against the folder and against a real S3 server."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest

from jingwei_core.evidence.keys import Area, area_prefix, object_key
from jingwei_core.evidence.store import (
    ObjectStore,
)
from jingwei_sdk.errors import Invalid
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


async def test_a_posted_form_arrives_as_it_was_sent(
    store: ObjectStore, tenant: UUID, http: httpx.AsyncClient
):
    terms = terms_for(tenant)
    before = datetime.now(UTC)
    ticket = await store.presign_upload(terms)

    answer = await post(http, ticket, BYTES)

    assert (answer.status_code, ticket.method) == (204, "POST")
    assert abs(ticket.expires_at - before - timedelta(seconds=60)) < timedelta(seconds=5)
    found = await store.stat(terms.key)
    assert (found.key, found.size) == (terms.key, len(BYTES))
    assert (found.content_type, found.declared_sha256) == ("image/jpeg", DIGEST)
    assert abs(found.modified_at - before) < timedelta(seconds=10)
    assert found.locked_until is None
    assert await content_of(store, terms.key) == BYTES


REFUSED_POSTS = {
    "one byte more": (BYTES + b"x", {}),
    "one byte less": (BYTES[:-1], {}),
    "empty": (b"", {}),
    "far too much": (BYTES * 40_000, {}),
    "another type": (BYTES, {"Content-Type": "text/html"}),
    "another digest": (BYTES, {"x-amz-meta-sha256": "0" * 64}),
    "an added field": (BYTES, {"x-amz-meta-role": "admin"}),
    "no policy": (BYTES, {"policy": "e30="}),
}


@pytest.mark.parametrize("attempt", REFUSED_POSTS)
async def test_a_form_takes_nothing_but_what_was_signed(
    store: ObjectStore, tenant: UUID, http: httpx.AsyncClient, attempt: str
):
    terms = terms_for(tenant)
    ticket = await store.presign_upload(terms)
    content, fields = REFUSED_POSTS[attempt]

    answer = await post(http, ticket, content, **fields)

    assert 400 <= answer.status_code < 500
    assert await is_absent(store, terms.key)
    assert await store.list_prefix(area_prefix(tenant, Area.STAGED)) == []


async def test_a_form_cannot_write_to_another_key(
    store: ObjectStore, tenant: UUID, http: httpx.AsyncClient
):
    ticket = await store.presign_upload(terms_for(tenant))
    neighbour = object_key(uuid4(), Area.STAGED, str(uuid4()))

    answer = await post(http, ticket, BYTES, key=neighbour)

    assert answer.status_code == 403
    assert await is_absent(store, neighbour)
    assert await is_absent(store, ticket.fields["key"])


async def test_a_form_with_every_signature_changed_is_refused(
    store: ObjectStore, tenant: UUID, http: httpx.AsyncClient
):
    ticket = await store.presign_upload(terms_for(tenant))
    name = next(name for name in ticket.fields if name.endswith("signature"))

    answer = await post(http, ticket, BYTES, **{name: "0" * 64})

    assert answer.status_code == 403
    assert await is_absent(store, ticket.fields["key"])


async def test_a_late_form_is_refused(store: ObjectStore, tenant: UUID, http: httpx.AsyncClient):
    ticket = await store.presign_upload(terms_for(tenant, expires_s=1))
    await asyncio.sleep(2.1)

    answer = await post(http, ticket, BYTES)

    assert answer.status_code == 403
    assert await is_absent(store, ticket.fields["key"])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"size": 0}, "EVIDENCE_SIZE"),
        ({"size": -1}, "EVIDENCE_SIZE"),
        ({"sha256": DIGEST.upper()}, "EVIDENCE_DIGEST"),
        ({"sha256": ""}, "EVIDENCE_DIGEST"),
        ({"content_type": "jpeg"}, "EVIDENCE_TYPE"),
        ({"content_type": "image/jpeg\r\nx: y"}, "EVIDENCE_TYPE"),
    ],
)
async def test_terms_no_upload_could_meet_get_no_ticket(
    store: ObjectStore, tenant: UUID, change: dict[str, object], code: str
):
    with pytest.raises(Invalid) as refusal:
        await store.presign_upload(replace(terms_for(tenant), **change))
    assert refusal.value.code == code


BAD_KEYS = [
    "",
    "/etc/passwd",
    "../{tenant}/staged/a",
    "{tenant}/staged/../../a",
    "{tenant}/staged/./a",
    "{tenant}/staged//a",
    "{tenant}/staged/a/",
    "{tenant}/staged/a/b",
    "{tenant}/staged/.hidden",
    "{tenant}/staged/A",
    "{tenant}/staged/a\n",
    "{tenant}/staged/a\x00b",
    "{tenant}/staged/a%2f..%2fb",
    "{tenant}/elsewhere/a",
    "{tenant}/staged",
    "{tenant}\\staged\\a",
    "staged/a",
    "{tenant}/staged/" + "a" * 200,
]


@pytest.mark.parametrize("form", BAD_KEYS)
async def test_a_malformed_key_reaches_no_store(store: ObjectStore, tenant: UUID, form: str):
    key = form.format(tenant=tenant)
    attempts = [
        lambda: store.stat(key),
        lambda: store.put(key, BYTES, content_type="image/jpeg", sha256=DIGEST),
        lambda: store.delete(key),
        lambda: store.lock(key, in_days(1)),
        lambda: store.presign_download(key, SHOWN, 60),
        lambda: store.presign_upload(replace(terms_for(tenant), key=key)),
        lambda: content_of(store, key),
    ]
    for attempt in attempts:
        with pytest.raises(Invalid) as refusal:
            await attempt()
        assert refusal.value.code == "EVIDENCE_KEY"


@pytest.mark.parametrize("prefix", ["", "/", "staged/", "{tenant}", "{tenant}/sta", "{tenant}/../"])
async def test_a_listing_stays_inside_one_area_of_one_tenant(
    store: ObjectStore, tenant: UUID, prefix: str
):
    with pytest.raises(Invalid) as refusal:
        await store.list_prefix(prefix.format(tenant=tenant))
    assert refusal.value.code == "EVIDENCE_KEY"


@pytest.mark.parametrize("area", [Area.ORIGINAL, Area.DERIVED])
async def test_clients_write_to_the_staging_area_only(store: ObjectStore, tenant: UUID, area: Area):
    terms = replace(terms_for(tenant), key=object_key(tenant, area, "a"))
    with pytest.raises(Invalid) as refusal:
        await store.presign_upload(terms)
    assert refusal.value.code == "EVIDENCE_KEY"


async def test_a_signed_url_reads_its_object_and_names_it(
    store: ObjectStore, tenant: UUID, http: httpx.AsyncClient
):
    key = await put_original(store, tenant)

    answer = await http.get(await store.presign_download(key, SHOWN, 60))

    assert (answer.status_code, answer.content) == (200, BYTES)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-disposition"] == (
        "inline; filename*=UTF-8''%E6%A0%8F%E6%9D%86%20%E7%A0%B4%E6%8D%9F.jpg"
    )
    assert answer.headers["cache-control"] == "private, no-store"


async def test_a_signed_url_expires(store: ObjectStore, tenant: UUID, http: httpx.AsyncClient):
    key = await put_original(store, tenant)
    url = await store.presign_download(key, SHOWN, 1)
    await asyncio.sleep(2.1)

    answer = await http.get(url)

    assert answer.status_code == 403
    assert BYTES not in answer.content


async def test_a_signed_url_opens_only_what_it_was_signed_for(
    store: ObjectStore, tenant: UUID, http: httpx.AsyncClient
):
    key = await put_original(store, tenant)
    other = await put_original(store, tenant, b"another photo")
    neighbour = await put_original(store, uuid4(), b"a neighbour's photo")
    url = await store.presign_download(key, SHOWN, 60)
    changed = [
        url.replace(key, other),
        url.replace(key, neighbour),
        url.replace("image%2Fjpeg", "text%2Fhtml"),
        url.replace("inline", "attachment"),
        url.split("?", maxsplit=1)[0],
        url.replace("ignature=", "ignature=0"),
        url.replace("xpires=", "xpires=9"),
    ]

    answers = [await http.get(attempt) for attempt in changed]

    assert len({*changed, url}) == 8
    assert [answer.status_code for answer in answers] == [403] * 7
    assert all(b"photo" not in answer.content for answer in answers)


async def test_a_signed_url_of_an_absent_object_finds_nothing(
    store: ObjectStore, tenant: UUID, http: httpx.AsyncClient
):
    key = object_key(tenant, Area.ORIGINAL, str(uuid4()))
    answer = await http.get(await store.presign_download(key, SHOWN, 60))
    assert answer.status_code == 404


async def test_a_signed_url_cannot_be_used_to_write(
    store: ObjectStore, tenant: UUID, http: httpx.AsyncClient
):
    key = await put_original(store, tenant)
    url = await store.presign_download(key, SHOWN, 60)

    answers = [await http.put(url, content=b"forged"), await http.delete(url)]

    assert all(400 <= answer.status_code < 500 for answer in answers)
    assert await content_of(store, key) == BYTES


@pytest.mark.parametrize("expires_s", [0, -1, 7 * 24 * 3600 + 1])
async def test_no_signature_lives_longer_than_a_week(
    store: ObjectStore, tenant: UUID, expires_s: int
):
    key = object_key(tenant, Area.ORIGINAL, "a")
    with pytest.raises(ValueError, match="expires_s"):
        await store.presign_download(key, SHOWN, expires_s)
    with pytest.raises(ValueError, match="expires_s"):
        await store.presign_upload(terms_for(tenant, expires_s=expires_s))
