"""What a plugin shows: menu, map, indicators and reminders to its readers, a page to anybody."""

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, cast

import httpx
import pytest

from jingwei_api.app import create_app
from jingwei_api.execution.errors import ErrorTexts
from jingwei_api.execution.executor import Executor
from jingwei_api.execution.operation import Caller, Document, Runtime
from jingwei_api.settings import ApiSettings
from jingwei_core.platform import Platform
from jingwei_core.plugins.switching import switch_audited
from jingwei_core.reminders.telling import KEPT_FOR
from jingwei_core.session import Identity, Request
from jingwei_safety_production import following
from jingwei_safety_production.tables import SafetyChecklist
from jingwei_sdk.context import Context
from tests.plugins.world import City
from tests.tenants.staff import add_account

SHOWN = """{
  navigation { plugin code name record rank }
  mapLayers { code name record shape style }
  publicPages { name path }
  indicators { code name dimensions groups { value } }
}"""
FIGURE = "query($code: String!) { indicator(code: $code) { name groups { keys value } } }"
REMINDERS = """{ reminders { edges { node {
  code day text subject { ... on SafetyHazard { description } }
} } } }"""
JOB = "safety-production.remind-hazard-due"
PAGE = "/public/{slug}/safety-production/major-hazards"


@pytest.fixture
def executor(platform: Platform) -> Executor:
    # Changes of other processes and waiting commits have no part in these tests.
    runtime = Runtime(platform, cast(Any, None), cast(Any, None))
    return Executor(runtime, ApiSettings(), ErrorTexts(platform.catalogue))


@pytest.fixture
async def http(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=create_app(platform))
    async with httpx.AsyncClient(transport=transport, base_url="http://city") as client:
        yield client


async def ask(
    executor: Executor, city: City, login: str, query: str, *, locale: str = "zh", **variables: Any
) -> dict[str, Any]:
    caller = Caller(city.tenant, Identity(city.people[login], 0), Request(locale, "test"))
    body = (await executor.run(caller, Document(query, variables))).body
    assert "errors" not in body, body
    found: dict[str, Any] = body["data"]
    return found


async def inspected(city: City, *levels: str) -> None:
    """An inspection by the inspector that found a hazard of each level, due the day after."""
    enterprise = await city.enterprise()
    await city.run("keeper", "safety.checklist.load-standard")
    checklist = await city.fetch(
        "SELECT id, items FROM safety_production.checklist WHERE code = 'small-shop'"
    )
    items = json.loads(checklist[0]["items"])
    failed = {item["code"] for item in items[: len(levels)]}
    due = (city.clock.now() + timedelta(days=1)).date().isoformat()
    await city.run(
        "inspector",
        "safety.inspection.record",
        enterprise,
        checklist=str(checklist[0]["id"]),
        items=[
            {"code": item["code"], "verdict": "fail" if item["code"] in failed else "pass"}
            for item in items
        ],
        hazards=[
            {"item": code, "description": f"隐患 {level}", "level": level, "rectify_by": due}
            for code, level in zip(sorted(failed), levels, strict=True)
        ],
    )


async def test_each_sees_of_it_what_they_may(executor: Executor, yichang: City):
    shown = await ask(executor, yichang, "inspector", SHOWN)
    assert [(item["code"], item["name"]) for item in shown["navigation"]] == [
        ("core.events", "事件"),
        ("core.organisations", "单位"),
        ("core.places", "区划与网格"),
        ("safety.enterprises", "企业台账"),
        ("safety.inspections", "安全检查"),
        ("safety.hazards", "隐患"),
    ]
    assert shown["mapLayers"] == [
        {
            "code": "core.events",
            "name": "事件分布",
            "record": "Event",
            "shape": "point",
            "style": {"by": "state"},
        },
        {
            "code": "safety.hazards",
            "name": "隐患分布",
            "record": "SafetyHazard",
            "shape": "place",
            "style": {"by": "level", "colours": {"general": "#e6a23c", "major": "#c0392b"}},
        },
    ]
    assert shown["publicPages"] == [{"name": "重大隐患公示", "path": PAGE.format(slug="yichang")}]
    assert [(item["code"], item["groups"]) for item in shown["indicators"]] == [
        ("core.open-events", []),
        ("safety.open-hazards", []),
        ("safety.employees-at-risk", []),
    ]
    english = await ask(executor, yichang, "inspector", SHOWN, locale="en")
    assert [item["name"] for item in english["navigation"]][3:] == [
        "Enterprises",
        "Inspections",
        "Hazards",
    ]


async def test_a_public_form_is_listed_once_the_city_has_said_yes(
    executor: Executor, yichang: City
):
    query = "{ publicForms { name path } }"
    assert await ask(executor, yichang, "onlooker", query) == {"publicForms": []}
    settings = {"public_tips": True}
    await switch_audited(
        yichang.platform, "yichang", "safety-production", enabled=True, settings=settings
    )
    path = "/public/yichang/safety-production/tip"
    told = await ask(executor, yichang, "onlooker", query)
    state = {"name": "查询隐患办理进度", "path": f"{path}/state"}
    assert told == {"publicForms": [{"name": "随手拍隐患", "path": path}, state]}


async def test_without_its_permissions_and_where_it_is_off_there_is_nothing(
    executor: Executor, yichang: City, changzhi: City
):
    onlooker = await ask(executor, yichang, "onlooker", SHOWN)
    for what in ("navigation", "mapLayers", "indicators"):
        assert {item["code"].partition(".")[0] for item in onlooker[what]} == {"core"}
    await add_account(changzhi, "reader")
    assert not any((await ask(executor, changzhi, "reader", SHOWN)).values())


async def test_an_indicator_counts_what_its_reader_may_see(executor: Executor, yichang: City):
    await inspected(yichang, "major", "general", "major")
    found = await ask(executor, yichang, "inspector", FIGURE, code="safety.open-hazards")
    assert found["indicator"] == {
        "name": "未整改隐患数",
        "groups": [{"keys": ["major"], "value": 2.0}, {"keys": ["general"], "value": 1.0}],
    }
    elsewhere = await ask(executor, yichang, "next-inspector", FIGURE, code="safety.open-hazards")
    assert elsewhere["indicator"]["groups"] == []
    await yichang.fetch("UPDATE safety_production.enterprise SET employee_count = 7")
    summed = await ask(executor, yichang, "inspector", FIGURE, code="safety.employees-at-risk")
    assert summed["indicator"]["groups"] == [{"keys": ["yellow"], "value": 7.0}]
    events = await ask(executor, yichang, "inspector", FIGURE, code="core.open-events")
    assert events["indicator"]["groups"] == [{"keys": ["registered"], "value": 3.0}]
    assert (await ask(executor, yichang, "inspector", FIGURE, code="no-such"))["indicator"] is None

    caller = Caller(yichang.tenant, Identity(yichang.people["onlooker"], 0), Request("zh", "test"))
    body = (await executor.run(caller, Document(FIGURE, {"code": "safety.open-hazards"}))).body
    assert body["errors"][0]["extensions"]["code"] == "PERMISSION_DENIED"
    assert body["data"] == {"indicator": None}


async def test_who_found_a_hazard_is_told_once_a_day(executor: Executor, yichang: City):
    await yichang.fetch(
        "UPDATE core.role SET permissions = permissions || '{reminder.read}'::text[]"
        " WHERE code IN ('test-inspector', 'test-next-inspector')"
    )
    await inspected(yichang, "major")
    registry = await yichang.platform.registry(yichang.tenant.id)
    for expected in (1, 1):
        async with yichang.system() as ctx:
            await registry.jobs[JOB].run(ctx, {})
        assert await yichang.value("SELECT count(*) FROM core.reminder") == expected
    yichang.clock.instant += timedelta(days=1)
    async with yichang.system() as ctx:
        await registry.jobs[JOB].run(ctx, {})
    mine = await ask(executor, yichang, "inspector", REMINDERS)
    day = yichang.clock.now().date()
    nodes = sorted(
        (edge["node"] for edge in mine["reminders"]["edges"]), key=lambda node: str(node["day"])
    )
    assert nodes[0] == {
        "code": "safety-production.hazard-due",
        "day": (day - timedelta(days=1)).isoformat(),
        "text": f"您检查发现的一处隐患应于 {day.isoformat()} 前完成整改",
        "subject": {"description": "隐患 major"},
    }
    assert len(nodes) == 2
    theirs = await ask(executor, yichang, "next-inspector", REMINDERS)
    assert theirs["reminders"]["edges"] == []

    # Whoever is suspended is told nothing, and old reminders go.
    await yichang.fetch(
        "UPDATE core.account SET status = 'suspended' WHERE id = $1", yichang.people["inspector"]
    )
    yichang.clock.instant += KEPT_FOR
    async with yichang.system() as ctx:
        await registry.jobs[JOB].run(ctx, {})
        await registry.jobs["core.reminder-cleanup"].run(ctx, {})
    left = await yichang.fetch("SELECT day FROM core.reminder")
    assert [row["day"] for row in left] == [day]


async def test_anybody_reads_a_public_page_in_moderation(
    http: httpx.AsyncClient, yichang: City, changzhi: City
):
    await inspected(yichang, "major", "general", "major")
    entries = await yichang.value("SELECT count(*) FROM core.audit_entry")
    answer = await http.get(PAGE.format(slug="yichang"))
    assert (answer.status_code, answer.json()) == (
        200,
        {"open": 2, "settled": 0, "day": "2026-11-23"},
    )
    assert await yichang.value("SELECT count(*) FROM core.audit_entry") == entries

    for path in (
        PAGE.format(slug="changzhi"),
        PAGE.format(slug="nowhere"),
        "/public/yichang/safety-production/other",
        "/public/yichang/core/major-hazards",
    ):
        refused = await http.get(path)
        assert refused.status_code == 404, path
        assert refused.json()["errors"][0]["extensions"]["code"] == "PUBLIC_PAGE_NOT_FOUND"
    long = await http.get(PAGE.format(slug="yichang"), params={"q": "x" * 201})
    assert long.status_code == 400

    codes = {(await http.get(PAGE.format(slug="yichang"))).status_code for _ in range(30)}
    assert codes == {200, 429}
    told = await http.get(PAGE.format(slug="yichang"))
    assert told.json()["errors"][0]["extensions"]["code"] == "PUBLIC_PAGE_TOO_MANY"
    assert int(told.headers["retry-after"]) >= 1


async def test_a_page_is_gone_with_its_plugin(http: httpx.AsyncClient, yichang: City):
    assert (await http.get(PAGE.format(slug="yichang"))).status_code == 200
    await switch_audited(
        yichang.platform, "yichang", "safety-production", enabled=False, settings={}
    )
    assert (await http.get(PAGE.format(slug="yichang"))).status_code == 404


@pytest.fixture
def answering() -> Iterator[Callable[[Any], None]]:
    """Gives the public page another answer for the length of a test."""
    (page,) = following.PUBLIC_PAGES
    yield lambda answer: object.__setattr__(page, "answer", answer)
    object.__setattr__(page, "answer", following.major_hazards)


LEFT = "SELECT count(*) FROM safety_production.checklist WHERE code = 'left'"


async def write(ctx: Context) -> None:
    row = SafetyChecklist(code="left", number=1, name="left", items=[])
    stored = await ctx.data.insert(row)
    await ctx.signals.changed("SafetyChecklist", stored.id, None)
    await ctx.signals.enqueue("safety-production.catch-up", {})


async def test_a_page_reaches_what_the_plugin_may_and_keeps_nothing(
    http: httpx.AsyncClient, yichang: City, answering: Callable[[Any], None]
):
    async def tells(ctx: Context, query: Mapping[str, str]) -> Mapping[str, Any]:
        await write(ctx)
        return {
            "own": ctx.permissions.allows("safety.hazard.read"),
            "core": ctx.permissions.allows("staff.read"),
            "accounts": len(await ctx.records.some(ctx, "Account")),
            "written": len(await ctx.data.find(SafetyChecklist, code="left")),
            "asked": query,
        }

    answering(tells)
    answer = await http.get(PAGE.format(slug="yichang"), params={"level": "major"})
    assert answer.json() == {
        "own": True,
        "core": False,
        "accounts": 0,
        "written": 1,
        "asked": {"level": "major"},
    }
    assert await yichang.value(LEFT) == 0
    queued = "SELECT count(*) FROM jobs.pgqueuer WHERE entrypoint = 'safety-production.catch-up'"
    assert await yichang.value(queued) == 0


async def test_a_page_that_fails_says_so_and_nothing_more(
    http: httpx.AsyncClient, yichang: City, answering: Callable[[Any], None]
):
    async def fails(ctx: Context, query: Mapping[str, str]) -> Mapping[str, Any]:
        await write(ctx)
        raise ValueError("13900000000")

    answering(fails)
    answer = await http.get(PAGE.format(slug="yichang"))
    assert answer.status_code == 503
    assert answer.json()["errors"][0]["extensions"]["code"] == "PUBLIC_PAGE_FAILED"
    assert "13900000000" not in answer.text
    assert await yichang.value(LEFT) == 0
