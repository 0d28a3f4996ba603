"""Building a schema (模式构建) from one registry, and keeping the few that are in use."""

import asyncio
from collections import OrderedDict

import strawberry
from strawberry.schema.config import StrawberryConfig

from jingwei_api.schema.aggregates import add_shared
from jingwei_api.schema.connections import add_connection
from jingwei_api.schema.core_queries import core_query_fields
from jingwei_api.schema.filters import Filters, SortDirection
from jingwei_api.schema.inputs import Structs
from jingwei_api.schema.mutations import mutation_fields
from jingwei_api.schema.node import (
    MASKED_FIELDS,
    MASKED_TEXT,
    PAGE_INFO_FIELDS,
    make_node,
)
from jingwei_api.schema.queries import query_fields
from jingwei_api.schema.records import add_record
from jingwei_api.schema.references import Declarations
from jingwei_api.schema.scalars import Enums, scalar_map
from jingwei_api.schema.subscriptions import subscription_fields
from jingwei_api.schema.types import TypeSpace

_RESERVED = (
    *("Boolean", "Float", "ID", "Int", "String"),
    *("Date", "DateTime", "JSON", "Long", "UUID", "SortDirection", "GroupOrderField"),
)
"""Type names that exist before any declaration is read."""


def build_schema(registry: Declarations) -> strawberry.Schema:
    """The schema of one enabled set; what is switched off is absent, also from introspection.

    Raises ``Refused``: ``SCHEMA_CLASH`` names both packages that claim a name, ``SCHEMA_NAME``,
    ``COLUMN_TYPE_UNKNOWN``, ``COMPUTED_TYPE_UNKNOWN``, ``INPUT_TYPE_UNKNOWN`` name what cannot be
    told in GraphQL.
    """
    space = TypeSpace()
    for name in _RESERVED:
        space.claim(name, "core")
    enums = Enums(space.claim)
    space.add(make_node(), "core")
    text = "Where a page lies in its list (Relay cursor connections)."
    space.object("PageInfo", PAGE_INFO_FIELDS, owner="core", description=text)
    space.object("Masked", MASKED_FIELDS, owner="core", description=MASKED_TEXT)
    add_shared(space)
    filters, structs = Filters(space, registry, enums), Structs(space, enums)
    arguments = {
        name: add_connection(space, filters, registry, record)
        for name, record in registry.records.items()
    }
    records = [
        add_record(space, registry, record, arguments, enums)
        for record in registry.records.values()
    ]
    fields = query_fields(space, registry, arguments)
    fields += core_query_fields(space, registry, arguments)
    query = space.object("Query", fields, owner="core", description="Reading.")
    changes = mutation_fields(space, registry, structs)
    mutation = (
        space.object("Mutation", changes, owner="core", description="Commands, one after another.")
        if changes
        else None
    )
    subscription = space.object(
        "Subscription", subscription_fields(space), owner="core", description="Changes as they are."
    )
    return strawberry.Schema(
        query=query,
        mutation=mutation,
        subscription=subscription,
        types=[*records, SortDirection],
        config=StrawberryConfig(auto_camel_case=False, scalar_map=scalar_map()),
    )


class SchemaCache:
    """The schemas in use, by enabled set; building happens in a thread, each at most once."""

    def __init__(self, size: int = 32) -> None:
        self._size = size
        self._building: OrderedDict[str, asyncio.Future[strawberry.Schema]] = OrderedDict()

    def built(self, registry: Declarations) -> strawberry.Schema | None:
        """The schema of a registry, if it is there."""
        found = self._building.get(registry.fingerprint)
        if found is None or not found.done() or found.cancelled() or found.exception():
            return None
        self._building.move_to_end(registry.fingerprint)
        return found.result()

    async def schema(self, registry: Declarations) -> strawberry.Schema:
        """The schema of a registry; raises what :func:`build_schema` raises."""
        known = self.built(registry)
        if known is not None:
            return known
        key = registry.fingerprint
        found = self._building.get(key)
        if found is None:
            found = asyncio.ensure_future(asyncio.to_thread(build_schema, registry))
            self._building[key] = found
            while len(self._building) > self._size:
                self._building.popitem(last=False)
        try:
            # One caller that goes away must not take the schema from the others.
            return await asyncio.shield(found)
        except Exception:
            if found.done():
                self._building.pop(key, None)
            raise
