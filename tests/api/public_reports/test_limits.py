"""How often the public may ask: counted in the database, so in every process."""

import re

import pytest

from jingwei_core.platform import Platform
from jingwei_core.public_reports.following import follow
from jingwei_core.public_reports.visitors import counter_for
from jingwei_core.session import Request
from jingwei_sdk.errors import NotFound
from tests.api.public_reports.world import RULES, Resident, error_of, rule, written

TOO_OFTEN = (429, "PUBLIC_TOO_OFTEN", None)


async def test_reports_are_counted_by_the_prefix_of_an_address(resident: Resident) -> None:
    city = resident.city
    await rule(city, **{**RULES, "limits": {**RULES["limits"], "reports_per_hour": 2}})
    near = Resident(resident.http, city, resident.clock, address="198.51.100.9")
    resident.address = "198.51.100.1"
    assert (await resident.report()).status_code == 201
    assert (await near.report()).status_code == 201
    before = await written(city)
    refused = await near.report()
    assert error_of(refused) == TOO_OFTEN
    assert 0 < int(refused.headers["retry-after"]) <= 3600
    assert await written(city) == before
    resident.address = "198.51.101.1"
    assert (await resident.report()).status_code == 201
    near.clock.forward(hours=1)
    assert (await near.report()).status_code == 201
    stored = await city.fetch("SELECT bucket FROM core.public_call")
    assert all(re.fullmatch(r"[0-9a-f]{32}", row["bucket"]) for row in stored)


async def test_a_form_is_not_read_for_ever_to_no_end(resident: Resident) -> None:
    city, resident.address = resident.city, "2001:db8:1:2ff::1"
    await rule(city, **{**RULES, "limits": {**RULES["limits"], "reports_per_hour": 1}})
    for _ in range(5):
        assert error_of(await resident.report(text="坑"))[1] == "PUBLIC_TEXT_TOO_SHORT"
    before = await written(city)
    # The same household of IPv6, and another one.
    resident.address = "2001:db8:1:2aa::2"
    assert error_of(await resident.report()) == TOO_OFTEN
    page = await resident.post("/new", text="路面有坑")
    assert (page.status_code, "请求过于频繁" in page.text) == (429, True)
    assert await written(city) == before
    resident.address = "2001:db8:1:300::1"
    assert (await resident.report()).status_code == 201


async def test_codes_are_not_guessed_and_a_code_is_not_asked_without_end(
    resident: Resident,
) -> None:
    city, code = resident.city, await resident.reported()
    await rule(city, **{**RULES, "limits": {"looks_per_minute": 3}})
    resident.address = "198.51.100.9"
    for _ in range(3):
        assert error_of(await resident.call("follow", code="guess"))[1] == "PUBLIC_CODE_UNKNOWN"
    before = await written(city)
    for path, more in (("follow", {}), ("forget", {}), ("rate", {"stars": 1})):
        assert error_of(await resident.call(path, code=code, **more)) == TOO_OFTEN
    assert await written(city) == before
    resident.clock.forward(minutes=1)
    assert (await resident.call("follow", code=code)).status_code == 200
    await rule(city, **{**RULES, "limits": {"uses_per_hour": 2}})
    told = []
    for number in range(3):
        resident.address = f"198.51.{number}.1"
        told.append(await resident.call("follow", code=code))
    assert error_of(told[-1]) == TOO_OFTEN


async def test_another_process_counts_the_same_calls(resident: Resident) -> None:
    city, here = resident.city, resident.city.platform
    await rule(city, **{**RULES, "limits": {"looks_per_minute": 2}})
    other = Platform(here.database, here.host, here.store)
    other.clock = resident.clock
    for _ in range(2):
        counter = await counter_for(other, city.tenant.slug, resident.address, Request())
        with pytest.raises(NotFound):
            await follow(counter, "guess")
    assert error_of(await resident.call("follow", code="guess")) == TOO_OFTEN


async def test_a_city_takes_so_many_reports_a_day_and_a_prefix_so_many_photos(
    resident: Resident,
) -> None:
    city = resident.city
    await resident.reported()
    few = {"reports_per_day": 1, "photos_per_hour": 1, "searches_per_minute": 1}
    await rule(city, **{**RULES, "limits": few})
    token, resident.address = await resident.token(), "192.0.2.1"
    before = await written(city)
    assert error_of(await resident.report(form=token)) == TOO_OFTEN
    photo = {"contentType": "image/jpeg", "size": 10, "sha256": "0" * 64}
    told = [(await resident.call("photos", **photo)).status_code for _ in range(2)]
    assert told == [201, 429]
    told = [(await resident.get("/api/places", q="桃源")).status_code for _ in range(2)]
    assert told == [200, 429]
    assert await written(city) == before
