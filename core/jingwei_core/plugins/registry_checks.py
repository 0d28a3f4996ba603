"""Checks of a set of plugins by rooms above the core (注册表检查), found by their entry points.

What a room makes of declarations may clash where the declarations do not: two type names of
GraphQL, say. The host asks before it serves a set, so that the clash is a plugin that is off with
its reason, and not a failing room.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from importlib.metadata import entry_points
from typing import NamedTuple

from jingwei_sdk.manifest import Manifest
from jingwei_sdk.plugin import Plugin

ENTRY_POINT_GROUP = "jingwei.registry_checks"


class Candidate(NamedTuple):
    """A plugin that may be served; the core has no manifest."""

    plugin: Plugin
    manifest: Manifest | None = None


class Clash(NamedTuple):
    """A plugin that cannot be served beside those before it, and why, in a sentence."""

    plugin: str
    reason: str


RegistryCheck = Callable[[Sequence[Candidate]], Iterable[Clash]]
"""Is given the core and the plugins of a set, each after those it requires; names each that clashes
with those before it that do not. It is asked for every set, so it remembers what it saw of each
plugin."""


@lru_cache(maxsize=1)
def registry_checks() -> tuple[RegistryCheck, ...]:
    """The checks of what is installed here, by name."""
    points = sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name)
    return tuple(point.load() for point in points)
