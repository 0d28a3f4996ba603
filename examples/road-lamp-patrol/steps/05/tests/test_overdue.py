"""Every morning the lamps that nobody visited in time are marked, by the city's own number."""

from datetime import date

import pytest
from jingwei_sdk.testing.contract import GRID, CapturedJobs, City, WorkingClock

JOB = "road-lamp-patrol.find-overdue"


async def overdue(city: City) -> list[date | None]:
    rows = await city.fetch("SELECT overdue_since FROM road_lamp_patrol.lamp")
    return [row["overdue_since"] for row in rows]


@pytest.mark.jingwei(settings={"days_between_patrols": 3})
async def test_a_lamp_is_overdue_after_the_citys_days(
    jingwei_city: City, jingwei_clock: WorkingClock, captured_jobs: CapturedJobs
) -> None:
    place = str(await jingwei_city.place(GRID))
    lamp = (await jingwei_city.run("road-lamp.register", code="L-01", place_id=place)).id
    await jingwei_city.run("road-lamp.patrol", lamp, condition="lit")
    jingwei_clock.advance(days=3)
    await captured_jobs.run(jingwei_city, JOB)
    assert await overdue(jingwei_city) == [None]
    jingwei_clock.advance(days=1)
    await captured_jobs.run(jingwei_city, JOB)
    assert await overdue(jingwei_city) == [date(2026, 6, 7)]
    await jingwei_city.run("road-lamp.patrol", lamp, condition="lit")
    assert await overdue(jingwei_city) == [None]
