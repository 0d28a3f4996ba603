"""A literal is the value that it was made of, whatever that says."""

import uuid
from datetime import UTC, datetime, timedelta, timezone

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jingwei_core.database import Database
from jingwei_core.database.expressions import Expression, bound_call
from jingwei_core.database.literals import (
    bytes_literal,
    instant_literal,
    integer_literal,
    interval_literal,
    text_literal,
    texts_literal,
    uuid_literal,
)
from jingwei_core.database.unit import Outdated
from jingwei_sdk.errors import Invalid
from tests.servers.round_trips import round_trips

CITY = uuid.UUID("00000000-0000-7000-8000-00000000000a")

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
        interval_literal(timedelta(seconds=seconds)),
        uuid_literal(None),
    )
    async with database.platform() as unit:
        row = await unit.fetchrow(f"SELECT {', '.join(literals)}")
    assert row is not None
    assert tuple(row)[:3] == (number, identifier, instant)
    assert row[3] == timedelta(seconds=seconds)
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


@ONE
@given(
    texts=st.lists(TEXTS, max_size=5),
    data=st.binary(max_size=50),
    number=st.integers(-(2**63) + 1, 2**63 - 1),
    instant=INSTANTS,
    seconds=st.floats(0, 10**6),
)
async def test_an_expression_says_the_same_with_literals_as_with_parameters(
    database: Database,
    texts: list[str],
    data: bytes,
    number: int,
    instant: datetime,
    seconds: float,
) -> None:
    values = (data, number, timedelta(seconds=seconds), texts, instant)
    many = Expression(
        "({bytea}, {bigint}, extract(epoch FROM {interval}), {text[]}, {timestamptz})::text", values
    )
    one = Expression("concat({text}, '/', {uuid}, {text})", ("".join(texts), CITY, None))
    async with database.platform() as unit:
        said = await unit.fetchrow(f"SELECT {many.literal}, {one.literal}")
        sent = await unit.fetchrow(bound_call([many, one]), str(CITY), *many.values, *one.values)
        assert said is not None
        assert sent is not None
        assert tuple(sent)[1:] == tuple(said)


async def test_an_expression_is_kept_by_its_text_and_binds_its_tenant_first() -> None:
    first = bound_call([Expression("f({uuid}, {text}::date)", (CITY, "a"))])
    assert first is bound_call([Expression("f({uuid}, {text}::date)", (None, "b"))])
    assert first == "SELECT set_config('app.tenant', $1, true), f($2::uuid, $3::text::date)"


@pytest.mark.commit
async def test_a_late_unit_that_reads_nothing_is_a_statement_of_its_own(
    database: Database,
) -> None:
    ours = uuid.UUID(int=2)
    holds = Expression("set_config('probe.seen', {text}, true)", ("先",))
    told = Expression("core.place_must_be({uuid}, {text})", (CITY, "1"))
    with round_trips() as trips:
        async with database.late_unit(ours, [holds]) as unit:
            better = Expression("set_config('probe.seen', {text}, true)", ("后",))
            assert unit.beforehand(better, instead_of=holds)
            unit.call_at_the_end([Expression("current_setting('app.tenant')::uuid")])
        with pytest.raises(Outdated):
            async with database.late_unit(ours, [holds]) as unit:
                unit.call_at_the_end([told])
    sent = await trips.settled()
    assert not any(message.startswith("BEGIN") for message in sent)
    async with database.unit(ours) as unit:
        assert not await unit.fetchval("SELECT current_setting('probe.seen', true)")
    with pytest.raises(Invalid, match="VALUE_UNSTORABLE"):
        async with database.late_unit(ours, [holds]) as unit:
            unit.call_at_the_end([Expression("length({text})", ("\ud800",))])


@pytest.mark.commit
async def test_a_unit_that_begins_late_begins_with_its_first_statement_or_its_last(
    database: Database,
) -> None:
    ours = uuid.UUID(int=1)
    async with database.late_unit(ours, [Expression("pg_notify('probe', 'x')")]) as unit:
        assert not unit.has_begun
        assert unit.beforehand(Expression("set_config('probe.seen', {text}, true)", ("yes",)))
        assert await unit.fetchval("SELECT current_setting('probe.seen')") == "yes"
        assert unit.has_begun
        assert not unit.beforehand(Expression("1"))
    async with database.late_unit(ours, [Expression("1")]) as unit:
        unit.at_the_end(
            "INSERT INTO core.place_level (tenant_id, code) VALUES"
            f" ({uuid_literal(ours)}, {text_literal('grid')})"
        )
    async with database.unit(ours) as unit:
        assert await unit.fetchval("SELECT count(*) FROM core.place_level") == 1
    with pytest.raises(asyncpg.DivisionByZeroError):
        async with database.late_unit(ours, [Expression("1/0")]) as unit:
            unit.at_the_end("DELETE FROM core.place_level")
    with pytest.raises(KeyError):
        async with database.late_unit(ours, [Expression("1/0")]):
            raise KeyError
    async with database.unit(ours) as unit:
        assert await unit.fetchval("SELECT count(*) FROM core.place_level") == 1
