"""Taking reports of the public: the event, the photo, what is refused, and forms sent twice."""

import asyncio
import re
import uuid
from typing import Any

import msgspec
import pytest

from jingwei_core.events.duplicates import find_duplicates
from jingwei_core.events.placing import ReportedPosition
from tests.api.public_reports.world import (
    NAME,
    PHONE,
    PICTURE,
    Resident,
    error_of,
    expected,
    written,
)
from tests.core.events.city import GRID, IN_GRID, LEAK, NOWHERE, POTHOLE, ROOT

NOTHING = str(uuid.UUID(int=1))


async def test_a_report_is_an_event_like_any_other(resident: Resident) -> None:
    city = resident.city
    ours = await city.report("worker")
    code = await resident.reported(position=IN_GRID, text="  第一行\r\n第二行\x00  ")
    event = await resident.event_of(code)
    assert (event["source"], event["state"], event["title"]) == ("public", "begin", "第一行")
    assert (event["description"], event["kind"]) == ("第一行\n第二行", city.kinds[POTHOLE])
    assert (event["reporter"], event["first_receiver"]) == (None, None)
    assert event["place_id"] == city.places[GRID]
    # What a collector reports is taken at once; the public's waits for the check on site.
    assert (await city.event(ours))["state"] == "work"
    (step,) = await city.steps(event["id"])
    assert (step["actor"], step["actor_name"]) == (None, "public")
    where = msgspec.convert(IN_GRID, ReportedPosition)
    async with city.context("chief") as ctx:
        hints = await find_duplicates(ctx, POTHOLE, where)
    numbers = {event["number"], (await city.event(ours))["number"]}
    assert numbers <= {hint.number for hint in hints}


async def test_who_reported_stays_apart_from_the_event_and_out_of_the_log(
    resident: Resident,
) -> None:
    city = resident.city
    photo = await resident.uploaded(PICTURE, expected(PICTURE))
    code = await resident.reported(photos=[photo], name=NAME, phone=PHONE)
    event = (await resident.event_of(code))["id"]
    (audit,) = await city.fetch(
        "SELECT actor_kind, actor_name, changes::text AS told FROM core.audit_entry"
        " WHERE command = 'public.report' AND target_id = $1",
        event,
    )
    assert (audit["actor_kind"], audit["actor_name"]) == ("system", "public")
    for secret in (PHONE, NAME, code, code.replace("-", "")):
        assert secret not in audit["told"]
    (kept,) = await city.fetch(
        "SELECT x::text AS row FROM core.public_report x WHERE event = $1", event
    )
    assert code not in kept["row"]
    assert code.replace("-", "") not in kept["row"]
    (evidence,) = await city.fetch(
        "SELECT v.owner, v.status, s.phase FROM core.evidence v JOIN core.step_evidence s"
        " ON s.evidence = v.id WHERE s.event = $1",
        event,
    )
    assert tuple(evidence) == (None, "committed", "before")


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
        ({"kind": LEAK}, (400, "EVENT_PHOTO_REQUIRED", "photos")),
        ({"place": NOTHING}, (404, "PLACE_NOT_FOUND", "place")),
        ({"place": None}, (400, "EVENT_PLACE_REQUIRED", "place")),
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
    photo = await resident.uploaded(PICTURE, expected(PICTURE))
    code = await resident.reported(photos=[photo], kind=LEAK)
    assert (await resident.event_of(code))["kind"] == city.kinds[LEAK]
    before = await written(city)
    assert error_of(await resident.report(photos=[photo]))[1] in (
        "PUBLIC_PHOTO_USED",
        "EVIDENCE_NOT_FOUND",
    )
    fresh = await resident.uploaded(PICTURE, expected(PICTURE))
    assert error_of(await stranger.report(photos=[fresh]))[1] == "PUBLIC_PHOTO_UNKNOWN"
    assert error_of(await resident.report(photos=[fresh, fresh]))[1] == "PUBLIC_PHOTO_TWICE"
    script = b"\xff\xd8\xff<script>alert(1)</script>"
    bad = await resident.uploaded(script, expected(script))
    status, refused, _ = error_of(await resident.report(photos=[bad]))
    assert (status, refused.startswith("EVIDENCE_")) == (400, True)
    huge = await resident.call("photos", contentType="image/jpeg", size=2**40, sha256="0" * 64)
    assert error_of(huge)[1] == "EVIDENCE_SIZE"
    program = await resident.call("photos", contentType="text/html", size=10, sha256="0" * 64)
    assert error_of(program)[1] == "EVIDENCE_TYPE"
    assert await written(city) == before


async def test_two_that_send_the_same_form_at_once_register_one_event(resident: Resident) -> None:
    form = await resident.token()
    count = "SELECT count(*) FROM core.event"
    before = await resident.city.value(count)
    codes = await asyncio.gather(*(resident.reported(form=form) for _ in range(4)))
    assert len(set(codes)) == 1
    assert await resident.city.value(count) == before + 1
