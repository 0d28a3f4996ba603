"""How Hypothesis looks for a difference: many cases, and a bounded time for making one small."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, settings

SHRINKING_S = 20.0


def searching(cases: int) -> Callable[[Any], Any]:
    """The settings of a search."""
    return settings(
        max_examples=cases,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
        report_multiple_bugs=False,
        phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    )


@dataclass
class Search:
    """Runs cases on the loop of the session; what failed once fails again without being asked."""

    loop: asyncio.AbstractEventLoop
    failed: dict[str, str] = field(default_factory=dict)
    first_at: float | None = None

    def run(self, key: str, case: Callable[[], Awaitable[list[str]]]) -> None:
        """Run one case, which answers what is wrong; raises ``AssertionError``."""
        if key not in self.failed:
            if self.first_at is not None and time.monotonic() - self.first_at > SHRINKING_S:
                return  # small enough: whoever reads it waits no longer
            found = self.loop.run_until_complete(_awaited(case))
            if not found:
                return
            self.failed[key] = "\n".join(found)
            self.first_at = self.first_at or time.monotonic()
        raise AssertionError(self.failed[key])


async def _awaited(case: Callable[[], Awaitable[list[str]]]) -> list[str]:
    return await case()
