"""What PostgreSQL cannot hold is the caller's mistake, wherever it comes in, and none of ours."""

import pytest

from jingwei_core.reading import selection
from jingwei_core.reading.selection import Count, Page, Value, Wanted
from jingwei_core.session import Request, account_context
from jingwei_sdk.errors import Invalid
from tests.core.reading.desk import answer
from tests.core.runtime.city import City

Compared = selection.Test


@pytest.mark.parametrize("key", [None, "one"])
@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b"])
async def test_a_text_that_cannot_be_stored_is_refused(
    city: City, text: str, key: str | None
) -> None:
    count = "SELECT count(*) FROM core.organisation"
    before = await city.scalar(count)

    given = {"place_id": city.places["grid"], "name": text}
    with pytest.raises(Invalid) as refused:
        await city.run("worker", "organisation.register", given, key=key)

    assert refused.value.code == "VALUE_UNSTORABLE"
    assert text not in str(refused.value)
    assert await city.scalar(count) == before


def constant(value: object) -> Value:
    return Value(lambda asked: value)


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(search=constant("a\x00b")),
        Wanted(search=constant("\ud800")),
        Wanted((Compared("kind", "eq", constant("a\x00b")),)),
        Wanted((Compared("version", "eq", constant(2**31)),)),
    ],
    ids=["search", "surrogate", "filter", "number"],
)
async def test_what_cannot_be_stored_cannot_be_asked_for(city: City, wanted: Wanted) -> None:
    registry = await city.platform.registry(city.tenant.id)
    page = Page("it", registry.record("Organisation"), wanted, (Count("n"),))
    with pytest.raises(Invalid) as refused:
        async with account_context(
            city.platform, city.tenant, city.identity("root"), Request()
        ) as ctx:
            await answer(ctx, page)

    assert refused.value.code == "VALUE_UNSTORABLE"
