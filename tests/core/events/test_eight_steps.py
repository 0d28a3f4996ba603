"""The eight-step loop of the vendor platform, every step of it taken by a real command."""

import pytest

from jingwei_sdk.errors import Invalid
from tests.core.events.city import City
from tests.core.events.test_acting import dispatched


async def test_all_eight_steps_are_taken(city: City) -> None:
    """登记 立案 核实 派遣 上报 处理 核查 结案: what is beyond the unit's powers is sent up."""
    event = await dispatched(city)
    with pytest.raises(Invalid, match="EVENT_REASON_REQUIRED"):
        await city.act("superior", event, "escalate")
    assert await city.value("SELECT state FROM core.event WHERE id = $1", event) == "dispatched"
    await city.act("superior", event, "escalate", reason="超出本级权限")
    sent_up = (await city.fetch("SELECT * FROM core.event WHERE id = $1", event))[0]
    assert (sent_up["state"], sent_up["assigned_department"]) == ("escalated", None)
    await city.act("centre", event, "dispatch", department_code="roads")
    photo = {"id": str(await city.photo("mender")), "phase": "after"}
    await city.act("mender", event, "handle", note="已修补", evidence=[photo])
    await city.act("checker", event, "check", note="合格")
    await city.act("centre", event, "close", note="办结")
    steps = await city.fetch(
        "SELECT action FROM core.event_step WHERE event = $1 ORDER BY sequence", event
    )
    assert [row["action"] for row in steps] == [
        *("report", "file", "verify", "dispatch", "escalate"),
        *("dispatch", "handle", "check", "close"),
    ]
