"""How long to wait before the next attempt (重试间隔)."""

import secrets
from dataclasses import dataclass

_RANDOM = secrets.SystemRandom()


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waiting times that grow by ``factor``; ``attempts`` counts the first one too.

    With the defaults the eight attempts span about an hour and three quarters: long enough for a
    restart or a network fault in the night shift, short enough to be seen on the same day.
    """

    first_s: float = 2.0
    factor: float = 4.0
    longest_s: float = 3600.0
    attempts: int = 8

    def ceiling_s(self, failed: int) -> float:
        """The longest wait, in seconds, after the ``failed``-th failure (from 1)."""
        # The exponent is bounded: a float overflows long before a job has failed so often.
        return min(self.first_s * self.factor ** min(failed - 1, 60), self.longest_s)

    def delay_s(self, failed: int) -> float:
        """A wait between half of the ceiling and the ceiling, so that a crowd does not return as
        one."""
        ceiling = self.ceiling_s(failed)
        return _RANDOM.uniform(ceiling / 2, ceiling)

    def is_spent(self, failed: int) -> bool:
        """Whether the ``failed``-th failure was the last allowed."""
        return failed >= self.attempts
