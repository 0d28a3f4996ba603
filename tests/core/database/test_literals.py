"""A literal is the value that it was made of, whatever that says."""

import uuid
from datetime import UTC, datetime, timedelta, timezone

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jingwei_core.database import Database
from jingwei_core.database.literals import (
    bytes_literal,
    instant_literal,
    integer_literal,
    seconds_literal,
    text_literal,
    texts_literal,
    uuid_literal,
)
from jingwei_sdk.errors import Invalid

ODD = [
    "'",
    "''",
    "\\",
    "\\'; SELECT 1; --",
    "$1",
    "$$",
    "E'\\x27'",
    "é\u0301\u200b",
    "街道·网格",
    "\r\n\t",
]
# U+0000 is what a text of PostgreSQL cannot hold, and surrogates are no characters.
TEXTS = st.one_of(
    st.sampled_from(ODD), st.text(st.characters(exclude_characters="\0", codec="utf-8"))
)
INSTANTS = st.datetimes(
    datetime(1900, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
    datetime(9000, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=8)), timezone(timedelta(hours=-3.5))]),
)
ONE = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@ONE
@pytest.mark.parametrize("strings", ["on", "off"])
@given(texts=st.lists(TEXTS, max_size=5), data=st.binary(max_size=50))
async def test_texts_and_bytes_come_back(
    database: Database, strings: str, texts: list[str], data: bytes
) -> None:
    async with database.platform() as unit:
        await unit.execute(f"SET LOCAL standard_conforming_strings = {strings}")
        row = await unit.fetchrow(
            f"SELECT {texts_literal(texts)}, {bytes_literal(data)}, {text_literal(None)}"
        )
        assert row is not None
        assert tuple(row) == (texts, data, None)
        for text in texts:
            assert await unit.fetchval(f"SELECT {text_literal(text)}") == text


@ONE
@given(
    number=st.integers(-(2**63) + 1, 2**63 - 1),
    identifier=st.uuids(),
    instant=INSTANTS,
    seconds=st.floats(0, 10**6),
)
async def test_other_values_come_back(
    database: Database, number: int, identifier: uuid.UUID, instant: datetime, seconds: float
) -> None:
    literals = (
        integer_literal(number),
        uuid_literal(identifier),
        instant_literal(instant),
        seconds_literal(seconds),
        uuid_literal(None),
    )
    async with database.platform() as unit:
        row = await unit.fetchrow(f"SELECT {', '.join(literals)}")
    assert row is not None
    assert tuple(row)[:3] == (number, identifier, instant)
    assert row[3] == timedelta(microseconds=round(seconds * 1_000_000))
    assert row[4] is None


@pytest.mark.parametrize("value", ["'; DROP TABLE core.place; --", object(), None])
def test_what_is_no_value_of_its_type_makes_no_literal(value: object) -> None:
    with pytest.raises((TypeError, ValueError, AttributeError)):
        integer_literal(value)  # type: ignore[arg-type]
    if value is not None:
        with pytest.raises((TypeError, ValueError, AttributeError)):
            uuid_literal(value)  # type: ignore[arg-type]


async def test_what_cannot_be_stored_is_told_as_such(database: Database) -> None:
    with pytest.raises(Invalid, match="VALUE_UNSTORABLE"):
        text_literal("\ud800")
    with pytest.raises(Invalid, match="VALUE_UNSTORABLE"):
        async with database.platform() as unit:
            await unit.fetchval(f"SELECT {text_literal('a' + chr(0))}")


@pytest.mark.commit
async def test_a_unit_that_begins_late_begins_with_its_first_statement_or_its_last(
    database: Database,
) -> None:
    ours = uuid.UUID(int=1)
    async with database.late_unit(ours, "pg_notify('probe', 'x')") as unit:
        assert not unit.has_begun
        assert unit.beforehand("set_config('probe.seen', 'yes', true)")
        assert await unit.fetchval("SELECT current_setting('probe.seen')") == "yes"
        assert unit.has_begun
        assert not unit.beforehand("1")
    async with database.late_unit(ours, "1") as unit:
        unit.at_the_end(
            "INSERT INTO core.place_level (tenant_id, code) VALUES"
            f" ({uuid_literal(ours)}, {text_literal('grid')})"
        )
    async with database.unit(ours) as unit:
        assert await unit.fetchval("SELECT count(*) FROM core.place_level") == 1
    with pytest.raises(asyncpg.DivisionByZeroError):
        async with database.late_unit(ours, "1/0") as unit:
            unit.at_the_end("DELETE FROM core.place_level")
    with pytest.raises(KeyError):
        async with database.late_unit(ours, "1/0"):
            raise KeyError
    async with database.unit(ours) as unit:
        assert await unit.fetchval("SELECT count(*) FROM core.place_level") == 1
