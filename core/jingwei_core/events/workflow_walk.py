"""Where the events of a workflow can get to (可达性): an abstract walk over all they may do.

An event is taken for its state, whether it is assigned to anybody, and the source it came from.
What people, photos, forms and tasks decide counts as possible: the tenant's check looks at those.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from jingwei_core.events.workflow import PREVIOUS, Action, Assigns, By, WorkflowDefinition
from jingwei_core.events.workflow_effects import AssignEffect, AssignTo
from jingwei_core.events.workflow_guards import DepartmentGuard, WithinGuard

ASSIGNED = "assigned"
"""The department of a guard that stands for the assigned one."""

OTHER_SOURCES = ""
"""Stands for every source that the workflow does not name."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where an event may stand."""

    state: str
    is_assigned: bool


@dataclass(frozen=True)
class Walk:
    """All spots that events of one source can get to."""

    definition: WorkflowDefinition
    source: str
    begin: Spot | None = None
    """Where it begins; registration if not said."""

    def usable(self, spot: Spot) -> Iterator[Action]:
        """The actions that somebody may take there, as far as a definition tells."""
        for action in self.definition.actions_from(spot.state):
            if action.serves(self.source) and (spot.is_assigned or not needs_assigned(action)):
                yield action

    def after(self, spot: Spot, action: Action) -> frozenset[Spot]:
        """Where the action may lead."""
        is_assigned = assigns(action, before=spot.is_assigned)
        return frozenset(
            Spot(state, is_assigned) for state in self.definition.targets(action, spot.state)
        )

    @cached_property
    def reached(self) -> frozenset[Spot]:
        """Every spot that can be reached from where it begins."""
        first = self.begin or Spot(self.definition.start, is_assigned=False)
        found, waiting = {first}, [first]
        while waiting:
            spot = waiting.pop()
            for action in self.usable(spot):
                fresh = self.after(spot, action) - found
                found |= fresh
                waiting.extend(fresh)
        return frozenset(found)

    @cached_property
    def ending(self) -> frozenset[Spot]:
        """The reached spots from which the loop can be closed, however long one waits there."""
        found = {spot for spot in self.reached if self.definition.is_final(spot.state)}
        before = -1
        while len(found) != before:
            before = len(found)
            found |= {spot for spot in self.reached - found if self._leads(spot, found)}
        return frozenset(found)

    def _leads(self, spot: Spot, goal: set[Spot]) -> bool:
        return any(
            bool(after := self.after(spot, action)) and after <= goal
            for action in self.usable(spot)
            if not any(isinstance(guard, WithinGuard) for guard in action.guards)
        )


def can_end(definition: WorkflowDefinition, source: str, spot: Spot, *, is_new: bool) -> bool:
    """Whether an event that stands there can be closed; ``is_new`` says that it was moved from
    another version, so that nothing tells where to go back to unless there is one way only."""
    walk = Walk(definition, source, spot)
    if not is_new:
        return spot in walk.ending
    return any(
        walk.after(spot, action) <= walk.ending
        for action in walk.usable(spot)
        if (action.to != PREVIOUS or len(definition.leads_into(spot.state)) == 1)
        and not any(isinstance(guard, WithinGuard) for guard in action.guards)
    )


def walks(definition: WorkflowDefinition) -> list[Walk]:
    """A walk for each source that the definition tells apart, and one for all others."""
    named = {source for action in definition.actions for source in action.sources}
    return [Walk(definition, source) for source in (OTHER_SOURCES, *sorted(named))]


def needs_assigned(action: Action) -> bool:
    """Whether nobody can take the action while the event is assigned to nobody."""
    return action.by is By.ASSIGNED or any(
        isinstance(guard, DepartmentGuard) and guard.department == ASSIGNED
        for guard in action.guards
    )


def assigns(action: Action, *, before: bool) -> bool:
    """Whether the event is assigned to somebody after the action."""
    for effect in action.effects:
        if isinstance(effect, AssignEffect):
            return effect.to is not AssignTo.CLEAR
    if action.assigns is Assigns.KEEP:
        return before
    return action.assigns is not Assigns.CLEAR
