"""The registry (注册表): everything the packages of one enabled set declare, checked as a whole.

It is built once for each set of enabled plugins and never changes; hooks, GraphQL, commands and
jobs of a tenant all read the same registry, so they cannot disagree.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jingwei_core.privacy.declarations import check_package
from jingwei_sdk.commands import Command, declaration
from jingwei_sdk.errors import Refused
from jingwei_sdk.personal import masked_columns
from jingwei_sdk.plugin import Job, Plugin
from jingwei_sdk.records import Computed, Either, Many, Opposite, Record, Relation, Through


@dataclass(frozen=True, eq=False)
class Registry:
    """What one enabled set offers; ``owners`` maps a record's or command's name to its package."""

    enabled: frozenset[str]
    fingerprint: str
    plugins: tuple[Plugin, ...]
    records: Mapping[str, Record]
    commands: Mapping[str, Command]
    jobs: Mapping[str, Job]
    owners: Mapping[str, str]
    _relations: Mapping[str, Mapping[str, Relation]]
    _computed: Mapping[str, Mapping[str, Computed]]

    def record(self, name: str) -> Record:
        """The record of a type name; raises ``Refused`` (``RECORD_UNKNOWN``)."""
        if name not in self.records:
            raise Refused("RECORD_UNKNOWN", record=name)
        return self.records[name]

    def relations(self, record: Record) -> Mapping[str, Relation]:
        """Its relations by field name: its own and those that other packages add."""
        return self._relations[record.name]

    def computed(self, record: Record) -> Mapping[str, Computed]:
        """Its computed fields by name: its own and those that other packages add."""
        return self._computed[record.name]


class _Builder:
    """Collects declarations and refuses what clashes, naming both owners."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.commands: dict[str, Command] = {}
        self.jobs: dict[str, Job] = {}
        self.owners: dict[str, str] = {}
        self.relations: dict[str, dict[str, Relation]] = {}
        self.computed: dict[str, dict[str, Computed]] = {}

    def _claim(self, what: str, name: str, owner: str) -> None:
        key = f"{what}:{name}"
        if key in self.owners:
            raise Refused(
                "DECLARATION_CLASH", kind=what, name=name, owners=sorted((self.owners[key], owner))
            )
        self.owners[key] = owner

    def add(self, plugin: Plugin) -> None:
        check_package(plugin)
        for record in plugin.records:
            self._claim("record", record.name, plugin.id)
            self._claim("query", record.plural, plugin.id)
            self.records[record.name] = record
            self.relations[record.name] = dict(record.relations)
            self.computed[record.name] = dict(record.computed)
        for handler in plugin.commands:
            command = declaration(handler)
            self._claim("command", command.name, plugin.id)
            self._claim("mutation", command.mutation, plugin.id)
            self.commands[command.name] = command
        for job in plugin.jobs:
            self._claim("job", job.name, plugin.id)
            self.jobs[job.name] = job

    def extend(self, plugin: Plugin) -> None:
        for extension in plugin.extensions:
            if extension.record not in self.records:
                raise Refused("EXTENSION_UNKNOWN", plugin=plugin.id, record=extension.record)
            for name in (*extension.relations, *extension.computed):
                self._claim("field", f"{extension.record}.{name}", plugin.id)
                if name in self._fields_of(extension.record):
                    raise Refused(
                        "DECLARATION_CLASH",
                        kind="field",
                        name=f"{extension.record}.{name}",
                        owners=sorted(
                            (plugin.id, self.owners.get(f"record:{extension.record}", ""))
                        ),
                    )
            self.relations[extension.record].update(extension.relations)
            self.computed[extension.record].update(extension.computed)

    def _fields_of(self, record: str) -> set[str]:
        return {
            *self.records[record].columns,
            *self.relations[record],
            *self.computed[record],
        }

    def check(self) -> None:
        """Every name that a declaration points at exists."""
        for name, record in self.records.items():
            targets = [t for r in self.relations[name].values() for t in _targets(r)]
            targets += [scope.record for scope in record.scope if isinstance(scope, Through)]
            missing = sorted({target for target in targets if target not in self.records})
            if missing:
                raise Refused("RECORD_UNKNOWN", record=name, targets=missing)
            self._check_reverse(name)
        for command in self.commands.values():
            if command.on is not None and command.on not in self.records:
                raise Refused("RECORD_UNKNOWN", record=command.on, command=command.name)
            if command.reveals is not None and command.on is not None:
                target = self.records[command.on]
                if command.reveals not in masked_columns(target.table):
                    raise Refused(
                        "RECORD_UNKNOWN_COLUMN", record=target.name, columns=[command.reveals]
                    )
            returned = command.returns
            if returned is not None and self.records.get(returned.name) is not returned:
                raise Refused("RECORD_UNKNOWN", record=returned.name, command=command.name)

    def _check_reverse(self, name: str) -> None:
        for field, relation in self.relations[name].items():
            if isinstance(relation, (Many, Opposite)):
                target = self.records[relation.record]
                known = [column._meta.name for column in target.table._meta.columns]
                if relation.column not in known:
                    raise Refused("RECORD_UNKNOWN_COLUMN", record=relation.record, columns=[field])


def _targets(relation: Relation) -> tuple[str, ...]:
    """The type names that a relation may lead to, as far as it names them."""
    return relation.records if isinstance(relation, Either) else (relation.record,)


def build_registry(contributions: Sequence[Plugin]) -> Registry:
    """The registry of these packages, the core first.

    Raises ``Refused`` naming the clash or the missing target; nothing half-built remains.
    """
    builder = _Builder()
    for plugin in contributions:
        builder.add(plugin)
    for plugin in contributions:
        builder.extend(plugin)
    builder.check()
    return Registry(
        enabled=frozenset(plugin.id for plugin in contributions),
        fingerprint=_fingerprint(contributions),
        plugins=tuple(contributions),
        records=builder.records,
        commands=builder.commands,
        jobs=builder.jobs,
        owners=builder.owners,
        _relations=builder.relations,
        _computed=builder.computed,
    )


def _fingerprint(contributions: Sequence[Plugin]) -> str:
    names = ",".join(sorted(plugin.id for plugin in contributions))
    return hashlib.sha256(names.encode()).hexdigest()[:16]
