"""Circuit breakers (熔断): what fails again and again is not called for a while.

There is one for each tenant, plugin and point: a hook, a job, a consumer or a computed field. This
process counts failures; that a breaker is open is stored, and told to the other processes with what
they read of the tenant, so no call asks the database.
"""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

Point = tuple[uuid.UUID, str, str]
"""What a plugin is called for: the tenant, the plugin's id, and the name of a hook, a job
(``job:<name>``), a consumer (``consumer:<name>``), a channel (``channel:<code>``) or a field
(``field:<Record>.<name>``)."""

Named = tuple[str, str]
"""A point within a tenant: the plugin's id and the name."""


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """``failures`` in a row open a breaker for ``open_s`` seconds; then each process tries once,
    and another failure opens it again. ``seen_within_s`` is how long what is stored may take to be
    read back."""

    failures: int = 5
    open_s: float = 60.0
    seen_within_s: float = 3.0


class Breakers:
    """The breakers as one process sees them. ``now`` gives seconds that only grow."""

    def __init__(
        self, rules: BreakerRules | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.rules = rules or BreakerRules()
        self._now = now
        self._in_row: dict[Point, int] = {}
        self._held: dict[Point, float] = {}
        self._told: dict[uuid.UUID, frozenset[Named]] = {}

    def is_open(self, point: Point) -> bool:
        """Whether the plugin is not to be called for this now."""
        tenant, plugin, name = point
        told = self._told.get(tenant)
        if told and (plugin, name) in told:
            return True
        if not self._held:
            return False
        until = self._held.get(point)
        if until is None:
            return False
        if self._now() < until:
            return True
        del self._held[point]
        return False

    def succeeded(self, point: Point) -> None:
        """Start counting anew."""
        if self._in_row:
            self._in_row.pop(point, None)

    def failed(self, point: Point) -> bool:
        """Count a failure; whether the breaker opens with it."""
        in_row = self._in_row.get(point, 0) + 1
        self._in_row[point] = in_row
        if in_row < self.rules.failures:
            return False
        self._held[point] = self._now() + self.rules.open_s
        return True

    def stored(self, point: Point) -> None:
        """The open breaker is in the database: from soon on what is read there counts, so that
        whoever resets it there resets it here."""
        if point in self._held:
            seen = self._now() + self.rules.seen_within_s
            self._held[point] = min(self._held[point], seen)

    def learn(self, tenant_id: uuid.UUID, told: frozenset[Named]) -> None:
        """Take over which breakers of a tenant the database says are open."""
        if told:
            self._told[tenant_id] = told
        else:
            self._told.pop(tenant_id, None)
