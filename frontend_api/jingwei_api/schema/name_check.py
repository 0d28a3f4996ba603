"""Clashes of names in GraphQL (命名冲突), found from declarations before any schema is made.

The host asks :func:`clashes` for each set of plugins. What a plugin alone brings is worked out once
by the functions that make the schema, over a space that claims names and makes nothing; a set is
then a comparison of names.
"""

import weakref
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jingwei_api.schema.builder import declare
from jingwei_api.schema.naming import lower_first, pascal
from jingwei_api.schema.queries import CORE
from jingwei_api.schema.records import computed_field, relation_field
from jingwei_api.schema.scalars import Enums
from jingwei_api.schema.types import Field, TypeSpace, refuse_doubles
from jingwei_core.plugins.registry_checks import Candidate, Clash
from jingwei_sdk.commands import Command, declaration
from jingwei_sdk.errors import Refused
from jingwei_sdk.manifest import Manifest
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.records import Computed, Record, Relation
from jingwei_sdk.versions import SERVED, fits

_PREVIOUS = SERVED[0]
"""Plugins that also fit this SDK may have been written before there were prefixes."""


def clashes(candidates: Sequence[Candidate]) -> list[Clash]:
    """The plugins that cannot be served beside those before them, each with its reason.

    Raises ``Refused`` for a fault of the core, which comes first.
    """
    taken: dict[str, Token] = {}
    found = []
    for plugin, manifest in candidates:
        names = _names_of(plugin)
        if names.fault is not None and plugin.id == CORE:
            raise names.fault
        # The core's names are those that the prefixes of all others spare.
        reason = _objection(names, manifest if plugin.id != CORE else None, taken)
        if reason:
            found.append(Clash(plugin.id, reason))
        else:
            taken.update(names.tokens)
    return found


@dataclass(frozen=True, slots=True)
class Token:
    """What stands behind a name: a struct or an enum, which packages may share, or for all else the
    package itself."""

    thing: object
    owner: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class Names:
    """What a plugin brings into a schema.

    ``tokens`` says of each type (``Event``) and field of a shared type (``Query.me``) what stands
    behind it: two plugins may name one thing alike, and not two. ``own`` are the names that have to
    carry the plugin's prefix. ``fault`` is what is wrong with it whoever else is there.
    """

    tokens: Mapping[str, Token]
    own: tuple[str, ...] = ()
    fault: Refused | None = None


_known: "weakref.WeakKeyDictionary[Plugin, Names]" = weakref.WeakKeyDictionary()


def _names_of(plugin: Plugin) -> Names:
    found = _known.get(plugin)
    if found is None:
        try:
            found = _worked_out(plugin)
        except Refused as fault:
            found = Names({}, fault=fault)
        _known[plugin] = found
    return found


def _objection(names: Names, manifest: Manifest | None, taken: Mapping[str, Token]) -> str:
    if names.fault is not None:
        return str(names.fault)
    for name, token in names.tokens.items():
        if name in taken and taken[name] != token:
            owners = sorted((taken[name].owner, token.owner))
            return str(Refused("SCHEMA_CLASH", name=name, owners=owners))
    return "" if manifest is None else _without_prefix(names, manifest, taken)


def _without_prefix(names: Names, manifest: Manifest, taken: Mapping[str, Token]) -> str:
    prefix = manifest.graphql_prefix
    if not prefix:
        is_old = fits(manifest.sdk, _PREVIOUS)
        return "" if is_old or not names.own else str(Refused("SCHEMA_PREFIX_MISSING"))
    theirs = [name for name, token in taken.items() if token.owner == CORE and "." not in name]
    if any(_carries(name, prefix) for name in theirs):
        return str(Refused("SCHEMA_PREFIX_TAKEN", prefix=prefix, owner=CORE))
    bare = [name for name in names.own if not _carries(name.rpartition(".")[2], prefix)]
    return str(Refused("SCHEMA_PREFIX", prefix=prefix, names=bare)) if bare else ""


def _carries(name: str, prefix: str) -> bool:
    """Whether a type's or a root field's name begins with the words of a prefix."""
    spelt = lower_first(prefix) if name[:1].islower() else prefix
    rest = name.removeprefix(spelt)
    return rest != name and not rest[:1].islower()


class _Claims(TypeSpace):
    """Claims names and makes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, Sequence[Field]] = {}

    @property
    def owners(self) -> Mapping[str, str]:
        """Who claims each type name."""
        return self._owners

    def union(self, name: str, members: Sequence[str], *, owner: str) -> None:
        self.claim(name, owner)

    def _built(
        self,
        name: str,
        fields: Sequence[Field],
        description: str,
        *,
        is_input: bool,
        bases: tuple[type, ...],
    ) -> type:
        self.fields[name] = fields
        return object


class _Owned(dict[str, str]):
    """Everything belongs to one package."""

    def __init__(self, owner: str) -> None:
        super().__init__()
        self._owner = owner

    def get(self, key: str, default: Any = None) -> Any:
        return self._owner


class _AnyRecord(dict[str, Record]):
    """The records of one plugin, beside which every other exists as well."""

    def __contains__(self, name: object) -> bool:
        return bool(name)


class _Alone:
    """The declarations of one plugin, whatever others there are."""

    fingerprint = ""

    def __init__(self, plugin: Plugin) -> None:
        self.plugins = (plugin,)
        self.records: Mapping[str, Record] = _AnyRecord({one.name: one for one in plugin.records})
        told = map(declaration, plugin.commands)
        self.commands: Mapping[str, Command] = {one.name: one for one in told}
        self.owners: Mapping[str, str] = _Owned(plugin.id)

    def relations(self, record: Record) -> Mapping[str, Relation]:
        return record.relations

    def computed(self, record: Record) -> Mapping[str, Computed]:
        return record.computed


def _worked_out(plugin: Plugin) -> Names:
    space = _Claims()
    enums = Enums(space.claim)
    declared = declare(space, enums, _Alone(plugin))
    added = _added(space, plugin)
    behind: dict[str, object] = {**enums.by_name, **declared.structs.by_name}
    tokens = {name: Token(behind.get(name, owner), owner) for name, owner in space.owners.items()}
    mine = Token(plugin.id, plugin.id)
    roots = {
        "Query": declared.query,
        "Mutation": declared.mutation,
        "Subscription": declared.subscription,
    }
    for root, fields in roots.items():
        told = (one.spelt for one in fields if (one.owner or CORE) == plugin.id)
        tokens |= {f"{root}.{name}": mine for name in told}
    for record in plugin.records:
        tokens |= {f"{record.name}.{one.spelt}": mine for one in space.fields[record.name]}
    tokens |= dict.fromkeys(added, mine)
    return Names(tokens, tuple(_own(plugin, tokens)))


def _added(space: TypeSpace, plugin: Plugin) -> Iterator[str]:
    """The fields that the plugin adds to types of others."""
    fields: dict[str, list[Field]] = defaultdict(list)
    for extension in plugin.extensions:
        target = extension.record
        for name, relation in extension.relations.items():
            fields[target].append(relation_field(space, target, relation, (name, plugin.id)))
        for name, computed in extension.computed.items():
            fields[target].append(computed_field(target, computed, (name, plugin.id)))
    for target, added in fields.items():
        refuse_doubles(target, added, plugin.id)
        yield from (f"{target}.{one.spelt}" for one in added)


def _own(plugin: Plugin, tokens: Mapping[str, Token]) -> Iterator[str]:
    """The names that carry the plugin's prefix: its mutations, its subscriptions and all its types
    but its namespace, which carries its id, and those that it shares with others because it has
    them from elsewhere."""
    namespace = f"{pascal(plugin.id)}Query"
    for name, token in tokens.items():
        if "." in name:
            if name.startswith(("Mutation.", "Subscription.")):
                yield name
        elif token.owner == plugin.id and name != namespace and not _is_foreign(plugin, token):
            yield name


def _is_foreign(plugin: Plugin, token: Token) -> bool:
    thing = token.thing[0] if isinstance(token.thing, tuple) else token.thing
    module = getattr(thing, "__module__", plugin.package)
    return module.partition(".")[0] != plugin.package.partition(".")[0]
