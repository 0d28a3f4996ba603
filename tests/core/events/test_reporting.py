"""Reporting: where an event lies, what it begins with, and what is refused without a trace."""

import asyncio
import uuid
from datetime import datetime
from typing import Any

import pytest

from jingwei_sdk.errors import Conflict, Denied, Invalid, JingweiError, NotFound
from tests.core.events.city import (
    GRID,
    HAZARD,
    IN_GRID,
    IN_SIBLING,
    LEAK,
    NOWHERE,
    ON_EDGE,
    POTHOLE,
    ROOT,
    SIBLING,
    City,
)


def at(city: City, text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=city.tenant.timezone)


async def test_what_a_device_tells_late_has_both_times_and_limits_run_from_the_telling(
    city: City,
) -> None:
    found = at(city, "2026-11-21T10:00")
    event_id = await city.told_late("worker", found)
    (step,) = await city.steps(event_id)
    assert step["happened_at"] == found
    assert step["at"] == at(city, "2026-11-23T09:00")
    assert (await city.event(event_id))["state_due_at"] == at(city, "2026-11-23T11:00")
    await city.act("chief", event_id, "file")
    assert [one["happened_at"] for one in await city.steps(event_id)] == [found, None]


async def test_a_report_becomes_an_event_with_its_first_step(city: City) -> None:
    photo = await city.photo("worker")
    event_id = await city.report(
        description="约半米宽",
        form={"width_cm": 50},
        position={**IN_GRID, "accuracy_m": 8},
        evidence=[{"id": str(photo), "phase": "before"}],
    )
    event = await city.event(event_id)
    assert event["number"] == "20261123-000001"
    assert (event["state"], event["is_final"]) == ("registered", False)
    assert (event["place_id"], event["place_path"]) == (city.places[GRID], GRID)
    assert (event["lon_e7"], event["lat_e7"]) == (1_112_950_000, 306_950_000)
    assert (event["position_crs"], event["position_accuracy_m"]) == ("EPSG:4490", 8)
    assert event["reporter"] == city.people["worker"]
    assert event["source"] == "grid_worker"
    assert event["state_due_at"] == at(city, "2026-11-23T11:00")
    assert event["warn_at"] == at(city, "2026-11-23T10:36")
    assert event["due_at"] == at(city, "2026-12-02T17:30")
    (step,) = await city.steps(event_id)
    assert (step["sequence"], step["action"]) == (1, "report")
    assert (step["from_state"], step["to_state"]) == (None, "registered")
    assert (step["actor"], step["actor_name"]) == (city.people["worker"], "worker")
    assert step["due_at"] == event["state_due_at"]
    (attached,) = await city.fetch("SELECT step, evidence, phase FROM core.step_evidence")
    assert tuple(attached) == (step["id"], photo, "before")


@pytest.mark.parametrize(
    ("login", "place", "position", "lies_in"),
    [
        ("worker", GRID, None, GRID),
        ("worker", None, IN_GRID, GRID),
        ("worker", GRID, IN_GRID, GRID),
        # Both neighbours own their common edge; alone, the first in the tree gets it.
        ("worker", GRID, ON_EDGE, GRID),
        ("other-worker", SIBLING, ON_EDGE, SIBLING),
        ("worker", None, ON_EDGE, GRID),
    ],
)
async def test_place_and_position_agree(
    city: City, login: str, place: str | None, position: dict[str, Any] | None, lies_in: str
) -> None:
    where = {"place_id": str(city.places[place])} if place else {}
    event = await city.event(await city.report(login, **where, position=position))
    assert (event["place_path"], event["place_id"]) == (lies_in, city.places[lies_in])
    assert (event["lon_e7"] is None) == (position is None)


async def test_a_position_refines_the_named_place(city: City) -> None:
    await city.fetch("UPDATE core.post SET place_id = $1", city.places[ROOT])
    event = await city.event(await city.report(place_id=str(city.places[ROOT])))
    assert event["place_path"] == GRID


REFUSALS: list[tuple[str, dict[str, Any], type[JingweiError], str, str | None]] = [
    ("no place", {"position": None}, Invalid, "EVENT_PLACE_REQUIRED", "placeId"),
    ("nowhere", {"position": NOWHERE}, Invalid, "EVENT_PLACE_UNKNOWN", "position"),
    ("elsewhere", {"place_id": GRID, "position": IN_SIBLING}, Invalid, "EVENT_POSITION_ELSEWHERE",
     "position"),
    ("outside the named grid", {"place_id": GRID, "position": NOWHERE}, Invalid,
     "EVENT_POSITION_ELSEWHERE", "position"),
    ("unlabelled", {"position": {**IN_GRID, "crs": ""}}, Invalid, "CRS_MISSING", "position.crs"),
    ("shifted", {"position": {**IN_GRID, "crs": "GCJ-02"}}, Invalid, "CRS_UNSUPPORTED",
     "position.crs"),
    ("unlocated label", {"position": {"lon": 111.295, "lat": 30.695}}, Invalid, "INPUT_INVALID",
     "position"),
    ("another's grid", {"position": IN_SIBLING}, Invalid, "EVENT_PLACE_UNKNOWN", "position"),
    ("another's grid by name", {"place_id": SIBLING, "position": None}, NotFound,
     "PLACE_NOT_FOUND", "place_id"),
    ("unknown kind", {"kind": "city.road.volcano"}, Invalid, "EVENT_KIND_UNKNOWN", "kind"),
    ("a branch", {"kind": "city"}, Invalid, "EVENT_KIND_NOT_LEAF", "kind"),
    ("a plugin's kind", {"kind": HAZARD}, Invalid, "EVENT_KIND_OF_PLUGIN", "kind"),
    ("no title", {"title": "  "}, Invalid, "EVENT_TEXT_REQUIRED", "title"),
    ("a long title", {"title": "长" * 101}, Invalid, "INPUT_INVALID", "title"),
    ("a bad form", {"form": {"width_cm": 0}}, Invalid, "EVENT_FORM_INVALID", "form.width_cm"),
    ("an unknown field", {"form": {"depth": 1}}, Invalid, "EVENT_FORM_INVALID", "form.depth"),
    ("no photo", {"kind": LEAK}, Invalid, "EVENT_PHOTO_REQUIRED", "evidence"),
    ("a foreign source", {"source": "plugin"}, Invalid, "INPUT_INVALID", "source"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "kind", "code", "field"), [row[1:] for row in REFUSALS], ids=[r[0] for r in REFUSALS]
)
async def test_a_refused_report_leaves_no_trace(
    city: City, given: dict[str, Any], kind: type[JingweiError], code: str, field: str | None
) -> None:
    if "place_id" in given:
        given = {**given, "place_id": str(city.places[given["place_id"]])}
    before = await city.state()
    with pytest.raises(kind) as refusal:
        await city.report(**given)
    assert (refusal.value.code, refusal.value.field) == (code, field)
    assert await city.state() == before


async def test_who_may_not_report_cannot(city: City) -> None:
    before = await city.state()
    with pytest.raises(Denied) as refusal:
        await city.report("clerk")
    assert refusal.value.code == "PERMISSION_DENIED"
    assert await city.state() == before


async def test_an_ended_place_takes_no_report(city: City) -> None:
    await city.fetch(
        "UPDATE core.place SET valid_to = '2026-11-23' WHERE id = $1", city.places[GRID]
    )
    with pytest.raises(Invalid) as refusal:
        await city.report(place_id=str(city.places[GRID]), position=None)
    assert refusal.value.code == "EVENT_PLACE_ENDED"


async def test_only_own_committed_unused_evidence_counts(city: City, neighbour: City) -> None:
    used = await city.photo("worker")
    await city.report(evidence=[{"id": str(used), "phase": "before"}])
    cases = [
        (await city.photo("other-worker"), Invalid, "EVENT_EVIDENCE_UNKNOWN"),
        (await neighbour.photo("worker"), Invalid, "EVENT_EVIDENCE_UNKNOWN"),
        (uuid.uuid4(), Invalid, "EVENT_EVIDENCE_UNKNOWN"),
        (await city.photo("worker", status="pending"), Invalid, "EVENT_EVIDENCE_PENDING"),
        (used, Conflict, "EVENT_EVIDENCE_USED"),
    ]
    fresh = await city.photo("worker")
    before = await city.state()
    for evidence, kind, code in cases:
        with pytest.raises(kind) as refusal:
            await city.report(evidence=[{"id": str(fresh)}, {"id": str(evidence)}])
        assert (refusal.value.code, refusal.value.field) == (code, "evidence.1.id")
    with pytest.raises(Invalid) as refusal:
        await city.report(evidence=[{"id": str(fresh)}, {"id": str(fresh)}])
    assert refusal.value.code == "EVENT_EVIDENCE_TWICE"
    with pytest.raises(Invalid) as refusal:
        await city.report(evidence=[{"id": str(uuid.uuid4())} for _ in range(21)])
    assert refusal.value.code == "EVENT_EVIDENCE_TOO_MANY"
    assert await city.state() == before


async def test_a_document_is_no_photo(city: City) -> None:
    paper = await city.photo("worker", content_type="application/pdf")
    with pytest.raises(Invalid) as refusal:
        await city.report(kind=LEAK, evidence=[{"id": str(paper), "phase": "before"}])
    assert refusal.value.code == "EVENT_PHOTO_REQUIRED"


async def test_numbers_are_unique_under_concurrency_and_follow_the_citys_day(city: City) -> None:
    events = await asyncio.gather(*(city.report() for _ in range(20)))
    rows = await city.fetch("SELECT number FROM core.event WHERE id = ANY($1)", events)
    assert {row[0] for row in rows} == {f"20261123-{n:06}" for n in range(1, 21)}
    # 16:30 UTC on the 23rd is half past midnight on the 24th in the city.
    city.platform.clock.forward(hours=15.5)  # type: ignore[attr-defined]
    event = await city.event(await city.report())
    assert event["number"] == "20261124-000001"


async def test_two_reports_cannot_share_a_photo(city: City) -> None:
    photo = await city.photo("worker")
    attached = [{"id": str(photo), "phase": "before"}]
    answers = await asyncio.gather(
        *(city.report(evidence=attached) for _ in range(4)), return_exceptions=True
    )
    refused = [answer for answer in answers if isinstance(answer, JingweiError)]
    assert [error.code for error in refused] == ["EVENT_EVIDENCE_USED"] * 3
    assert await city.value("SELECT count(*) FROM core.event") == 1


async def test_a_report_says_where_it_came_from(city: City) -> None:
    event = await city.event(await city.report(source="hotline", kind=POTHOLE))
    assert event["source"] == "hotline"
