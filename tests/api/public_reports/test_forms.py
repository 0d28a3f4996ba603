"""A form of the core's own, declared as a plugin declares one, over a pool of connections."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest

from jingwei_api.app import create_app
from jingwei_core.contribution import core_contribution
from jingwei_core.platform import Platform
from jingwei_core.plugins.host import PluginHost
from jingwei_core.presence.visitors import FORGET_CALLS
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context, OpenEvent
from jingwei_sdk.presence import OPEN_TO_PUBLIC, PUBLIC, PublicForm
from tests.api.public_reports.world import Resident, written
from tests.core.events.city import GRID, POTHOLE, City

PATH = "/public/{slug}/core/tell"


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is wrong."""

    place: str
    text: str


async def take(ctx: Context, given: Told) -> Mapping[str, Any]:
    """An event; its number is the answer."""
    assert isinstance(ctx, CoreContext), "the core is given the whole context"
    (place,) = await ctx.records.some(ctx, "Place", id=given.place)
    await ctx.events.open(ctx, OpenEvent(POTHOLE, place["id"], given.text))
    return {"events": await ctx.data.fetchval("SELECT count(*) FROM core.event")}


FORM = PublicForm(
    "tell", "说一声", "Tell", Told, take, PUBLIC, acts_with=tuple(OPEN_TO_PUBLIC), per_hour=500
)


@pytest.fixture
async def http(public_platform: Platform, resident: Resident) -> AsyncIterator[httpx.AsyncClient]:
    """A process whose core has the form."""
    core = replace(core_contribution(), public_forms=(FORM,))
    platform = Platform(public_platform.database, PluginHost(core, []), public_platform.store)
    platform.clock = resident.clock
    transport = httpx.ASGITransport(app=create_app(platform), client=("198.51.100.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://city") as client:
        yield client


async def opened(http: httpx.AsyncClient, resident: Resident) -> dict[str, str]:
    city = resident.city
    told = (await http.get(PATH.format(slug=city.tenant.slug))).json()
    resident.clock.forward(minutes=1)
    return {"form": told["form"], "place": str(city.places[GRID]), "text": "路面有坑"}


async def test_one_form_sent_many_times_at_once_counts_once(
    http: httpx.AsyncClient, resident: Resident
) -> None:
    city, body = resident.city, await opened(http, resident)
    url, before = PATH.format(slug=city.tenant.slug), await written(city)
    answers = await asyncio.gather(*(http.post(url, json=body) for _ in range(8)))
    assert {(each.status_code, each.content) for each in answers} == {(200, answers[0].content)}
    after = await written(city)
    for table in ("event", "audit_entry"):
        assert len(after[table]) == len(before[table]) + 1
    again = await http.post(url, json=body)
    assert (again.content, await written(city)) == (answers[0].content, after)

    # The answer is kept for as long as the form may be sent.
    bucket = "SELECT count(*) FROM core.public_call WHERE answer IS NOT NULL"
    for hours, left in ((11, 1), (13, 0)):
        async with city.platform.database.unit(city.tenant.id) as unit:
            now = resident.clock.now()
            await unit.execute(FORGET_CALLS, now + timedelta(hours=hours))
            assert await unit.fetchval(bucket) == left


async def test_a_form_of_one_city_is_none_in_the_next(
    http: httpx.AsyncClient, resident: Resident, cities: tuple[City, City]
) -> None:
    ours, theirs = cities
    body = await opened(http, resident)
    body["place"] = str(theirs.places[GRID])
    before = await written(theirs)
    refused = await http.post(PATH.format(slug=theirs.tenant.slug), json=body)
    told = refused.json()["errors"][0]["extensions"]
    assert (refused.status_code, told["code"]) == (403, "PUBLIC_FORM_EXPIRED")
    assert await written(theirs) == before
    resident.clock.forward(minutes=1)
    body["place"] = str(ours.places[GRID])
    assert (await http.post(PATH.format(slug=ours.tenant.slug), json=body)).status_code == 200
