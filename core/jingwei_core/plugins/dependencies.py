"""Dependencies of plugins (插件依赖): in which order they come, and what a switch takes along.

A plugin comes after all it requires, then by id; the order is the same in every set of plugins.
An optional requirement orders the two when both are there, and is dropped where it would close a
circle.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet

from jingwei_core.plugins.off import Off
from jingwei_sdk.errors import Conflict
from jingwei_sdk.manifest import Requirement

if TYPE_CHECKING:
    from jingwei_core.plugins.discovery import Installed
    from jingwei_core.plugins.host import PluginHost

Needs = Mapping[str, Sequence[Requirement]]
"""What each plugin stands on, by id."""
ARROW = " → "


@dataclass(frozen=True, slots=True)
class Step:
    """One plugin of a plan; ``because`` is the chain from the plugin that was asked for."""

    plugin: str
    because: tuple[str, ...]

    @property
    def chain(self) -> str:
        """The chain for people: ``permits → forms``."""
        return ARROW.join(self.because)


def needs_of(found: "Installed") -> tuple[Requirement, ...]:
    """What an installed plugin stands on, as its manifest or else its declaration says."""
    if found.manifest is not None:
        return found.manifest.needs
    return tuple(map(Requirement, found.plugin.requires)) if found.plugin is not None else ()


def circles(needs: Needs) -> dict[str, tuple[str, ...]]:
    """For each plugin that requires itself, over others, the way there and back."""
    found = {}
    for plugin in sorted(needs):
        way = _way(needs, plugin, plugin)
        if way:
            found[plugin] = way
    return found


def in_order(needs: Needs) -> list[str]:
    """The plugins, each after those it requires, then by id; those in a circle come last."""
    waits = {plugin: set(_waits_for(needs, plugin)) for plugin in needs}
    before: dict[str, list[str]] = {plugin: [] for plugin in needs}
    for plugin, others in waits.items():
        for other in others:
            before[other].append(plugin)
    ready = [plugin for plugin, others in waits.items() if not others]
    heapify(ready)
    ordered = []
    while ready:
        plugin = heappop(ready)
        ordered.append(plugin)
        for other in before[plugin]:
            waits[other].discard(plugin)
            if not waits[other]:
                heappush(ready, other)
    return [*ordered, *sorted(needs.keys() - set(ordered))]


def unmet(need: Requirement, version: str | None) -> str:
    """Why a requirement is not met by a plugin of that version (``None``: there is none), or an
    empty text. An optional one may be absent, but must fit where it is there."""
    if version is None:
        return "" if need.optional else f"needs {need.id}"
    wanted = SpecifierSet(need.version)
    if need.version and not (version and wanted.contains(version, prereleases=True)):
        return f"needs {need.id} {need.version}, there is {version or 'one without a version'}"
    return ""


def plan_enable(
    host: "PluginHost", active: frozenset[str], plugin_id: str, *, with_dependencies: bool = False
) -> tuple[Step, ...]:
    """What has to be enabled, in this order, so that the plugin is served; it comes last.

    Raises ``NotFound`` (``PLUGIN_UNKNOWN``), ``Refused`` (``PLUGIN_OFF``) naming the one on the
    way that cannot be served, ``Conflict`` (``PLUGIN_NEEDS``) with the chain when more than the
    plugin itself is missing and ``with_dependencies`` is not said.
    """
    host.require_available(plugin_id)
    needs = host.needs
    steps = {plugin_id: Step(plugin_id, (plugin_id,))}
    for step in _following(needs, steps):
        if step.plugin not in active and step.plugin != host.core.id:
            host.require_available(step.plugin)
            steps.setdefault(step.plugin, step)
    missing = sorted(steps.keys() - {plugin_id})
    if missing and not with_dependencies:
        chains = [steps[each].chain for each in missing]
        raise Conflict("PLUGIN_NEEDS", plugin=plugin_id, missing=missing, chain="; ".join(chains))
    return tuple(steps[each] for each in host.order if each in steps)


def plan_disable(
    host: "PluginHost", active: frozenset[str], plugin_id: str, *, with_dependants: bool = False
) -> tuple[Step, ...]:
    """What has to be disabled, in this order, so that nothing enabled misses the plugin; it comes
    last. Plugins for which it is optional go on without it.

    Raises ``Conflict`` (``PLUGIN_NEEDED``) with the chain when others stand on it and
    ``with_dependants`` is not said.
    """
    steps = {plugin_id: Step(plugin_id, (plugin_id,))}
    for step in _standing_on(host.needs, active, steps):
        steps.setdefault(step.plugin, step)
    others = sorted(steps.keys() - {plugin_id})
    if others and not with_dependants:
        chains = [ARROW.join(reversed(steps[each].because)) for each in others]
        raise Conflict("PLUGIN_NEEDED", plugin=plugin_id, by=others, chain="; ".join(chains))
    return (
        *(steps[each] for each in reversed(host.order) if each in steps and each != plugin_id),
        steps[plugin_id],
    )


def unmet_requirements(
    needs: Needs, versions: Mapping[str, str], off: Mapping[str, Off]
) -> dict[str, Off]:
    """The plugins of a machine that no tenant can have, beside those that are ``off``: what they
    require is not installed, does not fit, is off itself, or requires them in turn."""
    gone = dict(off)
    for plugin, way in circles(needs).items():
        gone.setdefault(plugin, Off(plugin, "needs", f"requires itself: {ARROW.join(way)}"))
    for plugin in in_order(needs):
        reasons = []
        for need in needs[plugin]:
            if need.optional:
                continue  # not every tenant has it on
            reason = unmet(need, versions.get(need.id))
            if not reason and need.id in gone:
                reason = f"needs {need.id}, which is off: {gone[need.id].reason}"
            reasons += [reason] if reason else []
        if reasons:
            gone.setdefault(plugin, Off(plugin, "needs", "; ".join(reasons)))
    return {plugin: gone[plugin] for plugin in gone.keys() - off.keys()}


def _following(needs: Needs, steps: Mapping[str, Step]) -> Iterator[Step]:
    """The requirements below the steps, nearest first; the caller adds those it follows."""
    seen = set(steps)
    queue = list(steps.values())
    while queue:
        step = queue.pop(0)
        for need in needs.get(step.plugin, ()):
            if need.optional or need.id in seen:
                continue
            seen.add(need.id)
            below = Step(need.id, (*step.because, need.id))
            queue.append(below)
            yield below


def _standing_on(needs: Needs, active: Iterable[str], steps: Mapping[str, Step]) -> Iterator[Step]:
    """The active plugins above the steps, nearest first."""
    seen, queue, present = set(steps), list(steps.values()), sorted(active)
    while queue:
        step = queue.pop(0)
        for other in present:
            required = [need.id for need in needs.get(other, ()) if not need.optional]
            if other not in seen and step.plugin in required:
                seen.add(other)
                above = Step(other, (*step.because, other))
                queue.append(above)
                yield above


def _waits_for(needs: Needs, plugin: str) -> Iterator[str]:
    for need in needs[plugin]:
        if need.id in needs and not (need.optional and _way(needs, need.id, plugin, weak=True)):
            yield need.id


def _way(needs: Needs, start: str, goal: str, *, weak: bool = False) -> tuple[str, ...]:
    """The shortest way of requirements from one plugin to another, both included; ``weak`` follows
    optional ones too."""
    queue: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    while queue:
        way = queue.pop(0)
        for need in needs.get(way[-1], ()):
            if need.optional and not weak:
                continue
            if need.id == goal:
                return (*way, goal)
            if need.id not in seen:
                seen.add(need.id)
                queue.append((*way, need.id))
    return ()
