"""A day's work, run with the code of the previous release; prints what came of it as JSON.

It applies a city, enters an enterprise, finds a hazard by inspection, takes its event through the
whole loop with a plugin's veto on the way, reacts to the steps, and reads it all by GraphQL.
"""

import asyncio
import json
import sys
from typing import Any, cast

import jingwei_core
from jingwei_api.execution.errors import ErrorTexts
from jingwei_api.execution.executor import Executor
from jingwei_api.execution.operation import Caller, Document, Runtime
from jingwei_api.settings import ApiSettings
from jingwei_core.database import open_database
from jingwei_core.platform import Platform, assemble
from jingwei_core.session import Identity, Request
from jingwei_core.settings import Settings
from jingwei_core.tenants.apply import apply_package
from jingwei_core.tenants.package import load_package
from jingwei_sdk.errors import Conflict
from tests.plugins.world import TENANTS, City, Clock, add_people

_READ = """
{ safetyProduction { hazards { edges { node { status event { number state } } } } }
  events(first: 10) { totalCount edges { node { title place { name } } } }
  organisations { edges { node { name safetyOpenHazards } } } }
"""


async def _city(platform: Platform) -> City:
    await apply_package(platform, load_package(TENANTS / "yichang"))
    platform.clock = clock = Clock()
    city = City(platform, await platform.tenant("yichang"), clock)
    await add_people(city)
    return city


async def _veto(city: City, event: Any) -> str:
    try:
        await city.act(event, "close")
    except Conflict as refusal:
        return refusal.code
    return "none"


async def _answer(city: City) -> Any:
    runtime = Runtime(city.platform, cast(Any, None), cast(Any, None))
    executor = Executor(runtime, ApiSettings(), ErrorTexts(city.platform.catalogue))
    caller = Caller(city.tenant, Identity(city.people["inspector"], 0), Request("zh", "test"))
    return (await executor.run(caller, Document(_READ, {}))).body


async def day() -> dict[str, Any]:
    """What came of it."""
    async with open_database(Settings()) as database:
        city = await _city(assemble(database))
        await city.run("keeper", "safety.checklist.load-standard")
        hazard = await city.hazard(await city.enterprise())
        await city.act(hazard["event"], "file", "verify", "dispatch", "handle", "check")
        veto = await _veto(city, hazard["event"])
        await city.run("inspector", "safety.hazard.rectify", hazard["id"], measures="已清理")
        await city.act(hazard["event"], "close")
        await city.react()
        return {
            "code": jingwei_core.__file__,
            "veto": veto,
            "status": (await city.hazard_row(hazard["id"]))["status"],
            "audited": await city.value("SELECT count(*) FROM core.audit_entry"),
            "answer": await _answer(city),
        }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(day()), ensure_ascii=False))
