"""Clashes are found from declarations, exactly where making the schema would fail."""

import enum
import itertools
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from piccolo.columns import Interval

from jingwei_api.schema import name_check
from jingwei_api.schema.builder import build_schema
from jingwei_core.contribution import core_contribution
from jingwei_core.places.tables import Place
from jingwei_core.plugins.discovery import discover
from jingwei_core.plugins.registry_checks import Candidate
from jingwei_core.registry import build_registry
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Refused
from jingwei_sdk.manifest import Manifest
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.records import AtPlace, Computed, Extension, Record
from jingwei_sdk.tables import PlacedTable, choice
from tests.api.declarations import other_record
from tests.api.generated import generated

CORE = core_contribution()


class Level(enum.StrEnum):
    """One level."""

    LOW = "low"


class OtherLevel(enum.StrEnum):
    """Another enum of the same name."""

    HIGH = "high"


OtherLevel.__name__ = "Level"


class Detail(msgspec.Struct, frozen=True):
    """A part of an input."""

    text: str


async def _none(ctx: Context, rows: Any) -> list[int]:
    return [0 for _ in rows]


def _plugin(plugin_id: str, **parts: Any) -> Plugin:
    return Plugin(id=plugin_id, package=plugin_id.replace("-", "_"), **parts)


def _with_level(plugin_id: str, name: str, levels: type[enum.StrEnum]) -> Plugin:
    class Told(PlacedTable, tablename="told", schema=plugin_id):
        level = choice(levels)

    record = Record(Told, read="told.read", scope=(AtPlace(),), name=name, filters=("level",))
    return _plugin(plugin_id, tables=(Told,), records=(record,))


def _with_command(plugin_id: str, name: str, given: type[msgspec.Struct]) -> Plugin:
    async def act(ctx: Context, told: Any) -> Any: ...

    act.__annotations__ = {"ctx": Context, "told": given, "return": Detail}
    declared = command(name, permission="told.write", tenant_wide=True)(act)
    return _plugin(plugin_id, commands=(declared,))


def _adding(plugin_id: str, record: str, name: str) -> Plugin:
    added = Computed(int, ("id",), _none, permission="told.read")
    return _plugin(plugin_id, extensions=(Extension(record, computed={name: added}),))


class Unknown(msgspec.Struct, frozen=True):
    """Holds what GraphQL cannot tell."""

    value: complex


# What comes after the core, and which of them cannot be served for which name.
CASES: dict[str, tuple[tuple[Plugin, ...], str, str]] = {
    "a core type": ((_plugin("late", records=(other_record("EventConnection"),)),),
                    "late", "EventConnection"),
    "a shared type": ((_plugin("late", records=(other_record("TextFilter"),)),),
                      "late", "TextFilter"),
    "a core question": ((_plugin("my-queue", records=(other_record("Late"),)),),
                        "my-queue", "Query.myQueue"),
    "a core field": ((_adding("late", "Event", "isFinal"),), "late", "Event.isFinal"),
    "two enums": ((_with_level("a", "Told", Level), _with_level("b", "Heard", OtherLevel)),
                  "b", "Level"),
    "an enum and a record": ((_with_level("a", "Told", Level),
                              _plugin("b", records=(other_record("Level"),))), "b", "Level"),
    "a record and an edge": ((_plugin("a", records=(other_record("Told"),)),
                              _plugin("b", records=(other_record("ToldEdge"),))), "b", "ToldEdge"),
    "two namespaces": ((_plugin("a-b", records=(other_record("Told"),)),
                        _plugin("a.b", records=(other_record("Heard"),))), "a.b", "ABQuery"),
    "one field, two spellings": ((_adding("a", "Event", "risk_level"),
                                  _adding("b", "Event", "riskLevel")), "b", "Event.riskLevel"),
    "a field of another plugin's": ((_plugin("a", records=(other_record("Told"),)),
                                     _adding("b", "Told", "validFrom")), "b", "Told.validFrom"),
    "a type unknown": ((_with_command("a", "a.act", Unknown),), "a", "complex"),
}  # fmt: skip


class Odd(PlacedTable, tablename="odd", schema="odd"):
    """Has a column that GraphQL cannot tell."""

    span = Interval()


async def _complex(ctx: Context, rows: Any) -> list[complex]:
    return [0j for _ in rows]


def _odd(**parts: Any) -> Plugin:
    return _plugin("odd", **parts)


_SPELT = enum.Enum("Spelt", {"not-a-name": "x"})
FAULTS: dict[str, tuple[Plugin, str]] = {
    "a column": (
        _odd(tables=(Odd,), records=(Record(Odd, read="odd.read", scope=(AtPlace(),)),)),
        "COLUMN_TYPE_UNKNOWN",
    ),
    "a computed field": (
        _odd(extensions=(Extension("Event", computed={
            "odd": Computed(complex, ("id",), _complex, permission="odd.read")}),)),
        "COMPUTED_TYPE_UNKNOWN",
    ),
    "an input": (_with_command("odd", "odd.act", Unknown), "INPUT_TYPE_UNKNOWN"),
    "an enum's member": (_with_level("odd", "Told", _SPELT), "SCHEMA_NAME"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_what_graphql_cannot_tell_is_its_plugins_fault(fault: str) -> None:
    plugin, code = FAULTS[fault]
    (found,) = name_check.clashes([Candidate(CORE), Candidate(plugin)])
    assert (found.plugin, found.reason.partition(" ")[0]) == ("odd", code)
    with pytest.raises(Refused) as refusal:
        build_schema(build_registry((CORE, plugin)))
    assert refusal.value.code == code


def _verdict(plugins: tuple[Plugin, ...]) -> list[str]:
    return [each.plugin for each in name_check.clashes([Candidate(p) for p in (CORE, *plugins)])]


def _is_built(plugins: tuple[Plugin, ...]) -> bool:
    try:
        build_schema(build_registry((CORE, *plugins)))
    except Refused:
        return False
    return True


@pytest.mark.parametrize("case", CASES)
def test_the_later_one_is_named_with_what_it_claims(case: str) -> None:
    plugins, culprit, name = CASES[case]
    (found,) = name_check.clashes([Candidate(each) for each in (CORE, *plugins)])
    assert found.plugin == culprit
    assert name in found.reason
    assert not _is_built(plugins)
    rest = tuple(each for each in plugins if each.id != culprit)
    assert _verdict(rest) == []
    assert _is_built(rest)


@pytest.mark.parametrize(
    "plugins",
    [
        (_with_level("a", "Told", Level), _with_level("b", "Heard", Level)),
        (_with_command("a", "a.act", Detail), _with_command("b", "b.act", Detail)),
        (generated(1), generated(2)),
    ],
    ids=["one enum", "one struct", "nothing"],
)
def test_what_two_plugins_share_is_no_clash(plugins: tuple[Plugin, ...]) -> None:
    assert _verdict(plugins) == []
    assert _is_built(plugins)


def test_of_three_that_clash_the_first_stays_and_no_other() -> None:
    three = tuple(_plugin(name, records=(other_record("Told"),)) for name in "abc")
    assert _verdict(three) == ["b", "c"]


def test_every_pair_of_plugins_is_judged_as_the_schema_judges_it() -> None:
    """Plugins of the cases, each beside each: the check and the build always agree."""
    known = {each.id + str(at): each for at, (plugins, *_) in enumerate(CASES.values())
             for each in plugins}  # fmt: skip
    asked = disagreed = 0
    for pair in itertools.combinations(known.values(), 2):
        if pair[0].id == pair[1].id or not _is_registered(pair):
            continue
        asked += 1
        disagreed += bool(_verdict(pair)) == _is_built(pair)
    assert disagreed == 0
    assert asked > 60


def _is_registered(plugins: tuple[Plugin, ...]) -> bool:
    try:
        build_registry((CORE, *plugins))
    except Refused:
        return False
    return True


def test_what_is_installed_does_not_clash() -> None:
    installed = [found for found in discover() if found.plugin is not None]
    asked = [Candidate(found.plugin, found.manifest) for found in installed if found.plugin]
    assert name_check.clashes([Candidate(CORE), *asked]) == []
    assert len(asked) > 0


def test_a_fault_of_the_core_is_not_put_on_a_plugin() -> None:
    broken = replace(CORE, records=(*CORE.records, other_record("TextFilter", Place)))
    with pytest.raises(Refused) as refusal:
        name_check.clashes([Candidate(broken), Candidate(generated(1))])
    assert refusal.value.code == "SCHEMA_CLASH"


def _manifest(sdk: str, prefix: str) -> Manifest:
    texts = dict.fromkeys(("name_zh", "name_en", "description_zh", "description_en"), "")
    return Manifest("made1", "1.0.0", sdk, **texts, licence="Apache-2.0", graphql_prefix=prefix)


@pytest.mark.parametrize(
    ("sdk", "prefix", "reason"),
    [
        (">=0.1,<1", "", ""),
        (">=0.1,<1", "Made1", ""),
        (">=0.1,<2", "", ""),
        (">=1.0,<2", "Made1", ""),
        (">=1.0,<2", "", "SCHEMA_PREFIX_MISSING"),
        (">=1.0,<2", "Mad", "SCHEMA_PREFIX "),
        (">=0.1,<2", "Lamp", "Made1Thing"),
        (">=1.0,<2", "Event", "SCHEMA_PREFIX_TAKEN"),
    ],
)
def test_names_carry_the_prefix_of_the_manifest(sdk: str, prefix: str, reason: str) -> None:
    asked = [Candidate(CORE), Candidate(generated(1), _manifest(sdk, prefix))]
    found = name_check.clashes(asked)
    assert [each.plugin for each in found] == (["made1"] if reason else [])
    assert not reason or reason in found[0].reason


def test_the_prefix_is_looked_for_in_types_enums_structs_and_mutations() -> None:
    # Structs and enums carry it when they are the package's own, and these are of this one.
    plugin = replace(generated(1), package="tests")
    asked = [Candidate(CORE), Candidate(plugin, _manifest(">=1.0,<2", "Lamp"))]
    (found,) = name_check.clashes(asked)
    for name in ("Made1Thing", "Made1Level", "Made1MakeInput", "Made1Detail", "Mutation.made1Make"):
        assert f"'{name}" in found.reason
    assert "Made1Query" not in found.reason


def test_a_field_on_a_type_that_is_not_there_is_refused() -> None:
    with pytest.raises(Refused) as refusal:
        build_registry((CORE, _adding("late", "Nothing", "told")))
    assert refusal.value.code == "EXTENSION_UNKNOWN"
