"""The time source of the running platform."""

from datetime import UTC, datetime


class SystemClock:
    """The machine's clock; tests pass one that stands still."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        return datetime.now(UTC)
