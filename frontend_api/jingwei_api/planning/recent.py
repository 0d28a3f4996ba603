"""Recent (最近使用): a bounded memory."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """The most recently used values, at most ``size``."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: K) -> V | None:
        """The value kept under a key."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def keep(self, key: K, value: V) -> V:
        """Keep a value; the one that was not used for longest goes."""
        self._kept[key] = value
        if len(self._kept) > self._size:
            self._kept.popitem(last=False)
        return value

    def drop(self, is_over: Callable[[K], bool]) -> None:
        """Let go of the values whose keys are over."""
        for key in [key for key in self._kept if is_over(key)]:
            del self._kept[key]

    def keys(self) -> list[K]:
        """What the values are kept under."""
        return list(self._kept)

    def values(self) -> list[V]:
        """What is kept."""
        return list(self._kept.values())
