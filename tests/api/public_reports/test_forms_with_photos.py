"""Forms with photos and with codes, declared as a plugin declares them: everything that reports of
the public have."""

import hashlib
import re
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx
import msgspec
import pytest

from jingwei_api.app import create_app
from jingwei_core.contribution import core_contribution
from jingwei_core.events.workflow_guards import PhotoPhase
from jingwei_core.evidence.keys import Area, area_prefix
from jingwei_core.platform import Platform
from jingwei_core.plugins.host import PluginHost
from jingwei_core.presence.desk import ALPHABET, LENGTH, Desk
from jingwei_core.presence.often import LOOKS_PER_MINUTE, USES_PER_HOUR
from jingwei_core.public_reports.rules import Limits
from jingwei_sdk.context import Context, OpenEvent
from jingwei_sdk.errors import Conflict, NotFound
from jingwei_sdk.presence import OPEN_TO_PUBLIC, PUBLIC, PublicForm
from tests.api.conftest import serving
from tests.api.public_reports.world import PICTURE, Resident, error_of, expected, settle, written
from tests.core.events.city import GRID, POTHOLE, City
from tests.core.evidence.pictures import jpeg

KEPT = "SELECT count(*) FROM core.evidence WHERE status = 'committed'"


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is wrong."""

    place: str
    text: str
    times: int = 1
    photos: tuple[uuid.UUID, ...] = ()
    code: str = ""


class Own(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which of them."""

    code: str
    photos: tuple[uuid.UUID, ...] = ()


async def take(ctx: Context, given: Told) -> Mapping[str, Any]:
    """An event that says by which digest it is found."""
    if given.text == "no":
        raise Conflict("PUBLIC_NOT_FINISHED")
    (place,) = await ctx.records.some(ctx, "Place", id=given.place)
    new = OpenEvent(POTHOLE, place["id"], given.text, given.code, photos=given.photos)
    await ctx.events.open(ctx, new)
    return {"times": given.times}


async def tell(ctx: Context, own: Own) -> Mapping[str, Any] | None:
    """How it stands."""
    found = "SELECT id FROM core.event WHERE description = $1"
    for row in await ctx.data.fetch(found, own.code):
        told = await ctx.events.progress(ctx, row["id"])
        return msgspec.to_builtins(told) | {"sent": len(own.photos)}
    return None


async def says_nothing(ctx: Context, given: Told) -> None:
    """No answer."""


OPEN = tuple(sorted(OPEN_TO_PUBLIC))
SEEN = PublicForm(
    "seen",
    "看到",
    "Seen",
    Told,
    take,
    PUBLIC,
    acts_with=OPEN,
    per_hour=500,
    photos=2,
    gives_code=True,
)
OTHER = replace(SEEN, path="other", gives_code=False)
SILENT = replace(SEEN, path="silent", take=says_nothing)
OWN = PublicForm(
    "seen/own",
    "进度",
    "How it stands",
    Own,
    tell,
    PUBLIC,
    photos=1,
    opened_by="seen",
    fill_seconds=0,
)
AGAIN = replace(OWN, path="seen/again")


@dataclass
class Visitor:
    """Somebody with a phone and no account."""

    http: httpx.AsyncClient
    resident: Resident

    @property
    def city(self) -> City:
        return self.resident.city

    def url(self, path: str) -> str:
        return f"/public/{self.city.tenant.slug}/core/{path}"

    def headers(self) -> dict[str, str]:
        return {"x-forwarded-for": self.resident.address}

    async def opened(self, path: str = "seen", *, later: int = 10) -> str:
        told = (await self.http.get(self.url(path), headers=self.headers())).json()
        self.resident.clock.forward(seconds=later)
        form: str = told["form"]
        return form

    async def sends(self, path: str = "seen", **given: Any) -> httpx.Response:
        """A form as JSON."""
        if "form" not in given:
            given["form"] = await self.opened(path)
        if "/" not in path:
            given = {"place": str(self.city.places[GRID]), "text": "路面有坑", **given}
        return await self.http.post(self.url(path), json=given, headers=self.headers())

    async def posts(self, *photos: bytes, kind: str = "image/jpeg", **given: Any) -> httpx.Response:
        """A form as a browser posts it."""
        if "form" not in given:
            given["form"] = await self.opened()
        fields = {"place": str(self.city.places[GRID]), "text": "路面有坑", **given}
        files = [("photos", ("a.jpg", content, kind)) for content in photos]
        url, headers = self.url("seen"), self.headers()
        return await self.http.post(url, data=fields, files=files, headers=headers)

    async def announces(self, content: bytes, path: str = "seen", **more: Any) -> httpx.Response:
        said = expected(content)
        body = {"contentType": said.content_type, "size": said.size, "sha256": said.sha256, **more}
        return await self.http.post(self.url(f"{path}/photos"), json=body, headers=self.headers())

    async def uploaded(self, content: bytes, path: str = "seen") -> str:
        """The token of a photo that was uploaded."""
        answer = await self.announces(content, path)
        assert answer.status_code == 201, answer.text
        told = answer.json()
        files = {"file": ("a.jpg", content, "image/jpeg")}
        sent = await self.http.post(told["url"], data=dict(told["fields"]), files=files)
        assert sent.status_code == 204, sent.text
        token: str = told["photo"]
        return token

    async def code(self, **given: Any) -> str:
        answer = await self.sends(**given)
        assert answer.status_code == 200, answer.text
        code: str = answer.json()["code"]
        return code

    async def asks(self, code: object, **more: Any) -> httpx.Response:
        return await self.sends("seen/own", code=code, **more)


async def originals(city: City) -> set[str]:
    """The files under lock."""
    prefix = area_prefix(city.tenant.id, Area.ORIGINAL)
    return {each.key for each in await city.platform.store.list_prefix(prefix)}


@pytest.fixture(scope="module")
async def address(public_platform: Platform) -> AsyncIterator[str]:
    """A process whose core has the forms."""
    core = replace(core_contribution(), public_forms=(SEEN, OTHER, SILENT, OWN, AGAIN))
    platform = Platform(public_platform.database, PluginHost(core, []), public_platform.store)
    platform.clock = public_platform.clock
    async with serving(create_app(platform)) as url:
        yield url


@pytest.fixture
async def visitor(address: str, resident: Resident) -> AsyncIterator[Visitor]:
    async with httpx.AsyncClient(base_url=address, trust_env=False, timeout=20) as http:
        yield Visitor(http, resident)


async def test_photos_come_with_a_form_that_is_taken(visitor: Visitor) -> None:
    city, form = visitor.city, await visitor.opened()
    answer = await visitor.posts(PICTURE, jpeg(80, 60), form=form, times="3")
    assert answer.status_code == 200, answer.text
    assert answer.json()["times"] == 3
    rows = await city.fetch(
        "SELECT e.source, s.phase, v.owner, v.status, v.sha256, v.derivative_key, v.locked_until"
        " FROM core.event e JOIN core.step_evidence s ON s.event = e.id"
        " JOIN core.evidence v ON v.id = s.evidence WHERE e.description <> '' ORDER BY v.size_bytes"
    )
    assert {(each["source"], each["phase"], each["owner"]) for each in rows[-2:]} == {
        ("public", PhotoPhase.BEFORE, None)
    }
    digests = {hashlib.sha256(each).hexdigest() for each in (PICTURE, jpeg(80, 60))}
    assert {each["sha256"] for each in rows} >= digests
    assert all(each["derivative_key"] and each["locked_until"] for each in rows[-2:])
    before = await written(city)
    again = await visitor.posts(jpeg(90, 60), form=form)
    assert (again.content, await written(city)) == (answer.content, before)

    token = await visitor.uploaded(jpeg(70, 50))
    assert await city.value(KEPT) == len(before["evidence"]), "uploaded is not sent"
    assert (await visitor.sends(photos=[token])).status_code == 200
    assert await city.value(KEPT) == len(before["evidence"]) + 1
    before = await written(city)
    used = error_of(await visitor.sends(photos=[token]))
    assert (used, await written(city)) == ((409, "PUBLIC_PHOTO_USED", "photos"), before)


async def test_photos_of_what_is_not_taken_are_kept_nowhere(
    visitor: Visitor, stranger: Resident
) -> None:
    city = visitor.city
    before, files = await written(city), await originals(city)
    fresh = await visitor.uploaded(jpeg(71, 51))
    await _refuses(visitor, fresh, stranger)
    announced = (await visitor.announces(jpeg(74, 51))).json()["photo"]
    answer = await visitor.sends(photos=[announced])
    assert error_of(answer)[:2] == (404, "EVIDENCE_NOT_FOUND")
    assert await written(city) == before
    assert await originals(city) == files
    visitor.resident.clock.forward(hours=2)
    assert error_of(await visitor.sends(photos=[fresh]))[1] == "PUBLIC_PHOTO_UNKNOWN"
    assert await written(city) == before


async def _refuses(visitor: Visitor, fresh: str, stranger: Resident) -> None:
    """What is refused with a photo that was uploaded, or with none that will do."""
    foreign = await visitor.uploaded(jpeg(72, 51), "other")
    here = visitor.resident
    visitor.resident = stranger
    theirs = await visitor.uploaded(jpeg(73, 51))
    visitor.resident = here
    refused: list[tuple[httpx.Response, tuple[int, str]]] = [
        (await visitor.sends(photos=[fresh], text="no"), (409, "PUBLIC_NOT_FINISHED")),
        (await visitor.posts(PICTURE, text="no"), (409, "PUBLIC_NOT_FINISHED")),
        (await visitor.posts(PICTURE, times="often"), (400, "PUBLIC_FORM_INVALID")),
        (await visitor.posts(*[PICTURE] * 3), (400, "PUBLIC_PHOTO_TOO_MANY")),
        (await visitor.sends(photos=[fresh] * 3), (400, "PUBLIC_PHOTO_TOO_MANY")),
        (await visitor.sends(photos=[fresh, fresh]), (400, "PUBLIC_PHOTO_TWICE")),
        (await visitor.sends(photos=[foreign]), (403, "PUBLIC_PHOTO_UNKNOWN")),
        (await visitor.sends(photos=[theirs]), (403, "PUBLIC_PHOTO_UNKNOWN")),
        (await visitor.sends(photos=["made-up"]), (403, "PUBLIC_PHOTO_UNKNOWN")),
        (await visitor.sends(photos=fresh), (400, "PUBLIC_FORM_INVALID")),
        (await visitor.sends(photos=[1]), (400, "PUBLIC_FORM_INVALID")),
        (await visitor.posts(b"no picture"), (400, "EVIDENCE_TYPE")),
        (await visitor.posts(PICTURE, kind="image/svg+xml"), (400, "EVIDENCE_TYPE")),
        (await visitor.posts(PICTURE, code="x"), (400, "PUBLIC_FORM_INVALID")),
        (await visitor.sends(code="x"), (400, "PUBLIC_FORM_INVALID")),
        (await visitor.announces(PICTURE, size=10**9), (400, "EVIDENCE_SIZE")),
        (await visitor.announces(PICTURE, contentType="text/html"), (400, "EVIDENCE_TYPE")),
        (await visitor.announces(PICTURE, "no"), (404, "PUBLIC_PAGE_NOT_FOUND")),
    ]
    for answer, told in refused:
        assert error_of(answer)[:2] == told, answer.text


async def test_whoever_has_the_code_follows_what_they_sent(visitor: Visitor) -> None:
    city, form = visitor.city, await visitor.opened()
    code = await visitor.code(form=form)
    assert re.fullmatch(rf"([{ALPHABET}]{{4}}-){{3}}[{ALPHABET}]{{4}}", code)
    assert (await visitor.code(form=form), len(code)) == (code, LENGTH + 3)
    rows = await city.fetch("SELECT id, description FROM core.event WHERE description <> ''")
    assert all(code not in each["description"] for each in rows)
    written_down = " ".join(
        row[0] for row in await city.fetch("SELECT x::text FROM core.public_call x")
    )
    assert code not in written_down

    told = (await visitor.asks(code.lower().replace("-", " "))).json()
    assert (told["state"], told["is_finished"], told["steps"][0]["name"]) == (
        "已收到",
        False,
        "已收到",
    )
    await settle(city, rows[-1]["id"])
    before = await written(city)
    told = (await visitor.asks(code)).json()
    assert (told["state"], told["is_finished"]) == ("处理好了", True)
    assert "老王" not in str(told)
    # What is sent with a code brings its photos too, and none with a code that opens nothing.
    photo = await visitor.uploaded(jpeg(61, 41), "seen/own")
    refused = error_of(await visitor.asks("2222-2222-2222-2222", photos=[photo]))
    assert refused == (404, "PUBLIC_CODE_UNKNOWN", "code")
    assert len((await written(city))["evidence"]) == len(before["evidence"])
    assert (await visitor.asks(code, photos=[photo])).json()["sent"] == 1
    assert len((await written(city))["evidence"]) == len(before["evidence"]) + 1


async def test_a_code_opens_what_its_own_city_gave_it_for(
    visitor: Visitor, resident: Resident, stranger: Resident
) -> None:
    code, report = await visitor.code(), await resident.reported()
    form, before = await visitor.opened("seen/own"), await written(visitor.city)
    unknown = (404, "PUBLIC_CODE_UNKNOWN", "code")
    assert error_of(await resident.call("follow", code=code)) == unknown
    assert error_of(await visitor.asks(report)) == unknown
    assert error_of(await visitor.asks("")) == unknown
    assert error_of(await visitor.asks(code * 100)) == unknown
    assert error_of(await visitor.asks(None)) == (400, "PUBLIC_FORM_INVALID", "code")
    assert error_of(await visitor.sends("seen/own")) == (400, "PUBLIC_FORM_INVALID", "code")
    assert await written(visitor.city) == before
    # A form that was answered is answered anew for another code, and never by the wrong one.
    assert (await visitor.asks(code, form=form)).status_code == 200
    assert error_of(await visitor.asks(report, form=form)) == unknown
    neighbour = replace(visitor, resident=stranger)
    before = await written(stranger.city)
    assert error_of(await neighbour.asks(code)) == unknown
    assert await written(stranger.city) == before


async def test_codes_are_guessed_no_more_often_than_those_of_reports(visitor: Visitor) -> None:
    limits = Limits()
    assert (limits.looks_per_minute, limits.uses_per_hour) == (LOOKS_PER_MINUTE, USES_PER_HOUR)
    code = await visitor.code()
    forms = [await visitor.opened("seen/own") for _ in range(3)]
    visitor.resident.clock.forward(hours=1)
    too_often = (429, "PUBLIC_TOO_OFTEN", None)
    before = await written(visitor.city)
    codes = [f"2222-2222-2222-{each:04}" for each in range(LOOKS_PER_MINUTE)]
    told = [error_of(await visitor.asks(each, form=forms[0]))[1] for each in codes]
    assert told == ["PUBLIC_CODE_UNKNOWN"] * LOOKS_PER_MINUTE
    assert error_of(await visitor.asks(code, form=forms[1])) == too_often
    again = await visitor.opened("seen/again", later=0)
    other = await visitor.sends("seen/again", form=again, code=code)
    assert error_of(other) == too_often, "all forms that a code opens count together"
    visitor.resident.clock.forward(minutes=1)
    answers = []
    for each in range(USES_PER_HOUR):
        visitor.resident.address = f"198.51.{each}.9"
        answers.append((await visitor.asks(code, form=forms[1])).status_code)
    visitor.resident.address = "192.0.2.7"
    assert answers == [200] * USES_PER_HOUR
    assert error_of(await visitor.asks(code, form=forms[2])) == too_often
    after = await written(visitor.city)
    assert len(after["audit_entry"]) == len(before["audit_entry"]) + 1, "answered once"
    assert {**after, "audit_entry": 0} == {**before, "audit_entry": 0}


async def test_only_a_form_that_asks_for_a_code_may_answer_nothing(visitor: Visitor) -> None:
    before = await written(visitor.city)
    assert error_of(await visitor.sends("silent"))[:2] == (503, "PUBLIC_FORM_FAILED")
    assert await written(visitor.city) == before


async def test_the_progress_of_what_staff_reported_is_told_to_nobody(
    visitor: Visitor, public_platform: Platform
) -> None:
    city = visitor.city
    event = await city.report("worker")
    async with city.context(None) as ctx:
        with pytest.raises(NotFound) as refusal:
            await ctx.events.progress(ctx, event)
    assert refusal.value.code == "ROW_NOT_FOUND"
    other = Desk(public_platform.settings, city.tenant, "public-form core/other")
    assert other.digest("2222") != Desk(
        public_platform.settings, city.tenant, "public-form core/seen"
    ).digest("2222")
