"""What is refused about meetings, and that nothing changed then."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jingwei_core.meetings.rules import read_rules
from jingwei_core.tenants.package import load_package
from jingwei_core.tenants.package_problems import PackageInvalid
from jingwei_sdk.errors import Invalid
from tests.core.events.city import GRID, ROOT
from tests.core.meetings.hall import RULES, SERIES, Hall, refused
from tests.core.workforce.street import at

ZHENGZHOU = Path(__file__).resolve().parents[3] / "tenants/zhengzhou"


async def test_a_decision_that_cannot_be_carried_out(hall: Hall) -> None:
    # Not verified yet: its workflow dispatches from no state that it is in.
    fresh = await hall.report("worker", title="新报")
    event = await hall.verified(
        title="旧报",
        kind="city.water.leak",
        evidence=[{"id": await hall.photo("worker"), "phase": "before"}],
    )
    meeting = await hall.next_meeting()
    put = await hall.run("street-chief", "meeting.put", meeting, kind="decision", text="做宣传栏")
    items = {item["event"]: item["id"] for item in await hall.items(meeting)}
    assert set(items) == {fresh, event, None}  # the fresh one is overdue by Friday
    decide = ("street-chief", "meeting.decide")
    given = {"text": "交办", "department_code": "roads"}
    await refused(hall, "MEETING_NO_DISPATCH", *decide, items[fresh], **given)
    joint = {
        "joint_departments": [hall.departments["water"]],
        "joint_lead": hall.people["roads-officer"],
        "joint_at": at(9),
    }
    # Nothing is dispatched by a decision that only calls several departments together.
    undirected = {"text": "联合执法", "action": "return_to_registration"}
    await refused(hall, "MEETING_JOINT_LEAD", *decide, items[event], **undirected, **joint)
    ports = hall.platform.event_ports
    hall.platform.event_ports = replace(ports, joint_operations=type(ports)().joint_operations)
    await refused(hall, "MEETING_JOINT_MISSING", *decide, items[event], **given, **joint)
    hall.platform.event_ports = ports
    rules = {"series": [{**RULES["series"][0], "limit": None}]}
    await hall.fetch("UPDATE core.meeting_rules SET definition = $1", json.dumps(rules))
    await refused(hall, "MEETING_DUE_MISSING", *decide, put.row_id, **given)


async def test_what_has_ended_elsewhere_is_not_decided_here(hall: Hall) -> None:
    event = await hall.verified()
    meeting = await hall.next_meeting()
    (item,) = await hall.items(meeting)
    await hall.fetch("UPDATE core.event SET is_final = true WHERE id = $1", event)
    given = {"text": "交办", "department_code": "roads"}
    await refused(
        hall, "MEETING_EVENT_CLOSED", "street-chief", "meeting.decide", item["id"], **given
    )


async def test_a_result_goes_to_the_item_of_the_last_meeting(hall: Hall) -> None:
    first = await hall.next_meeting()
    put = ("street-chief", "meeting.put", first)
    item = (await hall.run(*put, kind="decision", text="统一制作宣传栏")).row_id
    roads = hall.departments["roads"]
    await hall.run("street-chief", "meeting.decide", item, text="道路科办", department=roads)
    await hall.close(first)
    second = await hall.next_meeting()
    await refused(hall, "MEETING_ITEM_MOVED_ON", "mender", "meeting.solve", item, result="好")
    (again,) = await hall.items(second)
    await hall.run("mender", "meeting.solve", again["id"], result="已做好")


async def test_who_is_not_expected_puts_nothing_on_the_agenda(hall: Hall) -> None:
    """A meeting of one community: the street's leader may read it, as a clerk who prepares none."""
    await hall.fetch("UPDATE core.place SET level = 'street' WHERE path = $1", GRID)
    await hall.fetch("UPDATE core.place SET level = 'grid' WHERE path = $1", ROOT)
    await hall.plan()
    (meeting,) = await hall.meetings()
    await hall.fetch(
        "UPDATE core.role SET permissions = '{place.read,event.read,meeting.read}'"
        " WHERE code = 'superior'"
    )
    put = ("meeting.put", meeting["id"])
    await refused(hall, "MEETING_NOT_EXPECTED", "superior", *put, text="插话")
    elsewhere = await hall.report(
        "other-worker", position={"lon": 111.305, "lat": 30.695, "crs": "EPSG:4490"}
    )
    await refused(hall, "MEETING_EVENT_ELSEWHERE", "street-chief", *put, event_id=elsewhere)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"weekday": 8}, "series[1].weekday"),
        ({"time": "half past two"}, "series[1].time"),
        ({"quota": 3}, "series[1]"),
        ({"agenda": {"ranking": True}}, "series[1].agenda"),
    ],
)
def test_rules_that_say_what_is_not_known_are_refused(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        read_rules({"series": [{**RULES["series"][0], **wrong}]})
    assert (refusal.value.code, refusal.value.field) == ("MEETING_RULES_INVALID", field)
    with pytest.raises(Invalid) as refusal:
        read_rules({"series": RULES["series"] * 2})
    assert refusal.value.field == "series"


def test_a_package_says_its_meetings_and_ledgers_or_why_not(tmp_path: Path) -> None:
    package = load_package(ZHENGZHOU)
    assert [series.code for series in package.meetings.series] == [SERIES]
    assert [ledger.code for ledger in package.ledgers.ledgers] == ["problems", "unsolved"]
    folder = Path(shutil.copytree(ZHENGZHOU, tmp_path / "zhengzhou"))
    told = (folder / "meetings.toml").read_text(encoding="utf-8")
    told = told.replace('level = "street"', 'level = "lane"').replace('"grid_chief"]', '"nobody"]')
    (folder / "meetings.toml").write_text(told, encoding="utf-8")
    ledgers = (folder / "ledgers.toml").read_text(encoding="utf-8")
    (folder / "ledgers.toml").write_text(ledgers.replace('"number", ', '"score", '), "utf-8")
    with pytest.raises(PackageInvalid) as refusal:
        load_package(folder)
    found = {(problem.file, problem.code) for problem in refusal.value.problems}
    assert {
        ("meetings.toml", "PACKAGE_UNKNOWN_LEVEL"),
        ("meetings.toml", "PACKAGE_UNKNOWN_ROLE"),
        ("ledgers.toml", "LEDGER_RULES_INVALID"),
    } <= found
