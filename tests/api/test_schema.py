"""What is generated from declarations, and what is refused; no database."""

import asyncio
import threading
from pathlib import Path

import pytest
import strawberry
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    print_type,
)
from graphql import build_schema as parse_schema
from typer.testing import CliRunner

from jingwei_api.cli import schema_app
from jingwei_api.schema import builder
from jingwei_api.schema.builder import build_schema
from jingwei_api.schema.inputs import struct_value
from jingwei_api.schema.kept import SchemaCache
from jingwei_api.schema.queries import without_prefix
from jingwei_api.schema.snapshot import breaking_changes, full_schema
from jingwei_core.places.tables import Place
from jingwei_core.registry import Registry
from jingwei_sdk.errors import Invalid, Refused
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.records import Computed, Extension
from tests.api import declarations
from tests.api.declarations import SAFETY, Report, other_record, registry

PAGING = {"first": "Int", "after": "String", "last": "Int", "before": "String"}
SCHEMA_FILE = Path(__file__).resolve().parents[2] / "frontend_api" / "schema.graphql"


def _printed(schema: strawberry.Schema, name: str) -> str:
    return print_type(schema._schema.type_map[name])


def _fields(schema: strawberry.Schema, name: str) -> set[str]:
    kind = schema._schema.type_map[name]
    assert isinstance(kind, (GraphQLObjectType, GraphQLInputObjectType))
    return set(kind.fields)


def test_a_record_shows_its_columns_and_hides_what_it_hides() -> None:
    schema = build_schema(registry())
    account = _fields(schema, "Account")
    assert account == {
        *("id", "createdAt", "updatedAt", "version", "login", "name", "status", "phone"),
        "email",
    }
    event = _fields(schema, "Event")
    assert {"place", "kind", "reporter", "steps", "lonE7", "subjectId"} <= event
    assert not {"tenantId", "placePath", "placeId", "latE7", "workflow", "safetyHazards"} & event
    printed = _printed(schema, "Event")
    assert "lonE7: Long\n" in printed
    assert "form: JSON!\n" in printed
    assert "stateDueAt: DateTime\n" in printed
    assert "kind: EventKind\n" in printed
    assert "type Event implements Node" in printed
    # A guarded column is nullable although its column is not.
    assert "login: String\n" in _printed(schema, "Account")
    # A masked value is no text: nothing that takes a text takes it.
    assert "phone: Masked\n" in _printed(schema, "Account")
    assert _fields(schema, "Masked") == {"shown", "isMasked"}


def test_a_filter_has_the_operators_of_its_type() -> None:
    schema = build_schema(registry(SAFETY))
    assert _fields(schema, "EventFilter") == {
        *("id", "state", "kind", "place", "isFinal", "stateDueAt", "closedAt", "lonE7"),
    }
    assert _fields(schema, "TextFilter") == {"eq", "in", "startsWith", "isNull"}
    assert _fields(schema, "LongFilter") == {"eq", "in", "gte", "gt", "lte", "lt", "isNull"}
    assert _fields(schema, "BooleanFilter") == {"eq", "isNull"}
    assert _fields(schema, "HazardLevelFilter") == {"eq", "in", "isNull"}
    level = schema._schema.type_map["HazardLevel"]
    assert isinstance(level, GraphQLEnumType)
    assert {name: value.value for name, value in level.values.items()} == {
        "GENERAL": declarations.HazardLevel.GENERAL,
        "MAJOR": declarations.HazardLevel.MAJOR,
    }


def test_a_command_gives_a_mutation_with_input_and_payload() -> None:
    printed = _printed(build_schema(registry()), "Mutation")
    assert "eventReport(\n    input: EventReportInput!\n" in printed
    assert "idempotencyKey: String!\n  ): EventReportPayload" in printed
    filed = printed[printed.index("eventFile") : printed.index("eventReport")]
    assert "id: ID!" in filed
    assert "expectedVersion: Int\n" in filed
    assert "input" not in filed
    schema = build_schema(registry())
    assert " ".join(_printed(schema, "EventReportInput").split("{")[1].split()) == (
        "placeId: ID! title: String! photos: [PhotoInput!] foundAt: DateTime form: JSON }"
    )
    assert "result: Ticket!" in _printed(schema, "EventTicketPayload")


def test_what_is_switched_off_is_absent() -> None:
    off, on = build_schema(registry()), build_schema(registry(SAFETY))
    added = set(on._schema.type_map) - set(off._schema.type_map)
    assert added == {
        *("SafetyHazard", "SafetyHazardConnection", "SafetyHazardEdge", "SafetyHazardFilter"),
        *("SafetyHazardOrder", "SafetyHazardOrderField", "SafetyProductionQuery"),
        *("HazardLevel", "HazardLevelFilter"),
    }
    assert "azard" not in off.as_str()
    assert _fields(on, "SafetyProductionQuery") == {"hazard", "hazards"}


@pytest.mark.parametrize(
    ("name", "owner", "short"),
    [
        ("safetyHazards", "safety-production", "hazards"),
        ("safetyProductionEnterprises", "safety-production", "enterprises"),
        ("enterprises", "safety-production", "enterprises"),
        ("safety", "safety-production", "safety"),
    ],
)
def test_a_namespace_spares_the_prefix(name: str, owner: str, short: str) -> None:
    assert without_prefix(name, owner) == short


def _plugin(plugin_id: str, **parts: object) -> Plugin:
    return Plugin(id=plugin_id, package=plugin_id, **parts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("plugin", "name"),
    [
        (_plugin("late", records=(other_record("EventConnection"),)), "EventConnection"),
        (_plugin("late", records=(other_record("TextFilter"),)), "TextFilter"),
        (_plugin("nodes", records=(other_record("Late"),)), "Query.nodes"),
    ],
)
def test_a_name_claimed_twice_is_refused_with_both_owners(plugin: Plugin, name: str) -> None:
    with pytest.raises(Refused) as refusal:
        build_schema(registry(plugin))
    assert refusal.value.code == "SCHEMA_CLASH"
    assert refusal.value.params["name"] == name
    assert refusal.value.params["owners"] == sorted(("core", plugin.id))


def test_fields_that_only_differ_in_spelling_clash() -> None:
    async def none(ctx: object, rows: object) -> list[str]:
        return []

    late = _plugin(
        "late",
        extensions=(Extension("Event", computed={"isFinal": Computed(str, ("id",), none)}),),
    )
    with pytest.raises(Refused) as refusal:
        build_schema(registry(late))
    assert refusal.value.params["name"] == "Event.isFinal"
    assert refusal.value.params["owners"] == ["core", "late"]


def test_a_second_record_of_a_table_does_not_take_over_its_references() -> None:
    schema = build_schema(registry(_plugin("late", records=(other_record("Late", Place),))))
    assert "place: Place\n" in _printed(schema, "Event")


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"place_id": "x", "title": "t"}, "ID_INVALID", "input.placeId"),
        ({"place_id": "RXZlbnQ6MDE4MjMxMjMtMTIzNC03MDAwLTgwMDAtMDAwMDAwMDAwMDAw", "title": "t"},
         "ID_OF_OTHER_TYPE", "input.placeId"),
        ({"place_id": "UGxhY2U6MDE4MjMxMjMtMTIzNC03MDAwLTgwMDAtMDAwMDAwMDAwMDAw",
          "title": "t" * 41}, "INPUT_INVALID", "input.title"),
    ],
)  # fmt: skip
def test_an_input_says_which_field_is_wrong(given: dict[str, str], code: str, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        struct_value(Report, given)
    assert (refusal.value.code, refusal.value.field) == (code, field)


async def test_a_schema_is_built_once_off_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    built_in: list[int] = []
    real = builder.build_schema

    def noted(*args: object) -> strawberry.Schema:
        built_in.append(threading.get_ident())
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(builder, "build_schema", noted)
    cache = SchemaCache(size=1)
    one, other = registry(), registry(SAFETY)
    schemas = await asyncio.gather(*(cache.schema(one) for _ in range(5)))
    assert len(set(map(id, schemas))) == 1
    assert len(built_in) == 1
    assert built_in[0] != threading.get_ident()
    await cache.schema(other)
    await cache.schema(one)
    assert len(built_in) == 3  # the cache holds one


async def test_a_refused_schema_is_not_kept() -> None:
    cache = SchemaCache()
    clash = registry(_plugin("late", records=(other_record("TextFilter"),)))
    for _ in range(2):
        with pytest.raises(Refused):
            await cache.schema(clash)


@pytest.mark.parametrize("fault", [TypeError("a plugin's own"), Refused("SCHEMA_NAME")])
async def test_a_faulty_plugin_takes_the_schema_from_no_set_without_it(fault: Exception) -> None:
    """Whatever its declarations raise while the schema of all plugins is made."""

    def everything() -> Registry:
        raise fault

    cache = SchemaCache(whole=everything)
    for chosen in (registry(), registry(SAFETY)):
        assert "Event" in (await cache.schema(chosen)).type_map


async def test_the_committed_schema_is_the_one_the_code_makes() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == await full_schema()


async def test_the_whole_schema_keeps_the_relay_rules() -> None:
    """Relay's Object Identification and Cursor Connections specifications, type by type."""
    types = parse_schema(await full_schema()).type_map
    node, query = types["Node"], types["Query"]
    assert isinstance(node, GraphQLInterfaceType)
    assert isinstance(query, GraphQLObjectType)
    assert {name: str(field.type) for name, field in node.fields.items()} == {"id": "ID!"}
    assert str(query.fields["node"].type) == "Node"
    assert {n: str(a.type) for n, a in query.fields["node"].args.items()} == {"id": "ID!"}
    assert str(query.fields["nodes"].args["ids"].type) == "[ID!]!"
    page_info = types["PageInfo"]
    assert isinstance(page_info, GraphQLObjectType)
    assert {name: str(field.type) for name, field in page_info.fields.items()} == {
        "hasNextPage": "Boolean!",
        "hasPreviousPage": "Boolean!",
        "startCursor": "String",
        "endCursor": "String",
    }
    objects = [kind for kind in types.values() if isinstance(kind, GraphQLObjectType)]
    connections = [kind for kind in objects if kind.name.endswith("Connection")]
    assert len(connections) > 10
    for kind in connections:
        stem = kind.name.removesuffix("Connection")
        assert str(kind.fields["edges"].type) == f"[{stem}Edge!]!"
        assert str(kind.fields["pageInfo"].type) == "PageInfo!"
        edge = types[f"{stem}Edge"]
        assert isinstance(edge, GraphQLObjectType)
        assert str(edge.fields["cursor"].type) == "String!"
        assert str(edge.fields["node"].type) == f"{stem}!"
        assert node in types[stem].interfaces  # type: ignore[attr-defined]
    for kind in objects:
        for field in kind.fields.values():
            if str(field.type).removesuffix("!").endswith("Connection"):
                paging = {n: str(a.type) for n, a in field.args.items() if n in PAGING}
                assert paging == PAGING


def test_breaking_changes_are_named() -> None:
    old = "type Query { a: Int b: String }"
    assert breaking_changes(old, "type Query { a: Int! b: String c: Int }") == []
    assert breaking_changes(old, "type Query { b: Int c: Int }") == [
        "Field Query.a was removed.",
        "Field Query.b changed type from String to Int.",
    ]


def test_a_missing_schema_file_is_told_as_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    told = CliRunner().invoke(schema_app, ["--check"])

    assert told.exit_code == 1
    assert f"frontend_api/schema.graphql is not in {tmp_path}" in told.stderr
    assert list(tmp_path.iterdir()) == []
