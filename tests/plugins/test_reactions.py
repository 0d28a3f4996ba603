"""What work safety answers to the hooks of the core, on the platform as it is shipped."""

import json
import uuid
from typing import Any

import pytest

from jingwei_core.plugins.switching import disable_plugin, enable_plugin
from jingwei_safety_production.reactions import INSPECTIONS
from jingwei_sdk.errors import Invalid
from jingwei_sdk.hook_specs import extend_subject_export
from jingwei_sdk.payloads import SubjectExport
from tests.plugins.world import PLUGIN, City

CODES = "SELECT code, number FROM safety_production.checklist ORDER BY code, number"
DEPARTMENT = """
SELECT d.code FROM core.event e JOIN core.department d ON d.id = e.assigned_department
WHERE e.id = $1
"""


async def test_whoever_switches_it_on_can_inspect_at_once(changzhi: City) -> None:
    before = await changzhi.fetch(CODES)
    await enable_plugin(changzhi.platform, "changzhi", PLUGIN)
    assert (before, await changzhi.fetch(CODES)) == ([], []), "it happens after the commit"

    assert await changzhi.react() == 1

    found = [tuple(row) for row in await changzhi.fetch(CODES)]
    assert found == [("industrial", 1), ("small-shop", 1)]
    told = await changzhi.value("SELECT command FROM core.audit_entry ORDER BY sequence DESC")
    assert told == f"{PLUGIN}:on_plugin_enabled"

    await disable_plugin(changzhi.platform, "changzhi", PLUGIN)
    await enable_plugin(changzhi.platform, "changzhi", PLUGIN)
    assert await changzhi.react() == 1
    assert [tuple(row) for row in await changzhi.fetch(CODES)] == found, "once is enough"


async def test_setting_it_again_is_no_switching_on(yichang: City) -> None:
    await enable_plugin(yichang.platform, "yichang", PLUGIN)
    assert await yichang.react() == 0


async def _dispatched(city: City, level: str) -> uuid.UUID:
    hazard = await city.hazard(await city.enterprise(), level=level)
    event: uuid.UUID = hazard["event"]
    await city.act(event, "file", "verify")
    await city.run("desk", "event.act", event, action="dispatch")
    return event


async def _set(city: City, **settings: object) -> None:
    async with city.platform.database.platform() as unit:
        await unit.execute(
            "UPDATE platform.plugin_state SET settings = settings || $2::jsonb"
            " WHERE tenant_id = $1",
            *(city.tenant.id, json.dumps(settings)),
        )
    city.platform.forget()


async def test_a_major_hazard_goes_to_the_department_that_the_tenant_has_set(
    yichang: City,
) -> None:
    await _set(yichang, department_major="emergency")
    event = await _dispatched(yichang, "major")
    assert await yichang.value(DEPARTMENT, event) == "emergency"


@pytest.mark.parametrize(
    ("code", "level"),
    [("", "major"), ("emergency", "general"), ("no-such-department", "major")],
)
async def test_otherwise_somebody_has_to_name_one(yichang: City, code: str, level: str) -> None:
    await _set(yichang, department_major=code)
    with pytest.raises(Invalid) as refusal:
        await _dispatched(yichang, level)
    assert refusal.value.code == "EVENT_DEPARTMENT_REQUIRED"
    assert await yichang.value("SELECT state FROM core.event") == "verified"


async def test_a_person_s_copy_holds_the_inspections_they_made(yichang: City) -> None:
    enterprise = await yichang.enterprise()
    await yichang.run("keeper", "safety.checklist.load-standard")
    (checklist,) = await yichang.fetch(
        "SELECT id, items FROM safety_production.checklist WHERE code = 'small-shop'"
    )
    items: Any = checklist["items"]
    codes = [item["code"] for item in (json.loads(items) if isinstance(items, str) else items)]
    await yichang.run(
        "inspector",
        "safety.inspection.record",
        enterprise,
        checklist=str(checklist["id"]),
        items=[{"code": code, "verdict": "pass"} for code in codes],
        note="一切正常",
    )
    copies = {}
    for login in ("inspector", "next-inspector"):
        asked = SubjectExport(
            "Account", yichang.people[login], {"core.account": [{"login": login}]}
        )
        async with yichang.system() as ctx:
            copies[login] = await ctx.platform.hooks.fold(ctx, extend_subject_export, asked)
    (made,) = copies["inspector"].topics[INSPECTIONS]
    assert (made["inspected_on"], made["note"]) == ("2026-11-23", "一切正常")
    assert copies["inspector"].topics["core.account"] == [{"login": "inspector"}]
    assert list(copies["next-inspector"].topics) == ["core.account"]
