"""Reach (可达范围): the ways by which rows may come into somebody's sight, whoever it is."""

import json
import uuid
from collections.abc import Sequence

from jingwei_core.commands.data import qualified
from jingwei_core.database.engine import Database
from jingwei_core.database.reading import bound_trip
from jingwei_core.registry import Registry
from jingwei_sdk.records import Among, Record, TenantWide, Through

EVERYONE = "*"
"""The way of a row that whoever holds its record's permission may see."""


async def reach_of(
    database: Database, registry: Registry, record: Record, rows: tuple[uuid.UUID, list[uuid.UUID]]
) -> dict[uuid.UUID, frozenset[str]]:
    """The ways that lead to each row of a tenant: place paths, ids of accounts and departments, or
    :data:`EVERYONE`; a row that is gone is missing. ``rows`` are the tenant and the rows' ids."""
    tenant, ids = rows
    ways = _ways(registry, record, "t", 0)
    sql = bound_trip(
        f"(SELECT json_object_agg(t.id, to_json({ways})) FROM {qualified(record.table)} t"
        " WHERE t.id = ANY($2::uuid[]))"
    )
    answer = await database.ask(tenant, sql, (ids,))
    told = json.loads(answer) if answer else None
    return {uuid.UUID(row): frozenset(filter(None, way)) for row, way in (told or {}).items()}


def _ways(registry: Registry, record: Record, alias: str, depth: int) -> str:
    """The SQL of the ways to a row of ``alias``, as an array of texts."""
    own: Sequence[str] = [
        "'*'" if isinstance(scope, TenantWide) else f'{alias}."{scope.column}"::text'
        for scope in record.scope
        if not isinstance(scope, Through | Among)
    ]
    parts = [f"ARRAY[{', '.join(own)}]::text[]"]
    named = [scope for scope in record.scope if isinstance(scope, Among)]
    parts += [f'{alias}."{scope.column}"::text[]' for scope in named]
    for scope in record.scope:
        if isinstance(scope, Through):
            target, name = registry.record(scope.record), f"r{depth}"
            inner = _ways(registry, target, name, depth + 1)
            parts.append(
                f"coalesce((SELECT {inner} FROM {qualified(target.table)} {name}"
                f" WHERE {name}.id = {alias}.\"{scope.column}\"), '{{}}')"
            )
    return " || ".join(parts)
