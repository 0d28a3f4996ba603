"""Building a registry (注册表构建) package by package: each is taken as a whole or leaves no trace.

What a package declares is looked at once. So is what it changes of others: fifty packages cost
fifty times one package, not fifty registries.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from sys import intern
from typing import Any

from jingwei_core.plugins.claims import Claim
from jingwei_core.reminders.jobs import jobs_of
from jingwei_sdk.commands import Command, declaration
from jingwei_sdk.errors import Refused
from jingwei_sdk.hooks import Heard
from jingwei_sdk.personal import masked_columns
from jingwei_sdk.plugin import Job, Plugin
from jingwei_sdk.records import (
    Computed,
    Either,
    Extension,
    Many,
    Opposite,
    Record,
    Relation,
    Through,
)

Claimed = tuple[Plugin, Sequence[Claim]]


@dataclass(eq=False)
class Parts:
    """What the packages taken so far offer together."""

    records: dict[str, Record] = field(default_factory=dict)
    commands: dict[str, Command] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    relations: dict[str, Mapping[str, Relation]] = field(default_factory=dict)
    computed: dict[str, Mapping[str, Computed]] = field(default_factory=dict)
    hooks: dict[str, tuple[Heard, ...]] = field(default_factory=dict)

    def copy(self) -> "Parts":
        """Parts of their own, equal to these; what is inside is shared and never changed."""
        return Parts(**{name: dict(value) for name, value in vars(self).items()})


class RegistryBuilder:
    """Collects declarations and refuses what clashes, naming both owners.

    With ``parts`` it goes on from there; whoever gave them must not use them any more.
    """

    def __init__(self, parts: Parts | None = None) -> None:
        self.parts = parts or Parts()
        self._undo: list[Callable[[], Any]] = []

    def add(self, packages: Sequence[Claimed], heard: Iterable[Heard] = ()) -> None:
        """Take packages that may point at one another, with the hooks that they hear.

        Raises ``Refused`` (``DECLARATION_CLASH``, ``EXTENSION_UNKNOWN``, ``RECORD_UNKNOWN``,
        ``RECORD_UNKNOWN_COLUMN``), and whatever a stranger's declaration raises; then nothing of
        them is kept.
        """
        try:
            for plugin, claims in packages:
                self._take(plugin, claims)
            for plugin, _ in packages:
                for extension in plugin.extensions:
                    self._extend(plugin, extension)
            for plugin, _ in packages:
                self._check(plugin)
            for one in heard:
                told = (*self.parts.hooks.get(one.hook.name, ()), one)
                self._put(self.parts.hooks, one.hook.name, told)
        except BaseException:
            for undo in reversed(self._undo):
                undo()
            raise
        finally:
            self._undo.clear()

    def _put(self, kept: dict[str, Any], key: str, value: object) -> None:
        if key in kept:
            self._undo.append(partial(kept.__setitem__, key, kept[key]))
        else:
            self._undo.append(partial(kept.__delitem__, key))
        kept[key] = value

    def _claim(self, claim: Claim, owner: str) -> None:
        if claim in self.parts.owners:
            raise clash(claim, self.parts.owners[claim], owner)
        self._put(self.parts.owners, claim, owner)

    def _take(self, plugin: Plugin, claims: Sequence[Claim]) -> None:
        for claim in claims:
            self._claim(claim, plugin.id)
        for record in plugin.records:
            self._put(self.parts.records, record.name, record)
            self._put(self.parts.relations, record.name, record.relations)
            self._put(self.parts.computed, record.name, record.computed)
        for handler in plugin.commands:
            command = declaration(handler)
            self._put(self.parts.commands, command.name, command)
        for job in jobs_of(plugin):
            self._put(self.parts.jobs, job.name, job)

    def _extend(self, plugin: Plugin, extension: Extension) -> None:
        target, parts = extension.record, self.parts
        if target not in parts.records:
            raise Refused("EXTENSION_UNKNOWN", plugin=plugin.id, record=target)
        for name in (*extension.relations, *extension.computed):
            # Hundreds of registries hold the same few names: one text for all of them.
            claim = intern(f"field:{target}.{name}")
            self._claim(claim, plugin.id)
            if name in self._fields_of(target):
                raise clash(claim, parts.owners.get(f"record:{target}", ""), plugin.id)
        together = {**parts.relations[target], **extension.relations}
        self._put(parts.relations, target, together)
        self._put(parts.computed, target, {**parts.computed[target], **extension.computed})

    def _fields_of(self, record: str) -> set[str]:
        parts = self.parts
        return {
            *parts.records[record].columns,
            *parts.relations[record],
            *parts.computed[record],
        }

    def _check(self, plugin: Plugin) -> None:
        """Every name that a declaration of the package points at exists."""
        for record in plugin.records:
            self._check_targets(record.name, record.relations, record)
        for extension in plugin.extensions:
            self._check_targets(extension.record, extension.relations)
        for handler in plugin.commands:
            self._check_command(declaration(handler))

    def _check_targets(
        self, name: str, relations: Mapping[str, Relation], record: Record | None = None
    ) -> None:
        known = self.parts.records
        targets = [target for relation in relations.values() for target in _targets(relation)]
        if record is not None:
            targets += [scope.record for scope in record.scope if isinstance(scope, Through)]
        missing = sorted({target for target in targets if target not in known})
        if missing:
            raise Refused("RECORD_UNKNOWN", record=name, targets=missing)
        for field_name, relation in relations.items():
            if isinstance(relation, (Many, Opposite)):
                columns = known[relation.record].table._meta.columns
                if relation.column not in [column._meta.name for column in columns]:
                    raise Refused(
                        "RECORD_UNKNOWN_COLUMN", record=relation.record, columns=[field_name]
                    )

    def _check_command(self, command: Command) -> None:
        records = self.parts.records
        if command.on is not None and command.on not in records:
            raise Refused("RECORD_UNKNOWN", record=command.on, command=command.name)
        if command.reveals is not None and command.on is not None:
            target = records[command.on]
            if command.reveals not in masked_columns(target.table):
                raise Refused(
                    "RECORD_UNKNOWN_COLUMN", record=target.name, columns=[command.reveals]
                )
        returned = command.returns
        if returned is not None and records.get(returned.name) is not returned:
            raise Refused("RECORD_UNKNOWN", record=returned.name, command=command.name)


def _targets(relation: Relation) -> tuple[str, ...]:
    """The type names that a relation may lead to, as far as it names them."""
    return relation.records if isinstance(relation, Either) else (relation.record,)


def clash(claim: Claim, *owners: str) -> Refused:
    """The refusal of what several packages claim (``DECLARATION_CLASH``)."""
    what, _, name = claim.partition(":")
    return Refused("DECLARATION_CLASH", kind=what, name=name, owners=sorted(owners))
