"""The schema that a process keeps says what Strawberry's says, and holds nothing of it."""

import gc
from functools import cache

from graphql import (
    EnumValueNode,
    GraphQLEnumType,
    print_schema,
    validate_schema,
)
from strawberry.types.base import StrawberryObjectDefinition

from jingwei_api.schema import types
from jingwei_api.schema.builder import build_schema, lean_schema
from jingwei_api.schema.lean import LeanField
from jingwei_core.contribution import core_contribution
from jingwei_core.plugins.discovery import discover
from jingwei_core.registry import Registry, build_registry


@cache
def _everything() -> Registry:
    plugins = [found.plugin for found in discover() if found.plugin is not None]
    return build_registry((core_contribution(), *plugins))


def _made_of() -> int:
    """How many definitions of types are in memory that were made of declarations."""
    gc.collect()
    found = [one for one in gc.get_objects() if isinstance(one, StrawberryObjectDefinition)]
    return sum(one.origin.__module__ == types.__name__ for one in found)


def test_it_prints_the_same_and_is_valid() -> None:
    made, kept = build_schema(_everything())._schema, lean_schema(_everything())
    assert print_schema(kept) == print_schema(made)
    assert list(kept.type_map) == list(made.type_map)
    kept.assume_valid, kept._validation_errors = False, None
    assert validate_schema(kept) == []


def test_nothing_of_what_it_was_made_from_stays() -> None:
    made = build_schema(_everything())
    held = _made_of()
    del made
    before = _made_of()
    assert held - before > 200
    kept = lean_schema(_everything())
    fields = [field for kind in kept.type_map.values() for field in getattr(kind, "fields", {})]
    assert len(fields) > 1000
    assert _made_of() <= before


def test_an_enum_reads_members_as_strawberry_does() -> None:
    made, kept = build_schema(_everything())._schema, lean_schema(_everything())
    read = 0
    for name, kind in made.type_map.items():
        same = kept.type_map[name]
        if isinstance(kind, GraphQLEnumType) and not name.startswith("__"):
            assert isinstance(same, GraphQLEnumType)
            for member in kind.values:
                value = same.coerce_input_value(member)
                assert repr(value) == repr(kind.coerce_input_value(member))
                assert same.coerce_input_literal(EnumValueNode(value=member)) is value
                read += 1
    assert read > 100


def test_parts_that_are_alike_are_one() -> None:
    kept = lean_schema(_everything())
    lists = [
        field
        for field in kept.type_map["Query"].fields.values()  # type: ignore[attr-defined]
        if isinstance(field, LeanField) and "after" in field.args
    ]
    assert len(lists) > 10
    assert len({id(field.args["after"]) for field in lists}) == 1
