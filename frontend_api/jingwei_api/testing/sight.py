"""What the other city can see (另一城的视野): counted, and asked with every permission.

The question is made from the schema: each field of the plugin's namespace that asks for no argument
with all plain fields below it, so that what a plugin remembers in its own code shows as well.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_object_type,
    is_required_argument,
)
from piccolo.columns import Text

from jingwei_api.testing.cities import KitCity
from jingwei_api.testing.graphql_client import KitClient
from jingwei_core.commands.data import qualified
from jingwei_core.events.tables import Event
from jingwei_core.evidence.tables import Evidence
from jingwei_core.registers.tables import Organisation
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.tables import TenantTable, columns_of

_CORE_TABLES = (Event, Evidence, Organisation)
_QUEUE = "SELECT count(*) FROM jobs.pgqueuer WHERE tenant_id = $1"
_ROWS = 50
_ID = "id"


@dataclass
class Sight:
    """Looks at a city before a test and after it; ``plugin`` is the one under test."""

    plugin: Plugin
    client: KitClient
    _usual: dict[str, Any] = field(default_factory=dict)

    async def counts(self, city: KitCity) -> Mapping[str, int]:
        """How many rows of the plugin, and of what it may write in the core, the city has."""
        tables: Sequence[type[TenantTable]] = (*self.plugin.tables, *_CORE_TABLES)
        counted = "SELECT '{0}' AS name, count(*) AS number FROM {0}"
        parts = [counted.format(qualified(table)) for table in tables]
        found = {row["name"]: row["number"] for row in await city.fetch(" UNION ALL ".join(parts))}
        (queued,) = await city.fetch(_QUEUE, city.tenant.id)
        return {**found, "the queue": queued["count"]}

    async def view(self, city: KitCity) -> Any:
        """What somebody with every permission is told by the plugin's fields."""
        question = question_of(await self.client.schema(city), namespace_of(self.plugin.id))
        if not question:
            return {}
        answer = await self.client.asked(await city.everybody(), question, {})
        return {"data": answer.get("data"), "errors": _codes(answer)}

    async def usual(self, city: KitCity, key: str) -> Any:
        """The view of a city in which nothing has happened, asked once for each ``key``."""
        if key not in self._usual:
            self._usual[key] = await self.view(city)
        return self._usual[key]

    async def leaks(
        self, city: KitCity, other: KitCity, before: Mapping[str, int], usual: Any
    ) -> list[str]:
        """What of ``city`` is to be seen in ``other``; what appeared there by itself."""
        found = []
        if not other.has_acted:
            after = await self.counts(other)
            found += [
                f"{name}: {before[name]} rows before the test, {after[name]} after it"
                for name in after
                if after[name] != before[name]
            ]
        seen = await self.view(other)
        if not other.has_acted and seen != usual:
            found.append(f"its answers changed: {_changed(usual, seen)}")
        shared = _ids(seen) & _ids(await self.view(city))
        found += [f"it is told of {row}, a row of the first city" for row in sorted(shared)]
        foreign = await self._texts(city) - await self._texts(other)
        return found + [
            f"it is told {text!r}, which stands in the first city only"
            for text in sorted(foreign)
            # What it is always told, the words of a standard list for example, came from nobody.
            if _says(seen, text) and not _says(usual, text)
        ]

    async def _texts(self, city: KitCity) -> set[str]:
        """What people wrote into the plugin's tables of a city, too long to be there by chance."""
        found: set[str] = set()
        for table in self.plugin.tables:
            names = [
                column._meta.name
                for column in columns_of(table)
                if isinstance(column, Text) and column._meta.choices is None
            ]
            for name in names:
                sql = "SELECT DISTINCT {0} AS text FROM {1} WHERE length({0}) BETWEEN 6 AND 200"
                rows = await city.fetch(sql.format(f'"{name}"', qualified(table)))
                found |= {row["text"] for row in rows}
        return found


def namespace_of(plugin_id: str) -> str:
    """The plugin's field of ``Query``: ``road-lamp`` becomes ``roadLamp``."""
    head, *rest = plugin_id.split("-")
    return head + "".join(part.capitalize() for part in rest)


def question_of(schema: GraphQLSchema, namespace: str) -> str:
    """A query of everything in the namespace that can be asked without arguments; empty for
    nothing."""
    query = schema.query_type
    if query is None or namespace not in query.fields:
        return ""
    inner = get_named_type(query.fields[namespace].type)
    if not isinstance(inner, GraphQLObjectType):
        return ""
    parts = [part for name, one in inner.fields.items() if (part := _part(name, one))]
    return f"{{ {namespace} {{ {' '.join(parts)} }} }}" if parts else ""


def _part(name: str, one: GraphQLField) -> str:
    if any(is_required_argument(argument) for argument in one.args.values()):
        return ""
    kind = get_named_type(one.type)
    if is_leaf_type(kind):
        return name
    if not isinstance(kind, GraphQLObjectType):
        return f"{name} {{ __typename }}"
    limit = f"(first: {_ROWS})" if "first" in one.args else ""
    edges = kind.fields.get("edges")
    if edges is None:
        plain = " ".join(_plain(kind))
        return f"{name}{limit} {{ {plain or '__typename'} }}"
    edge = get_named_type(edges.type)
    assert isinstance(edge, GraphQLObjectType)
    node = get_named_type(edge.fields["node"].type)
    plain = " ".join(_plain(node)) if isinstance(node, GraphQLObjectType) else "__typename"
    return f"{name}{limit} {{ edges {{ node {{ {plain} }} }} }}"


def _plain(kind: GraphQLObjectType) -> Iterator[str]:
    assert is_object_type(kind)
    for name, one in kind.fields.items():
        needs = any(is_required_argument(argument) for argument in one.args.values())
        if is_leaf_type(get_named_type(one.type)) and not needs:
            yield name


def _says(view: Any, text: str) -> bool:
    """Whether an answer holds a text as words of their own."""
    told = json.dumps(view, ensure_ascii=False)
    return re.search(rf"(?<!\w){re.escape(text)}(?!\w)", told) is not None


def _codes(answer: Mapping[str, Any]) -> list[Any]:
    return [told.get("extensions", {}).get("code") for told in answer.get("errors", ())]


def _ids(view: Any) -> set[str]:
    """Every value under the name ``id`` in an answer."""
    if isinstance(view, Mapping):
        own = {view[_ID]} if isinstance(view.get(_ID), str) else set()
        return own.union(*(_ids(value) for value in view.values()))
    if isinstance(view, list):
        return set().union(*(_ids(value) for value in view))
    return set()


def _changed(before: Any, after: Any) -> str:
    """Where two answers differ first, by field."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in after:
            if before.get(name) != after[name]:
                return f"{name}.{_changed(before.get(name), after[name])}"
    return f"{before!r} became {after!r}"
