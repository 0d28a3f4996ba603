"""Reports of the public over HTTP: a resident without an account, from the form to the rating."""

import asyncio
import hashlib
import json
import os
import re
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from jingwei_api.app import create_app
from jingwei_core.contribution import core_contribution
from jingwei_core.database import open_database
from jingwei_core.evidence.facts import Expected
from jingwei_core.evidence.opening import open_store
from jingwei_core.platform import Platform
from jingwei_core.plugins.host import PluginHost
from jingwei_core.public_reports.removing import remove_old
from jingwei_sdk.errors import Denied
from tests.api.browser import browsing, chromium
from tests.api.conftest import serving
from tests.api.public_world import (
    NAME,
    PHONE,
    RULES,
    Resident,
    error_of,
    rule,
    two_cities,
    written,
)
from tests.core.events.city import GRID, IN_GRID, LEAK, NOWHERE, POTHOLE, ROOT, City
from tests.core.events.frozen_clock import FrozenClock
from tests.core.evidence.pictures import camera_exif, gps, jpeg
from tests.servers.databases import NewDatabase

PICTURE = jpeg(exif=camera_exif(gps=gps(30.6951, 111.2951)))
NOTHING = str(uuid.UUID(int=1))


@pytest.fixture(scope="module")
async def platform(new_database: NewDatabase) -> AsyncIterator[Platform]:
    """A platform of these tests' own, with a clock that they move."""
    async with new_database() as settings, open_database(settings) as database:
        opened = Platform(database, PluginHost(core_contribution(), []), open_store(settings))
        opened.clock = FrozenClock()
        yield opened


@pytest.fixture(scope="module")
async def cities(platform: Platform) -> tuple[City, City]:
    return await two_cities(platform)


@pytest.fixture(scope="module")
async def public_url(platform: Platform) -> AsyncIterator[str]:
    async with serving(create_app(platform)) as url:
        yield url


@pytest.fixture
async def resident(
    public_url: str, cities: tuple[City, City], platform: Platform
) -> AsyncIterator[Resident]:
    assert isinstance(platform.clock, FrozenClock)
    for city in cities:
        await rule(city, **RULES)
    async with httpx.AsyncClient(base_url=public_url, trust_env=False, timeout=20) as http:
        yield Resident(http, cities[0], platform.clock)


@pytest.fixture
async def stranger(resident: Resident, cities: tuple[City, City]) -> Resident:
    """The same person at the neighbour's counter."""
    return Resident(resident.http, cities[1], resident.clock)


def _expected(content: bytes) -> Expected:
    return Expected("image/jpeg", len(content), hashlib.sha256(content).hexdigest())


async def _settle(city: City, event: uuid.UUID) -> None:
    """Handled by staff, who leave their names and notes."""
    await city.act("chief", event, "start", note="内部备注：派老王去")
    photo = await city.photo("mender")
    after = [{"id": str(photo), "phase": "after"}]
    await city.act("mender", event, "settle", note="内部备注：已补好", evidence=after)


async def test_a_report_is_an_event_like_any_other_and_its_reporter_stays_apart(
    resident: Resident,
) -> None:
    city = resident.city
    photo = await resident.uploaded(PICTURE, _expected(PICTURE))
    code = await resident.reported(
        photos=[photo], name=NAME, phone=PHONE, position=IN_GRID, text="  第一行\r\n第二行  "
    )
    event = await resident.event_of(code)
    assert (event["source"], event["state"], event["title"]) == ("public", "begin", "第一行")
    assert (event["description"], event["kind"]) == ("第一行\n第二行", city.kinds[POTHOLE])
    assert (event["reporter"], event["first_receiver"]) == (None, None)
    assert event["place_id"] == city.places[GRID]
    # What a collector reports is taken at once; the public's waits for the check on site.
    ours = await city.report("worker")
    assert (await city.event(ours))["state"] == "work"
    (step,) = await city.steps(event["id"])
    assert (step["actor"], step["actor_name"]) == (None, "public")
    (audit,) = await city.fetch(
        "SELECT actor_kind, actor_name, changes::text AS told FROM core.audit_entry"
        " WHERE command = 'public.report' AND target_id = $1",
        event["id"],
    )
    assert (audit["actor_kind"], audit["actor_name"]) == ("system", "public")
    assert PHONE not in audit["told"]
    assert NAME not in audit["told"]
    kept = await city.fetch(
        "SELECT x::text AS row FROM core.public_report x WHERE event = $1", event["id"]
    )
    assert code not in kept[0]["row"]
    assert code.replace("-", "") not in kept[0]["row"]
    (evidence,) = await city.fetch(
        "SELECT v.*, s.phase FROM core.evidence v JOIN core.step_evidence s ON s.evidence = v.id"
        " WHERE s.event = $1",
        event["id"],
    )
    assert (evidence["owner"], evidence["status"], evidence["phase"]) == (
        None,
        "committed",
        "before",
    )
    duplicates = await city.fetch("SELECT id FROM core.event WHERE kind = $1", event["kind"])
    assert {event["id"], ours} <= {row["id"] for row in duplicates}


async def test_progress_is_told_in_words_for_the_public_and_in_no_others(
    resident: Resident,
) -> None:
    city = resident.city
    photo = await resident.uploaded(PICTURE, _expected(PICTURE))
    code = await resident.reported(photos=[photo], name=NAME, phone=PHONE)
    told = (await resident.call("follow", code=code)).json()
    assert (told["state"], [step["name"] for step in told["steps"]]) == ("已收到", ["已收到"])
    assert told["photos"] == []
    assert (told["mayRate"], told["mayReopen"], told["hasContact"]) == (False, False, True)
    event = await resident.event_of(code)
    await city.act("chief", event["id"], "verify", note="内部备注：看过了")
    await _settle(city, event["id"])
    async with city.context(None) as ctx:
        command = ctx.registry.commands["public-report.answer"].handler
        target = (
            await ctx.data.find(ctx.registry.record("PublicReport").table, id=event["report"])
        )[0]
        given = ctx.registry.commands["public-report.answer"].input(text="坑已补好，谢谢")
        await command(ctx, target, given)
    resident.language = "en"
    answer = await resident.call("follow", code=code.lower().replace("-", " "))
    told = answer.json()
    assert told["state"] == "Settled"
    assert [step["name"] for step in told["steps"]] == ["Received", "Being handled", "Settled"]
    assert (told["answer"], told["mayRate"]) == ("坑已补好，谢谢", True)
    for secret in ("内部备注", "mender", "chief", "roads", PHONE, NAME, event["number"]):
        assert secret not in answer.text
    # The photo of the test's worker was never made small; the resident's own was.
    (shown,) = told["photos"]
    assert shown["phase"] == "before"
    picture = await resident.http.get(shown["url"])
    assert picture.status_code == 200
    assert b"Exif" not in picture.content
    assert b"PhoneS" not in picture.content.title() or b"MakerOfPhones" not in picture.content


async def test_the_outcome_is_rated_once_after_each_closing_and_reopened_within_the_window(
    resident: Resident,
) -> None:
    city, clock = resident.city, resident.clock
    code = await resident.reported()
    event = (await resident.event_of(code))["id"]
    before = await written(city)
    assert error_of(await resident.call("rate", code=code, stars=5)) == (
        409,
        "PUBLIC_NOT_FINISHED",
        "code",
    )
    assert error_of(await resident.call("reopen", code=code, reason="没修好")) == (
        409,
        "PUBLIC_NOT_FINISHED",
        "code",
    )
    assert await written(city) == before
    await _settle(city, event)
    clock.forward(hours=1)
    assert (await resident.call("rate", code=code, stars=2, opinion="太慢")).status_code == 204
    before = await written(city)
    assert error_of(await resident.call("rate", code=code, stars=5))[1] == "PUBLIC_RATED"
    assert error_of(await resident.call("rate", code=code, stars=6))[1:] == (
        "PUBLIC_FORM_INVALID",
        "stars",
    )
    assert error_of(await resident.call("reopen", code=code, reason=" "))[1:] == (
        "PUBLIC_TEXT_TOO_SHORT",
        "reason",
    )
    assert await written(city) == before
    assert (await resident.call("reopen", code=code, reason="还是有坑")).status_code == 204
    row, last = await city.event(event), (await city.steps(event))[-1]
    assert (row["state"], row["is_final"], row["assigned_department"]) == ("begin", False, None)
    assert (last["action"], last["reason"], last["actor"]) == ("reopen", "还是有坑", None)
    assert await city.value("SELECT reopened FROM core.public_report WHERE event = $1", event) == 1
    clock.forward(hours=1)
    await _settle(city, event)
    clock.forward(hours=1)
    assert (await resident.call("rate", code=code, stars=4)).status_code == 204
    before = await written(city)
    refused = error_of(await resident.call("reopen", code=code, reason="又坏了"))
    assert refused[1] == "PUBLIC_REOPENED_ENOUGH"
    await rule(city, **{**RULES, "reopen_most": 2})
    clock.forward(days=4)
    assert error_of(await resident.call("reopen", code=code, reason="又坏了"))[1] == (
        "EVENT_GUARD_WITHIN"
    )
    await rule(city, **{**RULES, "reopen": ""})
    assert error_of(await resident.call("reopen", code=code, reason="又坏了"))[1] == (
        "PUBLIC_REOPEN_OFF"
    )
    await rule(city, **RULES)
    assert await written(city) == before


async def test_a_contact_is_for_those_who_call_back_and_goes_on_time_or_when_asked(
    resident: Resident,
) -> None:
    city, clock = resident.city, resident.clock
    code, kept = (
        await resident.reported(name=NAME, phone=PHONE),
        await resident.reported(phone=PHONE),
    )
    reports = await city.fetch("SELECT id, event FROM core.public_report ORDER BY id DESC LIMIT 2")
    later, first = reports
    role = "INSERT INTO core.role (code, name, permissions) VALUES ($1, $1, $2) RETURNING id"
    for login, permissions in (
        ("reader", ["public-report.read"]),
        ("caller", ["public-report.read", "public-report.contact"]),
    ):
        held = await city.value(role, login, permissions)
        city.people[login] = await city.value(
            "INSERT INTO core.account (login, name) VALUES ($1, $1) RETURNING id", login
        )
        await city.fetch(
            "INSERT INTO core.post (account, role, place_id, valid_from)"
            " VALUES ($1, $2, $3, '2026-01-01')",
            city.people[login],
            held,
            city.places[GRID],
        )
    before = await written(city)
    for login in ("reader", "worker"):
        with pytest.raises(Denied):
            await city.run(login, "public-report.reveal-phone", first["id"], purpose="回访核实")
    with pytest.raises(Denied):
        await city.run("caller", "public-report.answer", first["id"], text="好了")
    assert await written(city) == before
    answer = await city.run("caller", "public-report.reveal-phone", first["id"], purpose="回访核实")
    assert answer.values is not None
    assert answer.values["value"] == PHONE
    (audit,) = await city.fetch(
        "SELECT changes::text AS told FROM core.audit_entry"
        " WHERE command = 'public-report.reveal-phone'"
    )
    assert "回访核实" in audit["told"]
    assert PHONE not in audit["told"]
    assert (await resident.call("forget", code=code)).status_code == 204
    contact = "SELECT name, phone FROM core.public_report WHERE id = $1"
    assert tuple((await city.fetch(contact, first["id"]))[0]) == (None, None)
    assert tuple((await city.fetch(contact, later["id"]))[0]) == (None, PHONE)
    assert (await resident.call("follow", code=code)).json()["hasContact"] is False
    logged = await city.fetch("SELECT changes::text AS told FROM core.audit_entry")
    assert not [row for row in logged if PHONE in row["told"] or NAME in row["told"]]
    await _settle(city, later["event"])
    for days, is_there in ((29, True), (2, False)):
        clock.forward(days=days)
        async with city.context(None) as ctx:
            await remove_old(ctx, {})
        assert (await resident.call("follow", code=kept)).json()["hasContact"] is is_there
    assert not await city.fetch("SELECT 1 FROM core.public_call WHERE ends_at < $1", clock.now())


async def test_a_form_that_is_sent_again_gets_the_same_code_and_registers_nothing(
    resident: Resident,
) -> None:
    form = await resident.token()
    code = await resident.reported(form=form)
    before = await written(resident.city)
    assert await resident.reported(form=form, text="同一份表单，不同的内容") == code
    assert await written(resident.city) == before
    assert await resident.reported() != code


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ({"text": "坑"}, (400, "PUBLIC_TEXT_TOO_SHORT", "text")),
        ({"text": "x" * 2001}, (400, "PUBLIC_FORM_INVALID", "text")),
        ({"phone": "打给我"}, (400, "PUBLIC_PHONE_INVALID", "phone")),
        ({"kind": "safety.site.hazard"}, (400, "PUBLIC_KIND_UNKNOWN", "kind")),
        ({"kind": LEAK}, (400, "EVENT_PHOTO_REQUIRED", "evidence")),
        ({"place": NOTHING}, (404, "PLACE_NOT_FOUND", "placeId")),
        ({"place": None}, (400, "EVENT_PLACE_REQUIRED", "placeId")),
        ({"place": None, "position": NOWHERE}, (400, "EVENT_PLACE_UNKNOWN", "position")),
        ({"website": "https://spam.example"}, (403, "PUBLIC_FORM_REFUSED", None)),
        ({"form": "made-up"}, (403, "PUBLIC_FORM_EXPIRED", "form")),
        ({"photos": ["made-up"]}, (403, "PUBLIC_PHOTO_UNKNOWN", "photos.0")),
        ({"photos": ["made-up"] * 7}, (400, "PUBLIC_PHOTO_TOO_MANY", "photos")),
        ({"owner": "me"}, (400, "PUBLIC_FORM_INVALID", None)),
    ],
)
async def test_what_is_refused_is_told_in_both_languages_and_changes_nothing(
    resident: Resident, given: dict[str, Any], refused: tuple[int, str, str | None]
) -> None:
    before = await written(resident.city)
    answer = await resident.report(**given)
    assert error_of(answer) == refused
    resident.language = "en"
    english = await resident.report(**given)
    texts = [each.json()["errors"][0]["message"] for each in (answer, english)]
    assert re.search(r"[\u4e00-\u9fff]", texts[0])
    assert not re.search(r"[\u4e00-\u9fff]", texts[1])
    assert await written(resident.city) == before


async def test_a_form_that_is_too_new_too_old_or_of_another_city_is_refused(
    resident: Resident, stranger: Resident
) -> None:
    before = await written(resident.city), await written(stranger.city)
    token = (await resident.get("/api/form")).json()["form"]
    assert error_of(await resident.report(form=token)) == (403, "PUBLIC_FORM_TOO_FAST", "form")
    resident.clock.forward(seconds=10)
    assert error_of(await stranger.report(form=token))[1] == "PUBLIC_FORM_EXPIRED"
    resident.clock.forward(hours=12)
    assert error_of(await resident.report(form=token))[1] == "PUBLIC_FORM_EXPIRED"
    wide = await resident.report(place=str(resident.city.places[ROOT]))
    assert error_of(wide) == (400, "PUBLIC_PLACE_UNFIT", "place")
    assert (await written(resident.city), await written(stranger.city)) == before


async def test_a_photo_is_looked_at_and_belongs_to_one_report(
    resident: Resident, stranger: Resident
) -> None:
    city = resident.city
    photo = await resident.uploaded(PICTURE, _expected(PICTURE))
    code = await resident.reported(photos=[photo], kind=LEAK)
    assert (await resident.event_of(code))["kind"] == city.kinds[LEAK]
    before = await written(city)
    assert error_of(await resident.report(photos=[photo]))[1] in (
        "PUBLIC_PHOTO_USED",
        "EVIDENCE_NOT_FOUND",
    )
    fresh = await resident.uploaded(PICTURE, _expected(PICTURE))
    assert error_of(await stranger.report(photos=[fresh]))[1] == "PUBLIC_PHOTO_UNKNOWN"
    assert error_of(await resident.report(photos=[fresh, fresh]))[1] == "PUBLIC_PHOTO_TWICE"
    script = b"\xff\xd8\xff<script>alert(1)</script>"
    bad = await resident.uploaded(script, _expected(script))
    status, refused, _ = error_of(await resident.report(photos=[bad]))
    assert (status, refused.startswith("EVIDENCE_")) == (400, True)
    huge = await resident.call("photos", contentType="image/jpeg", size=2**40, sha256="0" * 64)
    assert error_of(huge)[1] == "EVIDENCE_SIZE"
    program = await resident.call("photos", contentType="text/html", size=10, sha256="0" * 64)
    assert error_of(program)[1] == "EVIDENCE_TYPE"
    assert await written(city) == before


async def test_an_unknown_code_a_neighbours_code_and_a_city_that_takes_none_read_the_same(
    resident: Resident, stranger: Resident
) -> None:
    code = await resident.reported(phone=PHONE)
    unknown = "2345-6789-ABCD-EFGH"
    before = await written(resident.city), await written(stranger.city)
    for path, more in (
        ("follow", {}),
        ("rate", {"stars": 5}),
        ("reopen", {"reason": "没修好"}),
        ("forget", {}),
    ):
        told = []
        for who, which in ((resident, unknown), (stranger, code), (resident, "x" * 5000)):
            answer = await who.call(path, code=which, **more)
            assert error_of(answer) == (404, "PUBLIC_CODE_UNKNOWN", "code")
            told.append(json.loads(re.sub(r'"requestId":"[^"]+"', '"requestId":""', answer.text)))
        assert told[0] == told[1] == told[2]
    assert (await written(resident.city), await written(stranger.city)) == before
    await rule(stranger.city, **{**RULES, "enabled": False})
    nowhere = Resident(resident.http, resident.city, resident.clock)
    closed = await stranger.call("follow", code=code)
    assert error_of(closed) == (404, "PUBLIC_REPORT_OFF", None)
    assert error_of(await stranger.report(form="x"))[1] == "PUBLIC_REPORT_OFF"
    missing = await nowhere.http.get("/report/no-such-city/api/form")
    assert error_of(missing) == (404, "PUBLIC_REPORT_OFF", None)
    page = await stranger.get()
    assert (page.status_code, "暂不接受公众上报" in page.text) == (404, True)
    await rule(stranger.city, **RULES)


async def test_calls_are_counted_in_the_database_by_prefix_by_code_and_in_the_whole_city(
    resident: Resident, platform: Platform
) -> None:
    city = resident.city
    code = await resident.reported()
    few = {"reports_per_hour": 2, "looks_per_minute": 3, "searches_per_minute": 500}
    await rule(city, **{**RULES, "limits": few})
    near = Resident(resident.http, city, resident.clock, address="198.51.100.9")
    resident.clock.forward(hours=2)
    resident.address = "198.51.100.1"
    assert (await resident.report()).status_code == 201
    assert (await near.report()).status_code == 201
    before = await written(city)
    refused = await near.report()
    assert error_of(refused) == (429, "PUBLIC_TOO_OFTEN", None)
    assert 0 < int(refused.headers["retry-after"]) <= 3600
    assert await written(city) == before
    resident.address = "198.51.101.1"
    assert (await resident.report()).status_code == 201
    for _ in range(3):
        assert error_of(await near.call("follow", code="guess"))[1] == "PUBLIC_CODE_UNKNOWN"
    assert error_of(await near.call("follow", code=code))[1] == "PUBLIC_TOO_OFTEN"
    near.clock.forward(minutes=1)
    assert (await near.call("follow", code=code)).status_code == 200
    await rule(city, **{**RULES, "limits": {"uses_per_hour": 2, "looks_per_minute": 999}})
    told = [await near.call("follow", code=code) for _ in range(3)]
    assert error_of(told[-1])[1] == "PUBLIC_TOO_OFTEN"
    await rule(city, **{**RULES, "limits": {"reports_per_day": 1}})
    resident.clock.forward(hours=2)
    resident.address = "192.0.2.1"
    assert error_of(await resident.report())[1] == "PUBLIC_TOO_OFTEN"
    await rule(city, **RULES)
    stored = await city.fetch("SELECT bucket FROM core.public_call")
    assert all(re.fullmatch(r"[0-9a-f]{32}", row["bucket"]) for row in stored)


async def test_a_report_that_is_merged_follows_the_other_one_without_showing_its_photos(
    resident: Resident,
) -> None:
    city = resident.city
    photo = await resident.uploaded(PICTURE, _expected(PICTURE))
    await resident.reported(photos=[photo])
    other = (await city.fetch("SELECT event FROM core.public_report ORDER BY id DESC"))[0]["event"]
    code = await resident.reported()
    event = (await resident.event_of(code))["id"]
    await city.fetch(
        "UPDATE core.event SET merged_into = $2, state = 'merged', is_final = true,"
        " closed_at = $3 WHERE id = $1",
        event,
        other,
        resident.clock.now(),
    )
    told = (await resident.call("follow", code=code)).json()
    assert (told["isMerged"], told["state"], told["mayRate"]) == (True, "已收到", False)
    await _settle(city, other)
    told = (await resident.call("follow", code=code)).json()
    assert (told["state"], told["photos"], told["mayReopen"]) == ("处理好了", [], False)
    assert told["mayRate"] is True


async def test_places_are_found_by_name_and_by_position(resident: Resident) -> None:
    told = (await resident.get("/api/places", q="桃源")).json()["places"]
    assert [(place["name"], place["within"]) for place in told] == [
        ("桃源2", ["桃源1"]),
        ("桃源74", ["桃源1"]),
    ]
    told = (await resident.get("/api/places", **IN_GRID)).json()["places"]
    assert [place["id"] for place in told] == [str(resident.city.places[GRID])]
    assert (await resident.get("/api/places", **NOWHERE)).json() == {"places": []}
    assert (await resident.get("/api/places", q="桃")).json() == {"places": []}
    wrong = await resident.get("/api/places", lon="111", lat="30", crs="GCJ-02")
    assert error_of(wrong)[0] == 400
    assert error_of(await resident.get("/api/places", lon="far", lat="30"))[1] == (
        "PUBLIC_FORM_INVALID"
    )


async def test_the_pages_work_without_javascript_and_load_nothing_from_elsewhere(
    resident: Resident,
) -> None:
    city = resident.city
    found = await resident.get(q="桃源")
    assert "default-src 'none'" in found.headers["content-security-policy"]
    assert "form-action 'self'" in found.headers["content-security-policy"]
    assert found.headers["cache-control"] == "no-store"
    link = re.search(r'href="([^"]+/new\?place=[^"]+)"', found.text)
    assert link is not None
    form = await resident.http.get(link[1].replace("&amp;", "&"))
    loaded = re.findall(r'(?:src|href)="([^"]+)"', form.text)
    assert all(path.startswith(("/report", "#", "data:,")) for path in loaded)
    token = re.search(r'name="form" value="([^"]+)"', form.text)
    assert token is not None
    resident.clock.forward(seconds=10)
    fields = {"form": token[1], "place": str(city.places[GRID]), "text": "短", "phone": PHONE}
    before = await written(city)
    again = await resident.http.post(
        f"{resident.here}/new", data=fields, files={"photos": ("", b"")}
    )
    assert again.status_code == 400
    assert 'role="alert"' in again.text
    assert f'value="{PHONE}"' in again.text
    assert f'value="{token[1]}"' in again.text
    evil = {**fields, "text": "短", "name": '"><script>alert(1)</script>'}
    shown = await resident.http.post(f"{resident.here}/new", data=evil, files={"photos": ("", b"")})
    assert "<script>alert" not in shown.text
    many = [("photos", (f"{number}.jpg", PICTURE, "image/jpeg")) for number in range(7)]
    good = {**fields, "text": "路面有坑，请来看看"}
    assert (
        await resident.http.post(f"{resident.here}/new", data=good, files=many)
    ).status_code == 400
    assert (await resident.http.post(f"{resident.here}/new", data=good)).status_code == 400
    assert await written(city) == before
    sent = await resident.http.post(f"{resident.here}/new", data=good, files=many[:2])
    assert sent.status_code == 200, sent.text
    code = re.search(r'<code id="code">([^<]+)</code>', sent.text)
    assert code is not None
    event = (await resident.event_of(code[1]))["id"]
    photos = "SELECT count(*) FROM core.step_evidence WHERE event = $1"
    assert await city.value(photos, event) == 2
    await _settle(city, event)
    for path, more, text in (
        ("/follow", {}, "处理好了"),
        ("/rate", {"stars": "5"}, "谢谢您的评价"),
        ("/forget", {}, "联系方式已删除"),
        ("/reopen", {"reason": "还是有坑"}, "已要求重新办理"),
    ):
        page = await resident.post(path, code=code[1], **more)
        assert (page.status_code, text in page.text) == (200, True), page.text
        assert code[1] not in str(page.url)
    assert (await resident.post("/follow", code="no")).status_code == 404
    assert (await resident.get("/new", place="nowhere")).status_code == 303
    english = await resident.get(lang="en")
    assert ('lang="en"' in english.text, "Where is it?" in english.text) == (True, True)
    assert (await resident.http.get("/report-assets/words.toml")).status_code == 404


async def test_two_that_send_the_same_form_at_once_register_one_event(resident: Resident) -> None:
    form = await resident.token()
    count = "SELECT count(*) FROM core.event"
    before = await resident.city.value(count)
    codes = await asyncio.gather(*(resident.reported(form=form) for _ in range(4)))
    assert len(set(codes)) == 1
    assert await resident.city.value(count) == before + 1


FIT = """
(() => {
  const named = (el) => el.labels.length > 0 && el.labels[0].innerText.trim() !== "";
  const shown = [...document.querySelectorAll("input:not([type=hidden]), select, textarea")];
  const pressed = [...document.querySelectorAll("main button")];
  const small = pressed.filter((el) => el.offsetParent !== null && el.offsetHeight < 44);
  const wide = document.documentElement.scrollWidth > document.documentElement.clientWidth;
  return shown.every(named) && small.length === 0 && !wide
    && document.documentElement.lang === "zh-CN"
    && document.querySelectorAll("h1").length === 1
    && document.querySelectorAll("main").length === 1;
})()
"""


async def test_a_phone_reports_and_follows_without_javascript(
    resident: Resident, public_url: str, tmp_path: Path
) -> None:
    program = chromium()
    if program is None:
        assert "CI" not in os.environ, "no browser"
        pytest.skip("no browser")
    photo = tmp_path / "坑.jpg"
    photo.write_bytes(PICTURE)
    async with browsing(program, tmp_path / "profile") as page:
        await page.send("Emulation.setScriptExecutionDisabled", value=True)
        await page.send(
            "Emulation.setDeviceMetricsOverride",
            width=360,
            height=740,
            deviceScaleFactor=2,
            mobile=True,
        )
        await page.send("Page.navigate", url=f"{public_url}{resident.here}?lang=zh")
        await page.until("document.getElementById('q') !== null")
        assert await page.value(FIT)
        await page.value("document.getElementById('q').value = '桃源2'")
        await page.value("document.querySelector('form[role=search]').requestSubmit()")
        await page.until("document.querySelector('.places a') !== null")
        await page.value("document.querySelector('.places a').click()")
        await page.until("document.getElementById('text') !== null")
        assert await page.value(FIT)
        await page.value("document.getElementById('text').value = '人行道地砖松动'")
        await page.value(f"document.getElementById('phone').value = '{PHONE}'")
        root = await page.send("DOM.getDocument")
        found = await page.send(
            "DOM.querySelector", nodeId=root["root"]["nodeId"], selector="#photos"
        )
        await page.send("DOM.setFileInputFiles", files=[str(photo)], nodeId=found["nodeId"])
        resident.clock.forward(seconds=10)
        await page.value("document.querySelector('form[enctype]').requestSubmit()")
        await page.until("document.getElementById('code') !== null")
        code = await page.value("document.getElementById('code').textContent")
        event = await resident.event_of(code)
        assert event["title"] == "人行道地砖松动"
        await _settle(resident.city, event["id"])
        await page.value("document.querySelector('main form').requestSubmit()")
        await page.until("document.getElementById('state') !== null")
        assert await page.value("document.getElementById('state').textContent") == "处理好了"
        assert await page.value(FIT)
        await page.until("document.querySelector('.photos img').naturalWidth > 0")
        await page.value("document.querySelector('#rate input[value=\"5\"]').checked = true")
        await page.value("document.getElementById('rate').requestSubmit()")
        await page.until("(document.body?.innerText ?? '').includes('谢谢您的评价')")
        assert page.complaints == []
        assert all(url.startswith(public_url) for url in page.requested if url[:4] == "http")
        assert not [url for url in page.requested if code[:4] in url]
