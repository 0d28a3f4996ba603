"""The life of a hazard (隐患): found, opened as an event, rectified, closed, settled."""

import json
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from jingwei_sdk.errors import Conflict, Denied, Invalid, NotFound
from tests.plugins.world import NEXT_GRID, NOON, PLUGIN, City

WHOLE_LOOP = ("file", "verify", "dispatch", "handle", "check", "close")


_WITH_EVENTS = """
SELECT h.id, h.level, h.rectify_by, h.status, h.item_code, e.title, e.due_at, e.source,
       e.subject_type, e.subject_id, e.place_path = h.place_path AS same_place, k.code
FROM safety_production.hazard h JOIN core.event e ON e.id = h.event
JOIN core.event_kind k ON k.id = e.kind ORDER BY h.id
"""


async def checklist(city: City, code: str = "small-shop") -> Any:
    await city.run("keeper", "safety.checklist.load-standard")
    rows = await city.fetch("SELECT * FROM safety_production.checklist WHERE code = $1", code)
    return rows[0]


def answers(checklist: Any, *failed: str) -> list[dict[str, str]]:
    codes = [item["code"] for item in json.loads(checklist["items"])]
    return [{"code": code, "verdict": "fail" if code in failed else "pass"} for code in codes]


async def test_an_inspection_opens_an_event_for_each_hazard(yichang: City) -> None:
    enterprise, asked = await yichang.enterprise(), await checklist(yichang)

    inspection = await yichang.made(
        "inspector",
        "safety.inspection.record",
        enterprise,
        checklist=str(asked["id"]),
        items=answers(asked, "exit", "wiring"),
        hazards=[
            {"item": "exit", "level": "major", "description": "安全出口上锁"},
            {"item": "wiring", "description": "私拉电线", "rectify_by": "2026-11-30"},
        ],
    )

    found = (await yichang.fetch("SELECT * FROM safety_production.inspection"))[0]
    assert (found["id"], found["failed_items"]) == (inspection, 2)
    assert found["inspector"] == yichang.people["inspector"]
    entry = (await yichang.fetch("SELECT * FROM safety_production.enterprise"))[0]
    assert entry["last_inspected_on"] == date(2026, 11, 23)
    items = await yichang.fetch(
        "SELECT verdict, count(*) FROM safety_production.inspection_item GROUP BY 1 ORDER BY 1"
    )
    assert [tuple(row) for row in items] == [("fail", 2), ("pass", 6)]
    hazards = await yichang.fetch(_WITH_EVENTS)
    major, general = hazards
    # 5 days for a major hazard are Yichang's setting; the general one names its own day.
    assert (major["level"], major["rectify_by"]) == ("major", date(2026, 11, 28))
    assert (general["level"], general["rectify_by"]) == ("general", date(2026, 11, 30))
    assert major["title"] == "重大隐患·示范餐馆01：安全出口上锁"
    assert major["due_at"] == datetime(2026, 11, 28, 15, 59, 59, tzinfo=UTC)
    assert {(row["status"], row["source"], row["same_place"], row["code"]) for row in hazards} == {
        ("open", "plugin", True, "safety.hazard.inspection")
    }
    assert [(row["subject_type"], row["subject_id"]) for row in hazards] == [
        ("SafetyHazard", major["id"]),
        ("SafetyHazard", general["id"]),
    ]


async def test_a_hazard_runs_its_loop_until_it_is_settled(yichang: City) -> None:
    hazard = await yichang.hazard(await yichang.enterprise())

    await yichang.run("inspector", "safety.hazard.rectify", hazard["id"], measures=" 已清理通道 ")
    row = await yichang.hazard_row(hazard["id"])
    assert (row["status"], row["measures"], row["rectified_at"]) == (
        "rectified",
        "已清理通道",
        NOON,
    )

    await yichang.act(hazard["event"], *WHOLE_LOOP)
    assert (await yichang.hazard_row(hazard["id"]))["status"] == "rectified"
    assert await yichang.react() == 1 + len(WHOLE_LOOP)
    assert (await yichang.hazard_row(hazard["id"]))["status"] == "verified"
    told = "SELECT payload ->> 'type', payload #>> '{data,hazard}' FROM core.outbox_message"
    assert [tuple(row) for row in await yichang.fetch(told)] == [
        ("safety-production.hazard_settled.v1", str(hazard["id"]))
    ]
    audited = await yichang.fetch(
        "SELECT command, actor_name FROM core.audit_entry ORDER BY sequence DESC LIMIT 1"
    )
    assert tuple(audited[0]) == ("safety-production:on_event_transitioned", "test")

    with pytest.raises(Conflict) as refusal:
        await yichang.run("inspector", "safety.hazard.rectify", hazard["id"], measures="再次")
    assert refusal.value.code == "SAFETY_HAZARD_SETTLED"


async def test_an_event_cannot_be_closed_before_measures_are_stated(yichang: City) -> None:
    hazard = await yichang.hazard(await yichang.enterprise())
    await yichang.act(hazard["event"], *WHOLE_LOOP[:-1])
    before = await yichang.state()

    with pytest.raises(Conflict) as refusal:
        await yichang.act(hazard["event"], "close")

    assert refusal.value.code == "SAFETY_HAZARD_NOT_RECTIFIED"
    assert refusal.value.params["plugin"] == PLUGIN
    assert await yichang.state() == before
    await yichang.run("inspector", "safety.hazard.rectify", hazard["id"], measures="已整改")
    await yichang.act(hazard["event"], "close")


@pytest.mark.parametrize("end", ["reject", "cancel"])
async def test_an_event_that_is_not_pursued_withdraws_the_hazard(yichang: City, end: str) -> None:
    hazard = await yichang.hazard(await yichang.enterprise())
    await yichang.act(hazard["event"], end)
    await yichang.react()
    assert (await yichang.hazard_row(hazard["id"]))["status"] == "withdrawn"


async def test_a_reaction_that_comes_twice_or_late_changes_nothing(yichang: City) -> None:
    hazard = await yichang.hazard(await yichang.enterprise())
    await yichang.act(hazard["event"], "reject")
    payload = await yichang.value(
        "SELECT convert_from(payload, 'UTF8') FROM jobs.pgqueuer WHERE tenant_id = $1"
        " AND convert_from(payload, 'UTF8') LIKE '%reject%'",
        yichang.tenant.id,
    )
    rejected = json.loads(payload)
    await yichang.react()
    settled = await yichang.state()

    await yichang.react_to(rejected)
    assert await yichang.state() == settled

    await yichang.act(hazard["event"], "reopen")
    await yichang.react()
    reopened = await yichang.state()
    assert (await yichang.hazard_row(hazard["id"]))["status"] == "open"
    await yichang.react_to(rejected)
    assert await yichang.state() == reopened


async def test_overdue_hazards_are_marked_once(yichang: City) -> None:
    enterprise = await yichang.enterprise()
    late = await yichang.hazard(enterprise, rectify_by="2026-11-24")
    done = await yichang.hazard(enterprise, rectify_by="2026-11-24")
    later = await yichang.hazard(enterprise)
    await yichang.run("inspector", "safety.hazard.rectify", done["id"], measures="已整改")
    job = (await yichang.platform.registry(yichang.tenant.id)).jobs[f"{PLUGIN}.mark-overdue"]
    assert job.schedule == "0 8 * * *"

    yichang.clock.instant = NOON + timedelta(days=1)
    async with yichang.system() as ctx:
        await job.run(ctx, {})
    assert (await yichang.hazard_row(late["id"]))["overdue_since"] is None

    yichang.clock.instant = NOON + timedelta(days=4)
    for _ in range(2):
        async with yichang.system() as ctx:
            await job.run(ctx, {})
    row = await yichang.hazard_row(late["id"])
    assert (row["overdue_since"], row["version"]) == (date(2026, 11, 25), 2)
    assert (await yichang.hazard_row(done["id"]))["overdue_since"] is None
    assert (await yichang.hazard_row(later["id"]))["overdue_since"] is None


async def test_settings_of_the_tenant_decide_the_days(yichang: City) -> None:
    enterprise = await yichang.enterprise()
    assert (await yichang.hazard(enterprise))["rectify_by"] == date(2026, 12, 8)
    async with yichang.system() as ctx:
        await ctx.unit.execute(
            "UPDATE platform.plugin_state SET settings = $2 WHERE tenant_id = $1",
            yichang.tenant.id,
            '{"rectify_days_major": 3}',
        )
    yichang.platform.forget()
    major = await yichang.hazard(enterprise, level="major")
    general = await yichang.hazard(enterprise)
    assert major["rectify_by"] == date(2026, 11, 26)
    # Not set any more: the manifest's default counts.
    assert general["rectify_by"] == date(2026, 12, 8)


REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"items": []}, "SAFETY_ITEMS_MISSING"),
    ({"extra": {"code": "moon", "verdict": "pass"}}, "SAFETY_ITEM_UNKNOWN"),
    ({"extra": {"code": "exit", "verdict": "pass"}}, "SAFETY_ITEM_TWICE"),
    ({"hazards": [{"item": "exit", "description": "x"}]}, "SAFETY_HAZARD_WITHOUT_FAILURE"),
    ({"inspected_on": "2026-11-24"}, "SAFETY_DATE_FUTURE"),
    ({"checklist": str(uuid.UUID(int=1))}, "SAFETY_CHECKLIST_UNKNOWN"),
    ({"items": [{"code": "exit", "verdict": "maybe"}]}, "INPUT_INVALID"),
    (
        {
            "failed": "exit",
            "hazards": [{"item": "exit", "description": "x", "rectify_by": "2026-11-22"}],
        },
        "SAFETY_RECTIFY_BY_PAST",
    ),
    ({"failed": "exit", "hazards": [{"item": "exit", "description": " "}]}, "SAFETY_TEXT_REQUIRED"),
]


@pytest.mark.parametrize(("wrong", "code"), REFUSALS, ids=[code for _, code in REFUSALS])
async def test_a_wrong_inspection_leaves_no_trace(
    yichang: City, wrong: dict[str, Any], code: str
) -> None:
    enterprise, asked = await yichang.enterprise(), await checklist(yichang)
    given: dict[str, Any] = {"checklist": str(asked["id"]), **wrong}
    items = answers(asked, given.pop("failed", ""))
    given.setdefault("items", items)
    if "extra" in given:
        given["items"] = [*items, given.pop("extra")]
    before = await yichang.state()

    with pytest.raises(Invalid) as refusal:
        await yichang.run("inspector", "safety.inspection.record", enterprise, **given)

    assert refusal.value.code == code
    assert await yichang.state() == before


async def test_an_enterprise_out_of_sight_reads_like_an_absent_one(yichang: City) -> None:
    enterprise = await yichang.enterprise()
    hazard = await yichang.hazard(enterprise)
    before = await yichang.state()
    for name, target, given in (
        ("safety.hazard.report", enterprise, {"description": "x"}),
        ("safety.enterprise.change", enterprise, {"risk_level": "red"}),
        ("safety.hazard.rectify", hazard["id"], {"measures": "x"}),
    ):
        with pytest.raises(NotFound) as refusal:
            await yichang.run("next-inspector", name, target, **given)
        assert refusal.value.code == "ROW_NOT_FOUND"
    with pytest.raises(Denied):
        await yichang.run("onlooker", "safety.hazard.report", enterprise, description="x")
    assert await yichang.state() == before


async def test_an_organisation_is_entered_once(yichang: City) -> None:
    await yichang.enterprise()
    organisation = await yichang.value("SELECT organisation FROM safety_production.enterprise")
    before = await yichang.state()
    with pytest.raises(Conflict) as refusal:
        await yichang.run("inspector", "safety.enterprise.register", organisation)
    assert refusal.value.code == "SAFETY_ENTERPRISE_REGISTERED"
    assert await yichang.state() == before


async def test_the_standard_checklists_are_loaded_once_and_versions_are_kept(yichang: City) -> None:
    first = await yichang.run("keeper", "safety.checklist.load-standard")
    again = await yichang.run("keeper", "safety.checklist.load-standard")
    assert first.values == {"added": ["small-shop", "industrial"], "kept": []}
    assert again.values == {"added": [], "kept": ["small-shop", "industrial"]}

    own = [{"code": "exit", "zh": "出口畅通", "en": "Exit clear", "law": ""}]
    await yichang.run("keeper", "safety.checklist.save", code="small-shop", name="本市", items=own)
    await yichang.run("keeper", "safety.checklist.load-standard")
    rows = await yichang.fetch(
        "SELECT number, is_current, jsonb_array_length(items) FROM safety_production.checklist"
        " WHERE code = 'small-shop' ORDER BY number"
    )
    assert [tuple(row) for row in rows] == [(1, False, 8), (2, True, 1)]


async def test_organisations_show_their_hazards_in_sight(yichang: City) -> None:
    first = await yichang.enterprise()
    second = await yichang.enterprise(NEXT_GRID, "next-inspector")
    await yichang.hazard(first)
    gone = await yichang.hazard(first)
    await yichang.run("next-inspector", "safety.hazard.report", second, description="x")
    await yichang.act(gone["event"], "cancel")
    await yichang.react()
    rows = await yichang.fetch(
        "SELECT organisation AS id FROM safety_production.enterprise ORDER BY id"
    )
    bare = {"id": uuid.uuid4()}

    counted = {}
    for login in ("inspector", "next-inspector", "onlooker"):
        async with yichang.account(login) as ctx:
            organisation = ctx.registry.record("Organisation")
            field = ctx.registry.computed(organisation)["safety_open_hazards"]
            counted[login] = await field.resolve(ctx, [*rows, bare])
    assert counted == {"inspector": [1, 0, 0], "next-inspector": [0, 1, 0], "onlooker": [0, 0, 0]}
