"""Patrols and visits of a device that was offline: each on its day with what was found, or not."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any, cast

import pytest

from jingwei_api.execution.errors import ErrorTexts
from jingwei_api.execution.executor import Executor
from jingwei_api.execution.operation import Caller, Document, Runtime
from jingwei_api.schema import global_id
from jingwei_api.settings import ApiSettings
from jingwei_core.database import Database, open_database
from jingwei_core.session import Request
from tests.api.test_samples import DOCS
from tests.core.events.city import GRID, POTHOLE
from tests.core.events.frozen_clock import MONDAY
from tests.core.events.frozen_platform import frozen_platform
from tests.core.patrols.quarter import Quarter, build_quarter
from tests.servers.databases import NewDatabase

BATCH = (DOCS / "samples" / "offline-batch.graphql").read_text(encoding="utf-8")
WALKED = MONDAY - timedelta(days=2)
FOUND = {"kind": POTHOLE, "title": "路面坑洞"}


@pytest.fixture(scope="module")
async def offline_database(new_database: NewDatabase) -> AsyncIterator[Database]:
    async with new_database() as settings, open_database(settings) as database:
        yield database


@pytest.fixture
async def quarter(offline_database: Database) -> Quarter:
    return await build_quarter(frozen_platform(offline_database))


async def sent(quarter: Quarter, *actions: tuple[str, dict[str, Any]]) -> list[Any]:
    """What became of the actions of the western walker, one hour after the other."""
    runtime = Runtime(quarter.platform, cast(Any, None), cast(Any, None))
    executor = Executor(runtime, ApiSettings(), ErrorTexts(quarter.platform.catalogue))
    told = [
        {
            "key": f"{mutation}-{number}",
            "mutation": mutation,
            "happenedAt": (WALKED + timedelta(hours=number)).isoformat(),
            "arguments": {"input": given},
        }
        for number, (mutation, given) in enumerate(actions)
    ]
    caller = Caller(quarter.tenant, quarter.identity("west"), Request("zh", "test"))
    answer = await executor.run(caller, Document(BATCH, {"input": {"actions": told}}))
    assert "errors" not in answer.body, answer.body
    outcomes: list[Any] = answer.body["data"]["offlineBatch"]["result"]["outcomes"]
    return outcomes


async def test_a_batch_of_a_round_is_kept_on_its_day_with_what_was_found(quarter: Quarter) -> None:
    plan, need = await planned(quarter)
    place = global_id.encode("Place", quarter.places[GRID])
    walk = {"planId": global_id.encode("PatrolPlan", plan), "placeId": place}
    seen = [global_id.encode("CheckPoint", await quarter.point("gate"))]
    round_made = (
        ("patrolLog", {**walk, "seen": seen, "note": "北门", "found": FOUND}),
        ("visitLog", {"placeId": place, "topics": ["water"], "note": "水压低", "found": FOUND}),
    )
    first = await sent(quarter, *round_made)
    again = await sent(quarter, *round_made)
    assert [each["status"] for each in first] == ["APPLIED"] * 2, first
    assert [each["status"] for each in again] == ["REPLAYED"] * 2
    day = WALKED.astimezone(quarter.tenant.timezone).date()
    for table in ("patrol", "visit"):
        (row,) = await quarter.fetch(
            "SELECT x.day, e.place_id, e.found_by, s.happened_at"
            f" FROM core.{table} x JOIN core.event e ON e.id = x.event"
            " JOIN core.event_step s ON s.event = e.id AND s.sequence = 1"
        )
        assert (row["day"], row["place_id"]) == (day, quarter.places[GRID])
        assert row["found_by"] == quarter.people["west"]
        assert row["happened_at"].astimezone(quarter.tenant.timezone).date() == day
    due: date = await quarter.value("SELECT next_due_on FROM core.visit_need WHERE id = $1", need)
    assert due == day + timedelta(days=7)


async def test_what_is_refused_in_a_batch_leaves_nothing(quarter: Quarter) -> None:
    plan, _ = await planned(quarter)
    place = global_id.encode("Place", quarter.places[GRID])
    wrong = {**FOUND, "kind": "city.none"}
    before = await quarter.kept()
    walk = {"planId": global_id.encode("PatrolPlan", plan), "placeId": place, "note": "北门"}
    outcomes = await sent(
        quarter,
        ("patrolLog", {**walk, "found": wrong}),
        ("visitLog", {"placeId": place, "note": "水压低", "found": wrong}),
    )
    told = [(each["status"], each["code"]) for each in outcomes]
    assert told == [("REFUSED", "EVENT_KIND_UNKNOWN")] * 2
    assert await quarter.kept() == before


async def planned(quarter: Quarter) -> tuple[Any, Any]:
    """A plan that held on the day of the round, and a need at the place."""
    begins = WALKED.date() - timedelta(days=3)
    plan = await quarter.plan(valid_from=begins)
    level = {"place_id": quarter.places[GRID], "level": "high"}
    return plan, await quarter.made("planner", "visit.need.save", **level)
