"""Columns as JSON: each type as GraphQL writes it, odd characters and odd numbers included."""

import enum
import json
import math
import uuid
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from piccolo.columns import (
    JSON,
    JSONB,
    UUID,
    Array,
    BigInt,
    Boolean,
    Date,
    DoublePrecision,
    Integer,
    Real,
    SmallInt,
    Text,
    Timestamptz,
    Varchar,
)

from jingwei_core.database.engine import Database
from jingwei_core.reading.columns import json_of, kind_of, stored_json
from jingwei_core.reading.compiled import reader_of
from jingwei_core.reading.json_text import an_object, constant, sql_of
from jingwei_core.reading.keyset import instant_text
from jingwei_sdk.records import Record, TenantWide
from jingwei_sdk.tables import TenantTable


class Colour(enum.StrEnum):
    """Values that are no names."""

    RED = "red"
    DEEP_BLUE = "deep-blue's"


class Shown(TenantTable, tablename="shown_proof", schema="core"):
    """A column of each type, once with null and once without."""

    text = Text(default="", null=False)
    short = Varchar(default=None, null=True)
    at = Timestamptz(default=None, null=True)
    day = Date(default=None, null=True)
    large = BigInt(default=0, null=False)
    number = Integer(default=None, null=True)
    small = SmallInt(default=None, null=True)
    flag = Boolean(default=False, null=False)
    maybe = Boolean(default=None, null=True)
    ratio = DoublePrecision(default=None, null=True)
    real = Real(default=0, null=False)
    reference = UUID(default=None, null=True)
    colour = Text(default=None, null=False, choices=Colour)
    words = Array(base_column=Text(), default=list, null=False)
    colours = Array(base_column=Text(choices=Colour), default=None, null=True, choices=Colour)
    document = JSONB(default=None, null=True)
    plain = JSON(default="{}", null=False)


SHOWN = Record(Shown, read="proof.read", scope=(TenantWide(),))
TYPES = {
    "id": "uuid",
    "text": "text",
    "short": "varchar",
    "at": "timestamptz",
    "day": "date",
    "large": "bigint",
    "number": "integer",
    "small": "smallint",
    "flag": "boolean",
    "maybe": "boolean",
    "ratio": "float8",
    "real": "float4",
    "reference": "uuid",
    "colour": "text",
    "words": "text[]",
    "colours": "text[]",
    "document": "jsonb",
    "plain": "json",
}
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
ODD = ['"', "\\", "\x01\x1f\x7f", "\u2028\u2029", "\U0001f409", "'", "${a}", "{,}", "NULL", ""]
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
INSTANTS = st.datetimes(
    datetime.fromisoformat("0001-01-02"),
    datetime.fromisoformat("9999-12-30"),
    timezones=st.just(UTC),
)
ROWS = st.fixed_dictionaries(
    {
        "id": st.uuids(),
        "text": WORDS | st.sampled_from(ODD),
        "short": st.none() | WORDS,
        "at": st.none() | INSTANTS,
        "day": st.none() | st.dates(),
        "large": st.integers(-(2**53), 2**53),
        "number": st.none() | st.integers(-(2**31), 2**31 - 1),
        "small": st.none() | st.integers(-(2**15), 2**15 - 1),
        "flag": st.booleans(),
        "maybe": st.none() | st.booleans(),
        "ratio": st.none() | st.floats(),
        "real": st.floats(width=32),
        "reference": st.none() | st.uuids(),
        "colour": st.sampled_from(Colour).map(str),
        "words": st.lists(WORDS | st.sampled_from(ODD), max_size=4),
        "colours": st.none() | st.lists(st.sampled_from(Colour).map(str), max_size=3),
        "document": st.none() | DOCUMENTS,
        "plain": DOCUMENTS,
    }
)


def shown(name: str, value: Any) -> Any:
    """What GraphQL makes of a value that the driver answered."""
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, (date, uuid.UUID)):
        return str(value)
    if name in ("ratio", "real"):
        return value if value is not None and math.isfinite(value) else None
    if name == "colour":
        return Colour(value).name
    if name == "colours" and value is not None:
        return [Colour(one).name for one in value]
    return value


async def answered(database: Database, row: dict[str, Any], writer: Any) -> Any:
    sql = sql_of(
        an_object(
            (name, writer(SHOWN, name, f"${at}::{kind}"))
            for at, (name, kind) in enumerate(TYPES.items(), 1)
        )
    )
    given = [
        json.dumps(row[name], ensure_ascii=False)
        if name in ("document", "plain") and (name == "plain" or row[name] is not None)
        else row[name]
        for name in TYPES
    ]
    async with database.platform() as unit:
        return json.loads(await unit.fetchval(f"SELECT {sql}", *given))


def storable(value: Any) -> bool:
    """PostgreSQL's jsonb holds no NUL."""
    return "\\u0000" not in json.dumps(value)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(row=ROWS.filter(lambda row: storable([row["document"], row["plain"]])))
async def test_each_type_as_graphql_writes_it(database: Database, row: dict[str, Any]) -> None:
    found = await answered(database, row, json_of)
    assert list(found) == list(TYPES)
    assert found == {name: shown(name, row[name]) for name in TYPES}


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(row=ROWS.filter(lambda row: storable([row["document"], row["plain"]])))
async def test_each_type_comes_back_as_the_driver_answers_it(
    database: Database, row: dict[str, Any]
) -> None:
    brought = await answered(database, row, stored_json)
    found = {
        name: None if value is None else reader_of(kind_of(SHOWN, name))(value)
        for name, value in brought.items()
    }
    for name in ("ratio", "real"):
        row = {**row, name: shown(name, row[name])}
    assert found == row


@pytest.mark.parametrize("count", [0, 1, 89, 90, 91, 250, 5000])
async def test_an_object_has_any_number_of_members(database: Database, count: int) -> None:
    members = {f"k'{at}\"": at for at in range(count)}
    sql = sql_of(an_object((key, constant(value)) for key, value in members.items()))
    many = sql_of(an_object((key, json_of(SHOWN, "text", "'x'::text")) for key in members))
    async with database.platform() as unit:
        assert json.loads(await unit.fetchval(f"SELECT {sql}")) == members
        told = json.loads(await unit.fetchval(f"SELECT {many}"))
    assert told == dict.fromkeys(members, "x")
