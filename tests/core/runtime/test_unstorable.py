"""What PostgreSQL cannot hold is the caller's mistake, wherever it comes in, and none of ours."""

import pytest

from jingwei_core.reading.request import Condition, Query
from jingwei_core.session import Request, account_context
from jingwei_sdk.errors import Invalid
from tests.core.runtime.city import City


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b"])
async def test_a_text_that_cannot_be_stored_is_refused(city: City, text: str) -> None:
    count = "SELECT count(*) FROM core.organisation"
    before = await city.scalar(count)

    with pytest.raises(Invalid) as refused:
        await city.run(
            "worker", "organisation.register", {"place_id": city.places["grid"], "name": text}
        )

    assert refused.value.code == "VALUE_UNSTORABLE"
    assert text not in str(refused.value)
    assert await city.scalar(count) == before


@pytest.mark.parametrize(
    "query",
    [
        Query(search="a\x00b"),
        Query(search="\ud800"),
        Query(where=(Condition("kind", "eq", "a\x00b"),)),
        Query(where=(Condition("version", "eq", 2**31),)),
    ],
    ids=["search", "surrogate", "filter", "number"],
)
async def test_what_cannot_be_stored_cannot_be_asked_for(city: City, query: Query) -> None:
    registry = await city.platform.registry(city.tenant.id)
    record, reader = registry.record("Organisation"), city.platform.reader(registry)
    with pytest.raises(Invalid) as refused:
        async with account_context(
            city.platform, city.tenant, city.identity("root"), Request()
        ) as ctx:
            await reader.page(ctx, record, query)

    assert refused.value.code == "VALUE_UNSTORABLE"
