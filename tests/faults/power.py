"""The power (电源) of a site: where it may go, and where it went.

A statement that is sent to PostgreSQL and a change of the evidence store each have two moments:
before they are sent, and after they are done while nobody has heard of it yet. Whoever tries a
command chooses the moment at which the power goes. Everything is cut then: each connection, and the
store.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from jingwei_core.evidence.store import ObjectStore

Moment = Literal["before", "after"]


class Point(NamedTuple):
    """A moment of a run: ``turn`` is how often the same was said before in it."""

    said: str
    turn: int
    moment: Moment


Choice = Callable[[Point], bool]


class PowerCut(BaseException):
    """The process is dead: no handler of ordinary errors may go on."""


_VALUES = re.compile(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b")


def spoken(sql: str) -> str:
    """A statement without the values in it, the same for each run of a command."""
    return " ".join(_VALUES.sub("?", sql).split())


@dataclass
class Power:
    """On until it is cut, and from :meth:`restore` on again; ``cut`` is called when it goes."""

    cut: Callable[[], None] = lambda: None
    is_on: bool = True
    went_at: Point | None = None
    met: list[tuple[Point, bool]] = field(default_factory=list)
    """What was said in the run, each with whether it was done for good: committed or stored."""
    _choose: Choice | None = None
    _turns: Counter[str] = field(default_factory=Counter)

    def begin(self, choose: Choice) -> None:
        """A run begins; the power goes at the first moment that is chosen."""
        self.met, self.went_at, self._turns, self._choose = [], None, Counter(), choose

    def restore(self) -> None:
        """The power is back, and nothing is counted before the next run."""
        self.is_on, self._choose = True, None

    def meet(self, said: str) -> Point:
        """What is about to be said, as it was counted."""
        point = Point(said, self._turns[said], "before")
        if self._choose is not None:
            self._turns[said] += 1
        return point

    def goes(self, point: Point, *, is_done: bool = False) -> bool:
        """Whether it goes at this moment; then everything is cut already."""
        if self._choose is None:
            return False
        if point.moment == "after":
            self.met.append((point, is_done))
        if not self._choose(point):
            return False
        self.is_on, self.went_at = False, point
        self.cut()
        return True


class PoweredStore:
    """An evidence store that is lost with the power: what changes it are moments of a run."""

    def __init__(self, store: ObjectStore, power: Power) -> None:
        self._store = store
        self._power = power

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name not in ("put", "lock", "delete"):
            return found

        async def changing(key: str, *args: Any, **more: Any) -> Any:
            area = key.split("/")[1]
            point = self._power.meet(f"store: {name} {area}")
            if not self._power.is_on or self._power.goes(point):
                raise PowerCut
            result = await found(key, *args, **more)
            if self._power.goes(point._replace(moment="after"), is_done=True):
                raise PowerCut
            return result

        return changing
