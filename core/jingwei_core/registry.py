"""The registry (注册表): everything the packages of one enabled set declare, checked as a whole.

It is built once for each set of enabled plugins and never changes; hooks, GraphQL, commands and
jobs of a tenant all read the same registry, so they cannot disagree.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from jingwei_core.plugins.claims import claims_of
from jingwei_core.privacy.declarations import check_package
from jingwei_core.registry_builder import Parts, RegistryBuilder
from jingwei_sdk.commands import Command
from jingwei_sdk.errors import Refused
from jingwei_sdk.hooks import Heard
from jingwei_sdk.plugin import Job, Plugin
from jingwei_sdk.records import Computed, Record, Relation


@dataclass(frozen=True, eq=False)
class Registry:
    """What one enabled set offers.

    ``plugins`` come in the order of what they require, then of their ids, the core first;
    ``owners`` maps what is claimed, ``record:Event``, to the package that has it; ``hooks`` maps a
    hook's name to its implementations, in the order of ``plugins``.
    """

    enabled: frozenset[str]
    fingerprint: str
    plugins: tuple[Plugin, ...]
    records: Mapping[str, Record]
    commands: Mapping[str, Command]
    jobs: Mapping[str, Job]
    owners: Mapping[str, str]
    _relations: Mapping[str, Mapping[str, Relation]]
    _computed: Mapping[str, Mapping[str, Computed]]
    hooks: Mapping[str, tuple[Heard, ...]] = field(default_factory=dict)

    def record(self, name: str) -> Record:
        """The record of a type name; raises ``Refused`` (``RECORD_UNKNOWN``)."""
        if name not in self.records:
            raise Refused("RECORD_UNKNOWN", record=name)
        return self.records[name]

    def heard(self, hook: str, kind: str) -> tuple[Heard, ...]:
        """The implementations of a hook by the plugins that hear of events of this kind, in the
        order in which they are asked."""
        found = self.hooks.get(hook, ())
        return tuple(one for one in found if self._hears(one.plugin, kind)) if found else found

    @cached_property
    def _by_id(self) -> Mapping[str, Plugin]:
        return {plugin.id: plugin for plugin in self.plugins}

    def _hears(self, plugin_id: str, kind: str) -> bool:
        kinds = self._by_id[plugin_id].hears
        return kinds is None or kind in kinds

    def relations(self, record: Record) -> Mapping[str, Relation]:
        """Its relations by field name: its own and those that other packages add."""
        return self._relations[record.name]

    def computed(self, record: Record) -> Mapping[str, Computed]:
        """Its computed fields by name: its own and those that other packages add."""
        return self._computed[record.name]


def build_registry(contributions: Sequence[Plugin]) -> Registry:
    """The registry of these packages, the core first.

    Raises ``Refused`` naming the clash or the missing target; nothing half-built remains.
    """
    for plugin in contributions:
        check_package(plugin)
    builder = RegistryBuilder()
    builder.add([(plugin, claims_of(plugin)) for plugin in contributions])
    return registry_of(contributions, builder.parts, {})


def registry_of(
    contributions: Sequence[Plugin], parts: Parts, versions: Mapping[str, str]
) -> Registry:
    """The registry of packages that were put together, with the versions that are known."""
    return Registry(
        enabled=frozenset(plugin.id for plugin in contributions),
        fingerprint=_fingerprint(contributions, versions),
        plugins=tuple(contributions),
        records=parts.records,
        commands=parts.commands,
        jobs=parts.jobs,
        owners=parts.owners,
        _relations=parts.relations,
        _computed=parts.computed,
        hooks=parts.hooks,
    )


def _fingerprint(contributions: Sequence[Plugin], versions: Mapping[str, str]) -> str:
    """The same for the same packages in the same versions, in whatever order they were given."""
    named = sorted(f"{plugin.id} {versions.get(plugin.id, '')}" for plugin in contributions)
    return hashlib.sha256("\n".join(named).encode()).hexdigest()[:16]
