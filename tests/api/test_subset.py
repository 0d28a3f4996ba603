"""A schema taken out of the whole is the one that its own declarations make."""

import itertools
from dataclasses import replace
from functools import cache

import pytest
from graphql import GraphQLSchema, print_schema, validate_schema

from jingwei_api.schema.builder import build_schema, lean_schema
from jingwei_api.schema.subset import FullSchema
from jingwei_core.contribution import core_contribution
from jingwei_core.plugins.discovery import discover
from jingwei_core.registry import Registry, build_registry
from jingwei_sdk.plugin import Plugin
from tests.api.generated import generated

CORE = core_contribution()
# Each but the last refers to the next one's things, which another set does without.
FIVE = [
    generated(0, beside=1),
    generated(1, beside=2, extends="Organisation"),
    generated(2, beside=3, extends="Place"),
    generated(3, beside=4, extends="Account"),
    generated(4),
]
SETS = [chosen for size in range(6) for chosen in itertools.combinations(range(5), size)]


def _registry(*plugins: Plugin) -> Registry:
    return build_registry((CORE, *plugins))


@cache
def _whole() -> FullSchema:
    registry = _registry(*FIVE)
    return FullSchema(registry, lean_schema(registry))


@pytest.mark.parametrize("chosen", SETS, ids=lambda chosen: "".join(map(str, chosen)) or "none")
def test_every_subset_of_five_plugins_is_as_if_it_were_made_alone(chosen: tuple[int, ...]) -> None:
    registry = _registry(*(FIVE[number] for number in chosen))
    taken = _whole().of(registry)
    assert taken is not None
    assert print_schema(taken) == print_schema(build_schema(registry)._schema)


def test_a_subset_holds_nothing_of_the_others() -> None:
    taken = _whole().of(_registry(FIVE[1]))
    assert taken is not None
    assert "Made1Thing" in taken.type_map
    assert "other" not in print_schema(taken).split("type Made1Part implements")[1].split("}")[0]
    others = {name for name in taken.type_map if name.startswith("Made")}
    assert {name[:5] for name in others} == {"Made1"}
    assert [one.name for one in taken.get_possible_types(taken.type_map["Node"])] == [  # type: ignore[arg-type]
        one.name
        for one in build_schema(_registry(FIVE[1]))._schema.get_possible_types(_node())  # type: ignore[arg-type]
    ]


def _node() -> object:
    return _whole().schema.type_map["Node"]


def test_what_was_taken_is_a_valid_schema_and_leaves_the_whole_alone() -> None:
    before = print_schema(_whole().schema)
    taken = _whole().of(_registry(FIVE[0], FIVE[3]))
    assert taken is not None
    unchecked = GraphQLSchema(**{**taken.to_kwargs(), "assume_valid": False})
    assert validate_schema(unchecked) == []
    assert print_schema(_whole().schema) == before


def test_the_installed_plugins_too() -> None:
    plugins = [found.plugin for found in discover() if found.plugin is not None]
    registry = _registry(*plugins)
    whole = FullSchema(registry, lean_schema(registry))
    for size in range(len(plugins) + 1):
        for chosen in itertools.combinations(plugins, size):
            some = _registry(*chosen)
            taken = whole.of(some)
            assert taken is not None
            assert print_schema(taken) == print_schema(build_schema(some)._schema)


def test_other_declarations_are_no_subset() -> None:
    registry = _registry(FIVE[0])
    record = registry.records["Made0Thing"]
    altered = replace(registry, records={**registry.records, "Made0Thing": replace(record)})
    assert _whole().of(altered) is None
    assert _whole().of(_registry(generated(7))) is None
