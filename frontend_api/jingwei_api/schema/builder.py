"""Building a schema (模式构建) from the declarations of one enabled set."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import strawberry
from graphql import GraphQLSchema
from strawberry.schema.config import StrawberryConfig

from jingwei_api.schema.aggregates import add_shared
from jingwei_api.schema.connections import add_connection
from jingwei_api.schema.filters import Filters, SortDirection
from jingwei_api.schema.inputs import Structs
from jingwei_api.schema.lean import lean
from jingwei_api.schema.mutations import mutation_fields
from jingwei_api.schema.node import (
    MASKED_FIELDS,
    MASKED_TEXT,
    PAGE_INFO_FIELDS,
    make_node,
)
from jingwei_api.schema.queries import query_fields
from jingwei_api.schema.questions import question_fields
from jingwei_api.schema.records import add_record
from jingwei_api.schema.references import Declarations
from jingwei_api.schema.scalars import Enums, scalar_map
from jingwei_api.schema.subscriptions import subscription_fields
from jingwei_api.schema.types import Argument, Field, TypeSpace

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
    declared = declare(space, Enums(space.claim), registry)
    query = space.object("Query", declared.query, owner="core", description="Reading.")
    mutation = (
        space.object(
            "Mutation", declared.mutation, owner="core", description="Commands, one after another."
        )
        if declared.mutation
        else None
    )
    subscription = (
        space.object(
            "Subscription", declared.subscription, owner="core", description="Changes as they are."
        )
        if declared.subscription
        else None
    )
    return strawberry.Schema(
        query=query,
        mutation=mutation,
        subscription=subscription,
        types=[*declared.records, SortDirection],
        config=StrawberryConfig(auto_camel_case=False, scalar_map=scalar_map()),
    )


def lean_schema(registry: Declarations) -> GraphQLSchema:
    """The same schema as a process keeps it and plans by it; raises what :func:`build_schema`
    raises."""
    return lean(build_schema(registry))


@dataclass(frozen=True, slots=True)
class Declared:
    """What a schema is made of: the fields of its roots, the types of its records, and the structs
    behind its other types."""

    query: Sequence[Field]
    mutation: Sequence[Field]
    subscription: Sequence[Field]
    records: Sequence[type]
    structs: Structs


def declare(space: TypeSpace, enums: Enums, registry: Declarations) -> Declared:
    """Make the types of declarations in a space, all but the roots; raises what
    :func:`build_schema` raises."""
    for name in _RESERVED:
        space.claim(name, "core")
    space.add(make_node(), "core")
    text = "Where a page lies in its list (Relay cursor connections)."
    space.object("PageInfo", PAGE_INFO_FIELDS, owner="core", description=text)
    space.object("Masked", MASKED_FIELDS, owner="core", description=MASKED_TEXT)
    add_shared(space)
    filters, structs = Filters(space, registry, enums), Structs(space, enums)
    arguments: dict[str, tuple[Argument, ...]] = defaultdict(tuple)
    for name, record in registry.records.items():
        arguments[name] = add_connection(space, filters, registry, record)
    records = [
        add_record(space, registry, record, arguments, enums)
        for record in registry.records.values()
    ]
    questions = question_fields(space, registry, structs, arguments)
    fields = query_fields(space, registry, arguments, questions)
    changes = mutation_fields(space, registry, structs)
    return Declared(fields, changes, subscription_fields(space, registry), records, structs)
