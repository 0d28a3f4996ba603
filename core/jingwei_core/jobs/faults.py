"""Faults (故障) of work that goes on: noted one by one, and told together at the end."""

from collections.abc import Iterator
from contextlib import contextmanager


class Faults:
    """What failed of several pieces of work, none of which may keep the others from being done."""

    def __init__(self) -> None:
        self._found: list[Exception] = []

    @contextmanager
    def noted(self) -> Iterator[None]:
        """One piece of work; whatever it raises is kept."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - told by `tell`
            self._found.append(error)

    def tell(self, what: str) -> None:
        """Raise an ``ExceptionGroup`` of what failed, if anything did."""
        if self._found:
            raise ExceptionGroup(what, self._found)
