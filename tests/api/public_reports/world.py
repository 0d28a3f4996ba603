"""A city that takes reports of the public, its neighbour, and somebody without an account."""

import hashlib
import json
import re
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx

from jingwei_core.evidence.facts import Expected
from tests.core.events.city import GRID, LEAK, POTHOLE, City, build_city
from tests.core.events.frozen_clock import FrozenClock
from tests.core.events.rulebook import action, put, state, workflow
from tests.core.evidence.pictures import camera_exif, gps, jpeg
from tests.tenants import staff

WINDOW = {"guard": "within", "amount": 2, "unit": "day", "since": "closed"}
RULES: dict[str, Any] = {
    "enabled": True,
    "kind": POTHOLE,
    "kinds": [LEAK],
    "levels": ["grid"],
    "notice_zh": "欢迎上报",
    "notice_en": "Welcome",
    "reopen": "reopen",
    "reopen_most": 1,
    "limits": {"reports_per_hour": 1000, "looks_per_minute": 1000, "searches_per_minute": 1000},
}
PICTURE = jpeg(exif=camera_exif(gps=gps(30.6951, 111.2951)))
"""What a phone takes: it says where, and whose."""
PHONE, NAME = "13812345678", "张小明"
FACES = {
    "work": {"name_zh": "正在处理", "name_en": "Being handled"},
    "done": {"name_zh": "处理好了", "name_en": "Settled", "photos": ["before", "after"]},
}
COUNTED = ("event", "event_step", "step_evidence", "evidence", "public_report", "audit_entry")


def definition() -> dict[str, Any]:
    """Begin, work, done; the public has it reopened within two days."""
    told = workflow(
        action("verify", ["begin"], "begin", sources=["public"], requires=["note"]),
        action("settle", ["work"], "done", requires=["photo:after"]),
        action(
            "reopen",
            ["done"],
            "begin",
            permission="event.file",
            requires=["reason"],
            assigns="clear",
            guards=[WINDOW],
        ),
        intake=[{"sources": ["grid_worker"], "take": ["start"]}],
    )
    told["states"].append(state("merged", "final"))
    told["actions"].append(action("merge", ["begin", "work"], "merged"))
    for each in told["states"]:
        if each["code"] in FACES:
            each["public"] = FACES[each["code"]]
    return told


async def public_city(city: City, rules: dict[str, Any] | None = None) -> City:
    """The city with the workflow above and rules of public reports."""
    await put(city, definition())
    await city.fetch("UPDATE core.event_kind SET workflow = 'guarded', deadline_profile = ''")
    await city.fetch(
        "UPDATE core.event_kind SET form_schema = NULL WHERE code = ANY($1)", [POTHOLE, LEAK]
    )
    await city.fetch("UPDATE core.place SET level = 'city' WHERE path = '/1/'")
    await city.fetch(
        "UPDATE core.place SET name = '桃源' || ordinal, search_text = '桃源' || ordinal"
    )
    await city.fetch("INSERT INTO core.place_level (code, rank) VALUES ('city', 0), ('grid', 1)")
    await rule(city, **(RULES if rules is None else rules))
    return city


async def rule(city: City, **rules: Any) -> None:
    await city.fetch(
        "INSERT INTO core.public_report_rules (definition) VALUES ($1)"
        " ON CONFLICT (tenant_id) DO UPDATE SET definition = excluded.definition",
        json.dumps(rules),
    )


async def written(city: City) -> dict[str, Any]:
    """Everything that a refusal must leave alone."""
    return await city.rows(COUNTED)


@dataclass
class Resident:
    """Somebody with a phone's browser and no account; ``address`` is where they come from."""

    http: httpx.AsyncClient
    city: City
    clock: FrozenClock
    address: str = "203.0.113.7"
    language: str = "zh"
    said: list[httpx.Response] = field(default_factory=list)

    @property
    def here(self) -> str:
        return f"/report/{self.city.tenant.slug}"

    def _headers(self) -> dict[str, str]:
        return {"accept-language": self.language, "x-forwarded-for": self.address}

    async def get(self, path: str = "", **query: Any) -> httpx.Response:
        return await self.http.get(self.here + path, params=query, headers=self._headers())

    async def post(self, path: str, **fields: Any) -> httpx.Response:
        """A form of a page."""
        return await self.http.post(self.here + path, data=fields, headers=self._headers())

    async def call(self, path: str, **body: Any) -> httpx.Response:
        """The same as JSON."""
        return await self.http.post(f"{self.here}/api/{path}", json=body, headers=self._headers())

    async def token(self) -> str:
        """A form that was opened ten seconds ago."""
        token: str = (await self.get("/api/form")).json()["form"]
        self.clock.forward(seconds=10)
        return token

    async def report(self, **more: Any) -> httpx.Response:
        """Report a pothole in the grid, as JSON."""
        given: dict[str, Any] = {
            "form": more.pop("form", None) or await self.token(),
            "text": "路面有一个大坑，晚上很危险",
            "place": str(self.city.places[GRID]),
            **more,
        }
        return await self.call("reports", **given)

    async def reported(self, **more: Any) -> str:
        """The tracking code of a report that must be taken."""
        answer = await self.report(**more)
        assert answer.status_code == 201, answer.text
        code: str = answer.json()["code"]
        return code

    async def uploaded(self, content: bytes, expected: Expected) -> str:
        """The token of a photo that was uploaded."""
        answer = await self.call(
            "photos",
            contentType=expected.content_type,
            size=expected.size,
            sha256=expected.sha256,
        )
        assert answer.status_code == 201, answer.text
        told = answer.json()
        files = {"file": ("a.jpg", content, expected.content_type)}
        sent = await self.http.post(told["url"], data=dict(told["fields"]), files=files)
        assert sent.status_code == 204, sent.text
        token: str = told["photo"]
        return token

    async def event_of(self, code: str) -> Any:
        """The event of the newest report."""
        rows = await self.city.fetch(
            "SELECT e.*, r.id AS report FROM core.event e JOIN core.public_report r"
            " ON r.event = e.id ORDER BY r.created_at DESC, r.id DESC LIMIT 1"
        )
        assert re.fullmatch(r"([2-9A-HJKMNP-TV-Z]{4}-){3}[2-9A-HJKMNP-TV-Z]{4}", code), code
        return rows[0]


async def two_cities(platform: Any) -> tuple[City, City]:
    """Both take reports of the public."""
    return await public_city(await build_city(platform)), await public_city(
        await build_city(platform)
    )


def error_of(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Status, code and field of a refusal as JSON."""
    (told,) = answer.json()["errors"]
    extensions = told["extensions"]
    return answer.status_code, extensions["code"], extensions.get("field")


def expected(content: bytes) -> Expected:
    """What is said of a photo that will be uploaded."""
    return Expected("image/jpeg", len(content), hashlib.sha256(content).hexdigest())


async def settle(city: City, event: uuid.UUID) -> None:
    """Handled by staff, who leave their names and notes."""
    await city.act("chief", event, "start", note="内部备注：派老王去")
    photo = await city.photo("mender")
    after = [{"id": str(photo), "phase": "after"}]
    await city.act("mender", event, "settle", note="内部备注：已补好", evidence=after)


async def employ(city: City, login: str, permissions: list[str]) -> None:
    """An account with these permissions in the grid."""
    role = await staff.add_role(city, login, permissions)
    await staff.employ(city, login, role, city.places[GRID])
