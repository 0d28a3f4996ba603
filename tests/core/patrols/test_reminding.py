"""A reminder before something falls due: one digest for each who walks or visits there."""

from datetime import timedelta
from typing import Any

from jingwei_core.patrols.reminding import CODE, REMINDERS
from jingwei_core.reminders.telling import tell
from tests.core.events.city import GRID, ROOT, SIBLING
from tests.core.patrols.quarter import Quarter
from tests.tenants.staff import add_role, employ


async def reminded(quarter: Quarter) -> dict[str, Any]:
    """Who was told by the job of the day, and of how many patrols and visits."""
    async with quarter.context(None) as ctx:
        await tell(ctx, f"core.{CODE}", REMINDERS[0])
        today = ctx.today()
    rows = await quarter.fetch(
        "SELECT a.login, r.params->>'patrols' AS p, r.params->>'visits' AS v FROM core.reminder r"
        " JOIN core.account a ON a.id = r.account WHERE r.day = $1",
        today,
    )
    return {row["login"]: (int(row["p"]), int(row["v"])) for row in rows}


async def test_who_walks_is_told_before_the_last_chance_and_not_of_what_was_walked(
    quarter: Quarter,
) -> None:
    plan = await quarter.plan(per="week")
    await quarter.plan(code="each-day", check_points=[])
    assert await reminded(quarter) == {}
    quarter.pass_days(4)
    assert await reminded(quarter) == {}
    quarter.pass_days(1)
    await quarter.run("west", "patrol.log", plan_id=plan, place_id=quarter.places[GRID])
    assert await reminded(quarter) == {"east": (1, 0)}
    assert await reminded(quarter) == {"east": (1, 0)}
    inbox = "SELECT count(*) FROM core.notification WHERE code = 'PATROLS_DUE'"
    assert await quarter.value(inbox) == 1
    quarter.pass_days(2)
    assert await reminded(quarter) == {}


async def test_a_visit_is_told_to_the_nearest_who_visit_and_to_the_substitute(
    quarter: Quarter,
) -> None:
    place = quarter.places[GRID]
    await quarter.run("planner", "visit.need.save", place_id=place, level="key")
    assert await reminded(quarter) == {}
    await quarter.fetch("UPDATE core.visit_need SET next_due_on = $1", await today(quarter, 1))
    assert await reminded(quarter) == {"west": (0, 1)}
    quarter.pass_days(1)
    await away(quarter, "west", "east")
    assert await reminded(quarter) == {"east": (0, 1)}
    await quarter.fetch("DELETE FROM core.reminder")
    rules = "UPDATE core.patrol_rules SET definition = definition - 'remind_days'"
    await quarter.fetch(rules)
    assert await reminded(quarter) == {}


async def test_who_left_or_was_told_holds_up_nobody_and_passes_nothing_on(quarter: Quarter) -> None:
    chief = await add_role(quarter, "visitor", ["visit.read", "visit.log"])
    await employ(quarter, "above", chief, quarter.places[ROOT])
    place = quarter.places[GRID]
    await quarter.run("planner", "visit.need.save", place_id=place, level="high")
    assert await reminded(quarter) == {"west": (0, 1)}
    await quarter.run("planner", "visit.need.save", place_id=quarter.places[SIBLING], level="high")
    assert await reminded(quarter) == {"west": (0, 1), "east": (0, 1)}
    await quarter.fetch("UPDATE core.account SET status = 'suspended' WHERE login = 'west'")
    await quarter.fetch("DELETE FROM core.reminder")
    assert await reminded(quarter) == {"above": (0, 1), "east": (0, 1)}


async def today(quarter: Quarter, days: int) -> Any:
    async with quarter.context(None) as ctx:
        return ctx.today() + timedelta(days=days)


async def away(quarter: Quarter, who: str, substitute: str) -> None:
    """A leave that holds now, with the substitute's copy of the post."""
    now = quarter.clock.now()
    leave = await quarter.value(
        "INSERT INTO core.leave (account, kind, place_id, begins_at, ends_at, asked_until,"
        " substitute, state) VALUES ($1, 'sick', $2, $3, $4, $4, $5, 'approved') RETURNING id",
        quarter.people[who],
        quarter.places[GRID],
        now - timedelta(hours=1),
        now + timedelta(days=2),
        quarter.people[substitute],
    )
    await quarter.fetch(
        "INSERT INTO core.post (account, role, place_id, valid_from, valid_to, covers, is_primary)"
        " SELECT $1, role, place_id, $2, $3, $4, false FROM core.post WHERE account = $5",
        quarter.people[substitute],
        now - timedelta(hours=1),
        now + timedelta(days=2),
        leave,
        quarter.people[who],
    )
