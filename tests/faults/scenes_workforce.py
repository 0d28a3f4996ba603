"""Leaves, secondments and duties of a street."""

from typing import Any

from jingwei_core.platform import Platform
from tests.core.events.city import GRID, SIBLING
from tests.core.workforce.street import at, build_street
from tests.faults.site import Act, Caller


async def workforce_acts(platform: Platform, workers: Any) -> list[Act]:
    """One act for each command of the workforce that needs people who are free."""
    street = await build_street(platform)

    def who(login: str, days: float = 0) -> Caller:
        return Caller(street.tenant.id, street.people[login], at(days), workers)

    pair = ("west", "deputy")
    asked = [await street.leave(*pair, begin, begin + 2) for begin in (1, 5, 9)]
    running, over = [await street.approved(*pair, begin, begin + 2) for begin in (13, 17)]
    chief, west = who("street-chief"), who("west")
    return [
        west.act(
            "leave.request",
            kind="sick",
            begins_at=at(25),
            ends_at=at(27),
            substitute_id=street.people["deputy"],
        ),
        chief.act("leave.approve", asked[0]),
        chief.act("leave.refuse", asked[1], note="人手不足"),
        west.act("leave.cancel", asked[2]),
        who("west", 14).act("leave.end", running),
        who("west", 20).act("leave.close", over),
        who("admin").act(
            "secondment.declare",
            account_id=street.people["roads-officer"],
            department_id=street.departments["roads"],
            place_id=street.places[GRID],
            weekdays=[1, 2, 3, 4],
        ),
        who("admin").act(
            "duty.assign",
            account_id=street.people["east"],
            place_id=street.places[SIBLING],
            duty="window",
            begins_at=at(1),
            ends_at=at(1.2),
        ),
    ]
