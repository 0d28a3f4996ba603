"""A form that anybody may send: taken once, counted, with what it acts with, and off with its
plugin."""

import json
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from jingwei_api.app import create_app
from jingwei_core.platform import Platform
from jingwei_core.plugins.switching import switch_audited
from jingwei_core.presence.desk import Desk
from jingwei_core.presence.forms import GOOD_FOR
from jingwei_core.presence.visitors import TRIES
from jingwei_safety_production import tips
from jingwei_safety_production.tables import SafetyChecklist, SafetyTip
from jingwei_sdk.context import Context, OpenEvent
from jingwei_sdk.errors import Denied
from tests.plugins.world import GRID, PLUGIN, City

PATH = "/public/{slug}/safety-production/tip"
TEXT = "安全出口被杂物堵塞"
EVENTS = "SELECT * FROM core.event WHERE kind = (SELECT id FROM core.event_kind WHERE code = $1)"
TIPS = "SELECT x::text FROM safety_production.tip x"
CALLS = "SELECT x::text FROM core.public_call x ORDER BY 1"


@dataclass
class Public:
    """Somebody without an account."""

    http: httpx.AsyncClient
    city: City

    async def opened(self) -> str:
        """A form that was filled in for as long as it takes."""
        answer = await self.http.get(PATH.format(slug=self.city.tenant.slug))
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        self.city.clock.instant += timedelta(seconds=answer.json()["fillSeconds"])
        form: str = answer.json()["form"]
        return form

    async def sends(self, form: str, **given: object) -> httpx.Response:
        body = {"form": form, "place": GRID, "text": TEXT, **given}
        return await self.http.post(PATH.format(slug=self.city.tenant.slug), json=body)

    async def asks(self, code: str) -> httpx.Response:
        """How the tip of this code stands."""
        return await self.says("state", code=code)

    async def says(self, below: str, **given: object) -> httpx.Response:
        """A form that a code opens."""
        url = PATH.format(slug=self.city.tenant.slug) + f"/{below}"
        told = (await self.http.get(url)).json()
        self.city.clock.instant += timedelta(seconds=told.get("fillSeconds", 0))
        return await self.http.post(url, json={"form": told.get("form", ""), **given})


def code_of(answer: httpx.Response) -> tuple[int, str, str | None]:
    told = answer.json()["errors"][0]["extensions"]
    return answer.status_code, told["code"], told.get("field")


def from_(platform: Platform, address: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=create_app(platform), client=(address, 1))
    return httpx.AsyncClient(transport=transport, base_url="http://city")


@pytest.fixture
async def public(platform: Platform, yichang: City) -> AsyncIterator[Public]:
    """A visitor of the city that takes tips."""
    await switch_audited(
        platform, yichang.tenant.slug, PLUGIN, enabled=True, settings={"public_tips": True}
    )
    async with from_(platform, "198.51.100.7") as http:
        yield Public(http, yichang)


def _changing(path: str) -> Iterator[Callable[..., None]]:
    (form,) = (each for each in tips.PUBLIC_FORMS if each.path == path)
    names = ("take", "acts_with", "per_hour", "per_day")
    before = {name: getattr(form, name) for name in names}

    def change(**values: object) -> None:
        for name, value in values.items():
            object.__setattr__(form, name, value)

    yield change
    change(**before)


@pytest.fixture
def changed() -> Iterator[Callable[..., None]]:
    """Makes the form another one for the length of a test."""
    yield from _changing("tip")


@pytest.fixture
def changed_again() -> Iterator[Callable[..., None]]:
    """The same for the form that says that it is still there."""
    yield from _changing("tip/again")


async def test_a_tip_is_taken_once_and_by_nobody_in_particular(public: Public):
    city, form = public.city, await public.opened()
    answer = await public.sends(form, text=f"  {TEXT}\x00\r\n二楼 ")
    assert (answer.status_code, answer.json()["received"]) == (200, "2026-11-23")
    (event,) = await city.fetch(EVENTS, tips.EVENT_KIND)
    assert (event["title"], event["description"]) == (TEXT, f"{TEXT}\n二楼")
    assert (event["source"], event["reporter"]) == ("public", None)
    assert event["place_id"] == await city.place(GRID)
    rows = await city.fetch(
        "SELECT actor_kind, actor_name, changes::text AS told FROM core.audit_entry"
        " WHERE command = 'public.safety-production.tip'"
    )
    assert [tuple(row)[:2] for row in rows] == [("system", "public")]
    assert "event" in {each["table"] for each in json.loads(rows[0]["told"])}

    # The answer may be lost, so the form is sent again, whatever it says now.
    before = await city.state()
    again = await public.sends(form, text="别的内容，别的地方")
    assert (again.status_code, again.content) == (200, answer.content)
    assert await city.state() == before
    kept = "".join(row[0] for row in [*await city.fetch(CALLS), *await city.fetch(TIPS)])
    for told in ("received", "198.51", answer.json()["code"]):
        assert told not in kept


async def test_with_its_code_a_tip_is_followed_where_it_was_told(public: Public, changzhi: City):
    city = public.city
    answer = await public.sends(await public.opened())
    (event,) = await city.fetch(EVENTS, tips.EVENT_KIND)
    code, states = answer.json()["code"], []
    for actions in ((), ("file", "verify", "dispatch", "handle", "check", "close")):
        await city.act(event["id"], *actions)
        told = await public.asks(code)
        assert told.status_code == 200, told.text
        states.append((told.json()["state"], told.json()["isFinished"]))
        # Nothing of those who handle it, nor where it was sent from.
        assert told.json().keys() == {"state", "isFinished", "steps", "photos"}
        assert "属实" not in told.text
    assert states == [("已收到", False), ("已办结", True)]

    await switch_audited(
        city.platform, changzhi.tenant.slug, PLUGIN, enabled=True, settings={"public_tips": True}
    )
    before = await changzhi.state()
    unknown = (404, "PUBLIC_CODE_UNKNOWN", "code")
    assert code_of(await Public(public.http, changzhi).asks(code)) == unknown
    assert await changzhi.state() == before
    before = await city.state()
    assert code_of(await public.asks("2222-2222-2222-2222")) == unknown
    await switch_audited(city.platform, city.tenant.slug, PLUGIN, enabled=False, settings={})
    before["core.audit_entry"] = (await city.state())["core.audit_entry"]
    assert code_of(await public.asks(code)) == (404, "PUBLIC_PAGE_NOT_FOUND", None)
    assert await city.state() == before


async def test_whoever_told_may_say_that_it_is_still_there(
    public: Public, changed_again: Callable[..., None]
):
    city = public.city
    code = (await public.sends(await public.opened())).json()["code"]
    (event,) = await city.fetch(EVENTS, tips.EVENT_KIND)
    said = {"code": code, "reason": "出口还是堵着"}
    before = await city.state()
    assert code_of(await public.says("again", **said)) == (404, "PUBLIC_PAGE_NOT_FOUND", None)
    assert await city.state() == before

    settings = {"public_tips": True, "tip_again_action": "reopen_public"}
    await switch_audited(city.platform, city.tenant.slug, PLUGIN, enabled=True, settings=settings)
    not_now = (409, "EVENT_ACTION_NOT_ALLOWED", "action")
    before = await city.state()
    assert code_of(await public.says("again", **said)) == not_now
    assert await city.state() == before
    await city.act(event["id"], "file", "verify", "dispatch", "handle", "check", "close")
    await _refuses_other_steps(public, said, changed_again)

    answer = await public.says("again", **said)
    assert (answer.status_code, answer.json()) == (200, {"received": "2026-11-23"})
    (step,) = await city.fetch(
        "SELECT * FROM core.event_step WHERE event = $1 ORDER BY sequence DESC LIMIT 1", event["id"]
    )
    assert (step["action"], step["reason"], step["actor"]) == (
        *("reopen_public", "出口还是堵着"),
        None,
    )
    assert (await public.asks(code)).json()["isFinished"] is False
    await city.act(event["id"], "verify", "dispatch", "handle", "check", "close")
    city.clock.instant += timedelta(days=40)
    before = await city.state()
    assert code_of(await public.says("again", **said))[:2] == (409, "EVENT_GUARD_WITHIN")
    assert await city.state() == before


async def _refuses_other_steps(
    public: Public, said: Mapping[str, object], changed_again: Callable[..., None]
) -> None:
    """No other action than the tenant named, and no event that neither public nor plugin opened."""
    city = public.city
    staffs = await city.reported()

    def takes(event: uuid.UUID | None, action: str) -> Any:
        async def take(ctx: Context, given: tips.StillThere) -> Mapping[str, Any]:
            (tip,) = await ctx.data.find(SafetyTip, code_digest=given.code)
            await ctx.events.act(ctx, event or tip.event, action, reason=given.reason)
            return {}

        return take

    before = await city.state()
    unknown = (404, "PUBLIC_CODE_UNKNOWN", "code")
    assert code_of(await public.says("again", code="2222-2222-2222-2222", reason="xx")) == unknown
    for event, action, told in (
        (None, "reopen", (409, "EVENT_ACTION_NOT_ALLOWED", "action")),
        (staffs, "reopen_public", (404, "ROW_NOT_FOUND", None)),
        (uuid.uuid4(), "reopen_public", (404, "ROW_NOT_FOUND", None)),
    ):
        changed_again(take=takes(event, action))
        assert code_of(await public.says("again", **said)) == told
        assert await city.state() == before
    changed_again(take=tips.take_up_again)


async def test_what_is_no_form_of_this_city_is_refused_and_nothing_changes(public: Public):
    city, form = public.city, await public.opened()
    url, before = PATH.format(slug=city.tenant.slug), await city.state()
    city.clock.instant -= timedelta(seconds=1)
    assert code_of(await public.sends(form)) == (403, "PUBLIC_FORM_TOO_FAST", "form")
    city.clock.instant += timedelta(seconds=1)
    invalid = (400, "PUBLIC_FORM_INVALID")
    told = code_of(await public.sends(form, phone="13900000000"))
    assert told[:2] == invalid
    assert code_of(await public.sends(form, text="堵")) == (*invalid, "text")
    assert code_of(await public.sends(form, text=" 堵 \x00 \x00 ")) == (*invalid, "text")
    for body in (b"[]", b"{", b'{"text": "\xff"}', b" " * 70_000, b"[" * 20_000):
        assert code_of(await public.http.post(url, content=body))[:2] == invalid
    assert code_of(await public.http.post(url, json={"place": GRID, "text": TEXT})) == (
        *invalid,
        "form",
    )
    platform = city.platform
    others = (
        Desk(platform.settings, city.tenant, "public-form safety-production/other"),
        Desk(platform.settings, city.tenant, "public-report"),
    )
    for other in others:
        foreign = other.form(city.clock.now() - timedelta(minutes=1))
        assert code_of(await public.sends(foreign)) == (403, "PUBLIC_FORM_EXPIRED", "form")
    assert code_of(await public.sends(form, place="none")) == (404, "SAFETY_PLACE_UNKNOWN", "place")
    city.clock.instant += GOOD_FOR
    assert code_of(await public.sends(form)) == (403, "PUBLIC_FORM_EXPIRED", "form")
    assert await city.state() == before


async def test_it_is_there_only_where_the_city_takes_it(public: Public, changzhi: City):
    city, form = public.city, await public.opened()
    slug, missing = city.tenant.slug, (404, "PUBLIC_PAGE_NOT_FOUND", None)
    page = PATH.format(slug=slug).replace("tip", "major-hazards")
    assert code_of(await public.http.post(page, json={})) == missing
    assert code_of(await public.http.get(PATH.format(slug=changzhi.tenant.slug))) == missing
    for enabled, settings in ((True, {"public_tips": False}), (False, {})):
        await switch_audited(city.platform, slug, PLUGIN, enabled=enabled, settings=settings)
        before = await city.state()
        assert code_of(await public.http.get(PATH.format(slug=slug))) == missing
        assert code_of(await public.sends(form)) == missing
        assert await city.state() == before


async def test_it_is_taken_so_often_in_all_processes(public: Public, changed: Callable[..., None]):
    city, too_often = public.city, (429, "PUBLIC_TOO_OFTEN", None)
    changed(per_hour=1, per_day=2)
    first, second, third = [await public.opened() for _ in range(3)]
    assert (await public.sends(first)).status_code == 200
    before = await city.state()
    # Another process, and a neighbour in the same /24.
    async with from_(city.platform, "198.51.100.200") as http:
        refused = await Public(http, city).sends(second)
        assert code_of(refused) == too_often
        assert int(refused.headers["retry-after"]) >= 1
    assert (await public.sends(first)).status_code == 200, "a repetition costs nothing"
    assert await city.state() == before
    async with from_(city.platform, "203.0.113.1") as http:
        assert (await Public(http, city).sends(second)).status_code == 200
    async with from_(city.platform, "192.0.2.1") as http:
        before = await city.state()
        assert code_of(await Public(http, city).sends(third)) == too_often
        url = PATH.format(slug=city.tenant.slug)
        codes = [(await http.get(url)).status_code for _ in range(TRIES * 2)]
        assert codes == [200] * (TRIES * 2 - 1) + [429]
    assert await city.state() == before


async def writes(ctx: Context) -> None:
    row = SafetyChecklist(code="left", number=1, name="left", items=[])
    await ctx.data.insert(row)


async def fails(ctx: Context, given: tips.HazardTip) -> Mapping[str, Any]:
    await writes(ctx)
    raise ValueError(given.text)


async def tells_too_much(ctx: Context, given: tips.HazardTip) -> Mapping[str, Any]:
    await writes(ctx)
    return {"all": "x" * 300_000}


async def tells(ctx: Context, given: tips.HazardTip) -> Mapping[str, Any]:
    await writes(ctx)
    with pytest.raises(Denied):
        await ctx.events.open(ctx, OpenEvent(tips.EVENT_KIND, uuid.UUID(given.place), "x"))
    codes = ("safety.hazard.read", "safety.hazard.write", "place.read", "event.report")
    return {
        "held": [code for code in codes if ctx.permissions.allows(code)],
        "hazards": len(await ctx.records.some(ctx, "SafetyHazard")),
        "accounts": len(await ctx.records.some(ctx, "Account")),
        "who": ctx.actor.name,
    }


async def test_what_fails_leaves_nothing_and_says_nothing_of_it(
    public: Public, changed: Callable[..., None]
):
    city, form = public.city, await public.opened()
    before = await city.state()
    for take in (fails, tells_too_much):
        changed(take=take)
        answer = await public.sends(form)
        assert code_of(answer) == (503, "PUBLIC_FORM_FAILED", None)
        assert TEXT not in answer.text
        assert await city.state() == before
    changed(take=tips.take_tip)
    assert (await public.sends(form)).status_code == 200, "the same form, once it can be taken"


async def test_it_acts_with_what_it_names_and_no_more(public: Public, changed: Callable[..., None]):
    city, form = public.city, await public.opened()
    changed(take=tells, acts_with=("safety.hazard.read", "place.read"))
    answer = await public.sends(form, place=str(await city.place(GRID)))
    told = answer.json()
    assert told.pop("code")
    assert told == {
        "held": ["safety.hazard.read", "place.read"],
        "hazards": 0,
        "accounts": 0,
        "who": "public",
    }
    written = "SELECT count(*) FROM safety_production.checklist WHERE code = 'left'"
    assert await city.value(written) == 1
    assert await city.fetch(EVENTS, tips.EVENT_KIND) == []


async def test_what_always_fails_is_paused(public: Public, changed: Callable[..., None]):
    changed(take=fails)
    codes = [code_of(await public.sends(await public.opened()))[1] for _ in range(6)]
    assert codes == ["PUBLIC_FORM_FAILED"] * 5 + ["PLUGIN_PAUSED"]
