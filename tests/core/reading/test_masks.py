"""Masks in SQL show what Python's show."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jingwei_core.database.engine import Database
from jingwei_core.reading.masks import masked_sql
from jingwei_sdk.personal import Mask, mask_value

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=24)
PICKED = ["", "龙", "张三丰", "\U0001f409", "\U0001f409龙", "e\u0301a", "13812345678", "1" * 15]


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(texts=st.lists(TEXTS, min_size=1, max_size=20))
async def test_every_mask_is_the_same(database: Database, texts: list[str]) -> None:
    await check(database, texts)


async def test_short_chinese_and_astral_values(database: Database) -> None:
    await check(database, [*PICKED, *("9" * length for length in range(25))])


async def check(database: Database, texts: list[str]) -> None:
    async with database.platform() as unit:
        for mask in Mask:
            rows = await unit.fetch(
                f"SELECT {masked_sql(mask, 'v.value')} AS shown"
                " FROM unnest($1::text[]) WITH ORDINALITY AS v(value, at) ORDER BY v.at",
                texts,
            )
            assert [row["shown"] for row in rows] == [mask_value(mask, t).shown for t in texts]


@pytest.mark.parametrize("mask", list(Mask))
async def test_nothing_stays_nothing(database: Database, mask: Mask) -> None:
    async with database.platform() as unit:
        assert await unit.fetchval(f"SELECT {masked_sql(mask, 'NULL::text')}") is None
