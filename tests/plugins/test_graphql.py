"""Work safety as a frontend sees it: a namespace of its own, and fields on the core's types."""

from typing import Any, cast

import pytest

from jingwei_api.execution.errors import ErrorTexts
from jingwei_api.execution.executor import Executor
from jingwei_api.execution.operation import Caller, Document, Runtime
from jingwei_api.settings import ApiSettings
from jingwei_core.platform import Platform
from jingwei_core.session import Identity, Request
from tests.plugins.world import City
from tests.tenants.staff import add_account

_LEDGER = """
{ safetyProduction {
  enterprises(first: 5) { edges { node { id riskLevel organisation { name } } } }
  checklists(filter: {code: {eq: "small-shop"}}) { edges { node { id items } } }
} }
"""
_INSPECT = """
mutation($id: ID!, $input: SafetyInspectionRecordInput!) {
  safetyInspectionRecord(idempotencyKey: "k", id: $id, input: $input) { safetyInspection {
    failedItems
    hazards { edges { node { level status event { number safetyHazard { description } } } } }
    enterprise { organisation { safetyOpenHazards safetyEnterprise { lastInspectedOn } } }
  } }
}
"""
_TYPES = "{ __schema { types { name fields { name } enumValues { name } inputFields { name } } } }"


@pytest.fixture
def executor(platform: Platform) -> Executor:
    # Changes of other processes and waiting commits have no part in these tests.
    runtime = Runtime(platform, cast(Any, None), cast(Any, None))
    return Executor(runtime, ApiSettings(), ErrorTexts(platform.catalogue))


async def ask(
    executor: Executor, city: City, login: str, query: str, **variables: Any
) -> dict[str, Any]:
    caller = Caller(city.tenant, Identity(city.people[login], 0), Request("zh", "test"))
    return (await executor.run(caller, Document(query, variables))).body


async def test_a_city_without_the_plugin_cannot_even_see_its_names(
    executor: Executor, yichang: City, changzhi: City
) -> None:
    await add_account(changzhi, "desk")
    with_it = await ask(executor, yichang, "desk", _TYPES)
    without = await ask(executor, changzhi, "desk", _TYPES)
    assert "errors" not in with_it
    assert "errors" not in without
    assert str(with_it).lower().count("safety") > 50
    assert "safety" not in str(without).lower()
    ours = {kind["name"] for kind in with_it["data"]["__schema"]["types"]}
    theirs = {kind["name"] for kind in without["data"]["__schema"]["types"]}
    # The core has a type for buckets of days; only records of the plugin lie in such.
    others = {name for name in ours - theirs if not name.startswith("Safety")}
    assert others <= {"DateBucket"}


async def test_an_inspection_from_checklist_to_the_organisation(
    executor: Executor, yichang: City
) -> None:
    await yichang.enterprise()
    await yichang.run("keeper", "safety.checklist.load-standard")
    found = await ask(executor, yichang, "inspector", _LEDGER)
    assert "errors" not in found
    space = found["data"]["safetyProduction"]
    (enterprise,) = [edge["node"] for edge in space["enterprises"]["edges"]]
    (checklist,) = [edge["node"] for edge in space["checklists"]["edges"]]
    assert enterprise["riskLevel"] == "YELLOW"
    assert enterprise["organisation"] == {"name": "示范餐馆01"}
    items = [{"code": item["code"], "verdict": "PASS"} for item in checklist["items"]]
    items[0]["verdict"] = "FAIL"

    hazards = [{"item": "exit", "level": "MAJOR", "description": "安全出口上锁"}]
    given = {"checklist": checklist["id"], "items": items, "hazards": hazards}
    told = await ask(executor, yichang, "inspector", _INSPECT, id=enterprise["id"], input=given)

    assert "errors" not in told
    number = await yichang.value("SELECT number FROM core.event")
    inspection = told["data"]["safetyInspectionRecord"]["safetyInspection"]
    (hazard,) = [edge["node"] for edge in inspection["hazards"]["edges"]]
    assert inspection["failedItems"] == 1
    assert hazard == {
        "level": "MAJOR",
        "status": "OPEN",
        "event": {"number": number, "safetyHazard": {"description": "安全出口上锁"}},
    }
    assert inspection["enterprise"]["organisation"] == {
        "safetyOpenHazards": 1,
        "safetyEnterprise": {"lastInspectedOn": "2026-11-23"},
    }


async def test_a_veto_is_told_in_the_words_of_the_plugin(executor: Executor, yichang: City) -> None:
    hazard = await yichang.hazard(await yichang.enterprise())
    await yichang.act(hazard["event"], "file", "verify", "dispatch", "handle", "check")
    events = await ask(executor, yichang, "desk", "{ events { edges { node { id } } } }")
    (edge,) = events["data"]["events"]["edges"]
    told = await ask(
        executor,
        yichang,
        "desk",
        'mutation($id: ID!) { eventAct(idempotencyKey: "k", id: $id, input: {action: "close"})'
        " { event { state } } }",
        id=edge["node"]["id"],
    )
    (error,) = told["errors"]
    number = await yichang.value("SELECT number FROM core.event")
    assert error["message"] == f"事件 {number} 的隐患尚未填报整改措施，不能结案"
    assert error["extensions"]["code"] == "SAFETY_HAZARD_NOT_RECTIFIED"


async def test_who_may_not_read_hazards_sees_no_count(executor: Executor, yichang: City) -> None:
    await yichang.hazard(await yichang.enterprise())
    told = await ask(
        executor,
        yichang,
        "onlooker",
        "{ organisations { edges { node { name safetyOpenHazards safetyEnterprise { id } } } }"
        " safetyProduction { hazards { edges { node { id } } } } }",
    )
    organisations = told["data"]["organisations"]["edges"]
    assert [edge["node"] for edge in organisations] == [
        {"name": "示范餐馆01", "safetyOpenHazards": None, "safetyEnterprise": None}
    ]
    space = told["data"]["safetyProduction"]
    assert space["hazards"] is None or space["hazards"]["edges"] == []
