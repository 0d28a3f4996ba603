"""The whole schema (模式快照): the core and every available plugin, as frontends see it in git."""

import asyncio

from graphql import build_schema as parse_schema
from graphql import find_breaking_changes, lexicographic_sort_schema, print_schema

from jingwei_api.schema.builder import build_schema
from jingwei_core.contribution import core_contribution
from jingwei_core.plugins.host import discover
from jingwei_core.registry import build_registry


async def full_schema() -> str:
    """The SDL of the core and all plugins installed here, in the order of names.

    Raises ``Refused`` when two of them clash.
    """
    return await asyncio.to_thread(_full_schema)


def _full_schema() -> str:
    plugins = [found.plugin for found in discover() if found.plugin is not None]
    built = build_schema(build_registry([core_contribution(), *plugins]))
    return print_schema(lexicographic_sort_schema(parse_schema(built.as_str()))) + "\n"


def breaking_changes(old: str, new: str) -> list[str]:
    """What a client written against ``old`` could trip over in ``new``."""
    found = find_breaking_changes(parse_schema(old), parse_schema(new))
    return sorted(change.description for change in found)
