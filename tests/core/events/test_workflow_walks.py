"""Whatever passes the check never traps an event, and whatever is done to it keeps its sums."""

import tomllib
import uuid
from datetime import timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jingwei_core.commands.shapes import shape_of
from jingwei_core.events.deadlines import Deadlines
from jingwei_core.events.planning import Standing, StepInput, StepPlan, plan_step
from jingwei_core.events.step_changes import step_columns
from jingwei_core.events.tables import Event
from jingwei_core.events.work_clock import read_work_clock
from jingwei_core.events.workflow import Action, Assigns, By, WorkflowDefinition
from jingwei_core.events.workflow_effects import AssignEffect, AssignTo
from jingwei_core.events.workflow_guards import DepartmentGuard, PhotoPhase, WithinGuard
from jingwei_core.events.workflow_reading import WorkflowInvalid, read_workflow
from jingwei_sdk.errors import JingweiError
from tests.core.events.city import OFFICE, City
from tests.core.events.frozen_clock import MONDAY, FrozenClock
from tests.core.events.random_workflows import random_workflow, sound_workflow
from tests.core.events.rulebook import Rooms, available, ruled
from tests.core.events.test_workflow import SHIPPED

ROADS, WORKER = uuid.UUID(int=1), uuid.UUID(int=3)
ZONE = ZoneInfo("Asia/Shanghai")
CLOCK = read_work_clock(OFFICE, {}, ZONE)


class Walker:
    """An event in memory that takes steps as a real one does."""

    def __init__(self, definition: WorkflowDefinition, source: str) -> None:
        self.definition = definition
        self.now = MONDAY.astimezone(ZONE)
        self.deadlines = Deadlines(definition.rules(), CLOCK)
        self.entered: dict[str, str] = {}
        start = definition.start
        limit = self.deadlines.entering(start, self.now)
        self.event: Event = shape_of(Event).new(
            tenant_id=ROADS,
            id=WORKER,
            number="1",
            kind=ROADS,
            workflow=ROADS,
            state=start,
            title="t",
            place_id=ROADS,
            place_path="/1/",
            reporter=WORKER,
            source=source,
            state_since=self.now,
            state_due_at=limit.due_at if limit else None,
            due_at=self.deadlines.whole_loop(self.now),
        )

    def usable(self) -> list[Action]:
        """What somebody may do with the event, now and at any later time."""
        event = self.event
        is_assigned = event.assigned_department or event.assigned_account
        return [
            action
            for action in self.definition.actions_from(event.state)
            if action.serves(event.source)
            and (is_assigned or (action.by is By.ANYONE and not _of_assigned(action)))
            and not any(isinstance(guard, WithinGuard) for guard in action.guards)
        ]

    def plan(self, action: Action) -> StepPlan:
        event, takes = self.event, action.assigns
        effect = next((one for one in action.effects if isinstance(one, AssignEffect)), None)
        standing = Standing(
            event.state,
            event.assigned_department,
            event.assigned_account,
            ROADS,
            previous=self.entered.get(event.state),
            target=None if effect is None else _target(effect.to),
            demands=tuple(event.demands),
        )
        brought = StepInput(
            note="n",
            reason="r",
            department=ROADS if takes is Assigns.DEPARTMENT else None,
            assignee=WORKER if takes is Assigns.ASSIGNEE else None,
            photos=frozenset(PhotoPhase),
        )
        return plan_step(self.definition, standing, action.code, brought)

    def take(self, action: Action) -> None:
        plan = self.plan(action)
        told = (WORKER, self.now)
        changes = step_columns(self.event, self.definition, plan, self.deadlines, told)
        if plan.to_state != plan.from_state:
            self.entered[plan.to_state] = plan.from_state
        for name, value in changes.items():
            setattr(self.event, name, value)


def _of_assigned(action: Action) -> bool:
    return any(
        isinstance(guard, DepartmentGuard) and guard.department == "assigned"
        for guard in action.guards
    )


def _target(to: AssignTo) -> tuple[uuid.UUID | None, uuid.UUID | None]:
    if to is AssignTo.CLEAR:
        return None, None
    person = to in (AssignTo.REPORTER, AssignTo.FIRST_RECEIVER)
    return (None, WORKER) if person else (ROADS, None)


def can_be_closed(walker: Walker) -> bool:
    """Whether some sequence of real steps closes the event from where it stands."""
    seen: set[Any] = set()
    event = walker.event
    is_assigned = bool(event.assigned_department or event.assigned_account)
    waiting = [(event.state, is_assigned, dict(walker.entered))]
    while waiting:
        state, is_assigned, entered = waiting.pop()
        if walker.definition.is_final(state):
            return True
        if (key := (state, is_assigned, tuple(sorted(entered.items())))) in seen:
            continue
        seen.add(key)
        other = _standing(walker, state, is_assigned, entered)
        for action in other.usable():
            plan = other.plan(action)
            after = dict(entered)
            if plan.to_state != state:
                after[plan.to_state] = state
            waiting.append((plan.to_state, bool(plan.department or plan.account), after))
    return False


def _standing(walker: Walker, state: str, is_assigned: bool, entered: dict[str, str]) -> Walker:
    other = Walker(walker.definition, walker.event.source)
    other.event.state, other.entered = state, entered
    other.event.assigned_department = ROADS if is_assigned else None
    return other


def keeps_its_sums(walker: Walker) -> None:
    """What must hold of an event after every step."""
    event, definition = walker.event, walker.definition
    state = definition.state(event.state)
    assert event.is_final == definition.is_final(event.state) == (event.closed_at is not None)
    if event.suspended is not None:
        assert not event.is_final
        assert event.due_at is None
    elif not event.is_final:
        assert (event.due_at is not None) == ("*" in definition.limits)
    if event.is_final:
        assert event.state_due_at is None
    elif event.suspended is None or state.pauses:
        told = walker.deadlines.rules.get(event.state)
        assert (event.state_due_at is None) == (told is None)
    if state.pauses:
        assert event.suspended is not None
    assert (event.state_due_at is None) == (event.warn_at is None) or event.warn_at is None


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.integers(0, 1_000_000),
    st.sampled_from(["grid_worker", "resident"]),
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 90)), max_size=15),
)
def test_what_passes_the_check_never_traps_an_event(
    seed: int, source: str, choices: list[tuple[int, int]]
) -> None:
    walk(sound_workflow(Random(seed)), source, choices)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: f"{file.parts[-4]}-{file.stem}")
def test_no_shipped_workflow_traps_an_event(file: Any) -> None:
    definition = read_workflow(tomllib.loads(file.read_text(encoding="utf-8")))
    for seed in range(20):
        chance = Random(seed)
        choices = [(chance.randint(0, 50), chance.randint(0, 90)) for _ in range(30)]
        walk(definition, chance.choice(["grid_worker", "resident", "department"]), choices)


def walk(definition: WorkflowDefinition, source: str, choices: list[tuple[int, int]]) -> None:
    walker = Walker(definition, source)
    for choice, hours in choices:
        assert can_be_closed(walker)
        possible = walker.usable()
        if not possible:
            assert walker.event.is_final
            return
        walker.now += timedelta(hours=hours)
        walker.take(possible[choice % len(possible)])
        keeps_its_sums(walker)


def test_both_sound_and_broken_ones_are_made() -> None:
    made = []
    for seed in range(60):
        try:
            made.append(read_workflow(random_workflow(Random(seed))))
        except WorkflowInvalid:
            made.append(None)
    sound = [one for one in made if one is not None]
    assert 10 < len(sound) < 55
    assert any(one.to == "previous" for each in sound for one in each.actions)
    assert any(state.pauses for each in sound for state in each.states)


LOGINS = ("worker", "chief", "mender", "centre", "checker")


@pytest.mark.parametrize("seed", range(4))
async def test_a_walk_of_a_real_event_keeps_its_timeline(city: City, seed: int) -> None:
    chance = Random(seed)
    definition = sound_workflow(chance)
    ruling = await ruled(city, definition.document(), Rooms())
    clock = ruling.platform.clock
    assert isinstance(clock, FrozenClock)
    event = await ruling.report()
    for _ in range(12):
        clock.forward(hours=chance.randint(0, 30))
        login = chance.choice(LOGINS)
        offered = await available(ruling, login, event)
        await refuses_all_others(ruling, login, event, definition, offered)
        if offered:
            code = chance.choice(offered)
            await ruling.act(
                login, event, code, **await brought(ruling, login, event, definition.action(code))
            )
    row, steps = await ruling.event(event), await ruling.steps(event)
    assert [step["sequence"] for step in steps] == list(range(1, len(steps) + 1))
    assert [step["from_state"] for step in steps] == [
        None,
        *(one["to_state"] for one in steps[:-1]),
    ]
    assert steps[-1]["to_state"] == row["state"]
    assert row["is_final"] == (row["closed_at"] is not None) == definition.is_final(row["state"])
    assert steps[-1]["due_at"] == row["state_due_at"]
    assert row["version"] == len(steps)
    assert row["returns"] == sum(definition.action(step["action"]).is_return for step in steps[1:])


async def refuses_all_others(
    city: City, login: str, event: uuid.UUID, definition: WorkflowDefinition, offered: list[str]
) -> None:
    """What is not offered is refused for who acts, where, or how the event stands, whatever is
    brought."""
    before = await city.state()
    for action in definition.actions:
        if action.code not in offered:
            with pytest.raises(JingweiError):
                await city.act(
                    login, event, action.code, **await brought(city, login, event, action)
                )
    after = await city.state()
    assert after == before


async def brought(city: City, login: str, event: uuid.UUID, action: Action) -> dict[str, Any]:
    """All that the action may ask for."""
    given: dict[str, Any] = {"note": "n", "reason": "r", "form": {"width_cm": 7}}
    given["evidence"] = [
        {"id": str(await city.photo(login)), "phase": phase} for phase in ("before", "after")
    ]
    if action.assigns is Assigns.DEPARTMENT:
        given["department_code"] = "roads"
    if action.assigns is Assigns.ASSIGNEE:
        row = await city.event(event)
        plumbers = row["assigned_department"] == city.departments["water"]
        given["assignee"] = str(city.people["plumber" if plumbers else "mender"])
    return given
