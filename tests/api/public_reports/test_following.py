"""Following a report by its tracking code: public words, rating, reopening, unknown codes."""

import json
import re
from typing import Any

from tests.api.public_reports.world import (
    NAME,
    PHONE,
    PICTURE,
    RULES,
    Resident,
    employ,
    error_of,
    expected,
    rule,
    settle,
    written,
)
from tests.servers.round_trips import round_trips

UNKNOWN = "2345-6789-ABCD-EFGH"


async def _refused(resident: Resident, path: str, **given: Any) -> str:
    """The code by which it is refused."""
    return error_of(await resident.call(path, **given))[1]


async def test_progress_is_told_in_words_for_the_public_and_in_no_others(
    resident: Resident,
) -> None:
    city = resident.city
    photo = await resident.uploaded(PICTURE, expected(PICTURE))
    code = await resident.reported(photos=[photo], name=NAME, phone=PHONE)
    told = (await resident.call("follow", code=code)).json()
    assert (told["state"], [step["name"] for step in told["steps"]]) == ("已收到", ["已收到"])
    assert told["photos"] == []
    assert (told["mayRate"], told["mayReopen"], told["hasContact"]) == (False, False, True)
    event = await resident.event_of(code)
    await city.act("chief", event["id"], "verify", note="内部备注：看过了")
    await settle(city, event["id"])
    await employ(city, "speaker", ["public-report.read", "public-report.answer"])
    await city.run("speaker", "public-report.answer", event["report"], text=" 坑已补好，谢谢 ")
    resident.language = "en"
    answer = await resident.call("follow", code=code.lower().replace("-", " "))
    told = answer.json()
    assert told["state"] == "Settled"
    assert [step["name"] for step in told["steps"]] == ["Received", "Being handled", "Settled"]
    assert (told["answer"], told["mayRate"]) == ("坑已补好，谢谢", True)
    for secret in ("内部备注", "mender", "chief", "roads", "speaker", PHONE, NAME, event["number"]):
        assert secret not in answer.text
    # The photo that the test plants for the mender has no small ones; the resident's own has.
    (shown,) = told["photos"]
    picture = await resident.http.get(shown["url"])
    assert (picture.status_code, shown["phase"]) == (200, "before")
    assert b"Exif" in PICTURE
    assert b"Exif" not in picture.content


async def test_the_outcome_is_rated_once_after_each_closing(resident: Resident) -> None:
    city, clock = resident.city, resident.clock
    code = await resident.reported()
    event = (await resident.event_of(code))["id"]
    before = await written(city)
    early = await resident.call("rate", code=code, stars=5)
    assert error_of(early) == (409, "PUBLIC_NOT_FINISHED", "code")
    assert await written(city) == before
    await settle(city, event)
    clock.forward(hours=1)
    assert (await resident.call("rate", code=code, stars=2, opinion="太慢")).status_code == 204
    before = await written(city)
    assert await _refused(resident, "rate", code=code, stars=5) == "PUBLIC_RATED"
    wrong = await resident.call("rate", code=code, stars=6)
    assert error_of(wrong) == (400, "PUBLIC_FORM_INVALID", "stars")
    assert await written(city) == before
    assert (await resident.call("reopen", code=code, reason="还是有坑")).status_code == 204
    assert (await resident.call("follow", code=code)).json()["mayRate"] is False
    clock.forward(hours=1)
    await settle(city, event)
    clock.forward(hours=1)
    assert (await resident.call("rate", code=code, stars=4)).status_code == 204
    stored = "SELECT rating, opinion FROM core.public_report WHERE event = $1"
    assert tuple((await city.fetch(stored, event))[0]) == (4, "")


async def test_what_is_closed_is_reopened_within_the_window_and_counted(
    resident: Resident,
) -> None:
    city, clock = resident.city, resident.clock
    code = await resident.reported()
    event = (await resident.event_of(code))["id"]
    assert await _refused(resident, "reopen", code=code, reason="没修好") == "PUBLIC_NOT_FINISHED"
    await settle(city, event)
    assert (await resident.call("follow", code=code)).json()["mayReopen"] is True
    before = await written(city)
    empty = await resident.call("reopen", code=code, reason=" ")
    assert error_of(empty) == (400, "PUBLIC_TEXT_TOO_SHORT", "reason")
    assert await written(city) == before
    assert (await resident.call("reopen", code=code, reason="还是有坑")).status_code == 204
    row, last = await city.event(event), (await city.steps(event))[-1]
    assert (row["state"], row["is_final"], row["assigned_department"]) == ("begin", False, None)
    assert (last["action"], last["reason"], last["actor"]) == ("reopen", "还是有坑", None)
    assert await city.value("SELECT reopened FROM core.public_report WHERE event = $1", event) == 1
    await settle(city, event)
    before, again = await written(city), {"code": code, "reason": "又坏了"}
    assert await _refused(resident, "reopen", **again) == "PUBLIC_REOPENED_ENOUGH"
    await rule(city, **{**RULES, "reopen_most": 2})
    clock.forward(days=4)
    assert await _refused(resident, "reopen", **again) == "EVENT_GUARD_WITHIN"
    told = (await resident.call("follow", code=code)).json()
    assert (told["mayReopen"], told["reopenUntil"]) == (False, None)
    await rule(city, **{**RULES, "reopen": ""})
    assert await _refused(resident, "reopen", **again) == "PUBLIC_REOPEN_OFF"
    assert await written(city) == before


async def test_a_report_that_is_merged_follows_the_other_one_without_showing_its_photos(
    resident: Resident,
) -> None:
    city = resident.city
    photo = await resident.uploaded(PICTURE, expected(PICTURE))
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
    await settle(city, other)
    told = (await resident.call("follow", code=code)).json()
    assert (told["state"], told["photos"], told["mayReopen"]) == ("处理好了", [], False)
    assert told["mayRate"] is True


async def test_an_unknown_code_and_a_neighbours_code_read_the_same(
    resident: Resident, stranger: Resident
) -> None:
    code = await resident.reported(phone=PHONE)
    before = await written(resident.city), await written(stranger.city)
    for path, more in (
        ("follow", {}),
        ("rate", {"stars": 5}),
        ("reopen", {"reason": "没修好"}),
        ("forget", {}),
    ):
        told = []
        for who, which in ((resident, UNKNOWN), (stranger, code), (resident, "x" * 5000)):
            answer = await who.call(path, code=which, **more)
            assert error_of(answer) == (404, "PUBLIC_CODE_UNKNOWN", "code")
            told.append(json.loads(re.sub(r'"requestId":"[^"]+"', '"requestId":""', answer.text)))
        assert told[0] == told[1] == told[2]
    assert (await written(resident.city), await written(stranger.city)) == before


async def test_an_unknown_code_takes_the_same_statements_as_a_known_one(
    resident: Resident,
) -> None:
    sent, known = [], await resident.reported()
    await resident.call("follow", code=known)
    for code in (known, UNKNOWN, UNKNOWN):
        with round_trips() as trips:
            await resident.call("follow", code=code)
            sent.append([text for text in await trips.settled() if "SELECT" in text])
    assert len(sent[0]) > 5
    assert len(sent[0]) == len(sent[1]) == len(sent[2])


async def test_a_city_that_takes_no_reports_and_one_that_is_not_there_read_the_same(
    resident: Resident, stranger: Resident
) -> None:
    code, form = await stranger.reported(), await stranger.token()
    await rule(stranger.city, **{**RULES, "enabled": False})
    off = (404, "PUBLIC_REPORT_OFF", None)
    before = await written(stranger.city)
    assert error_of(await stranger.call("follow", code=code)) == off
    assert error_of(await stranger.report(form=form)) == off
    assert error_of(await resident.http.get("/report/no-such-city/api/form")) == off
    page = await stranger.get()
    assert (page.status_code, "暂不接受公众上报" in page.text) == (404, True)
    assert (await stranger.post("/new", text="有一个坑")).status_code == 404
    assert await written(stranger.city) == before
