"""One event through its whole life over HTTP (事件全流程), each step by its own account."""

import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx

from jingwei_api.demo.casting import Parts
from jingwei_api.demo.frontend import Frontend, Uploaded, Watch, sign_in
from jingwei_core.demo.passwords import DemoLogin
from jingwei_core.demo.pictures import Shot, railing
from jingwei_sdk.errors import Conflict, NotFound

KIND = "component.road.guardrail"
CHINA = timezone(timedelta(hours=8))
EXIF = b"Exif\x00\x00"


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo of the walk: what was sent, and what came back from the store."""

    login: str
    phase: str
    evidence_id: str
    sha256: str
    size: int
    lon: float | None
    lat: float | None
    taken_at: str | None
    original_sha256: str = ""
    view_has_exif: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """A step as the timeline tells it, with the account that took it."""

    number: int
    login: str
    actor: str
    action: str
    from_state: str
    to_state: str
    at: str
    note: str
    photos: tuple[str, ...]


@dataclass(slots=True)
class Walk:
    """A finished walk."""

    tenant: str
    event_id: str = ""
    number: str = ""
    title: str = ""
    state: str = ""
    place: str = ""
    steps: list[Step] = field(default_factory=list)
    photos: list[Photo] = field(default_factory=list)
    seconds: float = 0.0


class Walker:
    """Walks one event of ``tenant`` through the loop of its workflow."""

    def __init__(self, http: httpx.Client, tenant: str, parts: Parts, watch: Watch) -> None:
        self._http = http
        self._parts = parts
        self._watch = watch
        self._walk = Walk(tenant)
        self._key = f"walk-{secrets.token_hex(6)}"
        self._logins: list[str] = []
        self._spot = (0.0, 0.0)

    def run(self) -> Walk:
        """Play the whole loop and look at what is left of it.

        Raises ``Denied`` (``DEMO_STEP_REFUSED``) at the first step that is refused, ``Conflict``
        (``DEMO_PHOTO_CHANGED``) when a photo comes back as another.
        """
        began = time.monotonic()
        self._report()
        chief = self._sign_in(self._parts.chief)
        self._act(chief, self._parts.chief, "file")
        self._act(chief, self._parts.chief, "verify", note="现场核实：护栏缺失约三米。")
        centre = self._sign_in(self._parts.centre)
        department = self._act_on_department(centre)
        handler = self._handler(department)
        self._handle(handler)
        checker = self._sign_in(self._parts.checker)
        self._act(checker, self._parts.checker, "check", note="现场复核：护栏已修复。")
        self._act(centre, self._parts.centre, "close", note="办结归档。")
        self._look_back()
        self._walk.seconds = round(time.monotonic() - began, 2)
        return self._walk

    def _sign_in(self, person: DemoLogin) -> Frontend:
        return sign_in(self._http, self._walk.tenant, person, self._watch)

    def _report(self) -> None:
        person = self._parts.worker
        worker = self._sign_in(person)
        grid = _only_node(worker.ask("my_grid", {"code": person.place})["places"], person.place)
        self._spot = inside(grid["shape"]["geojson"])
        photo = self._upload(worker, person, "before")
        lon, lat = self._spot
        answer = worker.ask(
            "report_event",
            {
                "input": {
                    "kind": KIND,
                    "title": "道路护栏损坏",
                    "description": "巡查发现护栏缺失，行人易跌落。",
                    "form": {"damage": "missing", "is_dangerous": True, "is_cordoned": True},
                    "position": {"lon": lon, "lat": lat, "crs": "EPSG:4490", "accuracyM": 5},
                    "evidence": [{"id": photo.id, "phase": "BEFORE"}],
                },
                "key": f"{self._key}-report",
            },
        )
        event = answer["eventReport"]["event"]
        self._walk.event_id, self._walk.number = event["id"], event["number"]
        self._walk.place = f"{event['place']['code']} {event['place']['name']}"
        self._logins.append(person.login)

    def _act_on_department(self, centre: Frontend) -> str:
        waiting = centre.ask("waiting_event", {"id": self._walk.event_id})["event"]
        department = str(waiting["kind"]["department"]["code"])
        self._act(centre, self._parts.centre, "dispatch", departmentCode=department)
        return department

    def _handler(self, department: str) -> DemoLogin:
        person = self._parts.handlers.get(department)
        if person is None:
            tenant = self._walk.tenant
            raise NotFound("DEMO_ACCOUNT_MISSING", tenant=tenant, role=department, file="")
        return person

    def _handle(self, person: DemoLogin) -> None:
        handler = self._sign_in(person)
        photo = self._upload(handler, person, "after")
        evidence = [{"id": photo.id, "phase": "AFTER"}]
        self._act(handler, person, "handle", note="已更换护栏三米。", evidence=evidence)

    def _upload(self, frontend: Frontend, person: DemoLogin, phase: str) -> Uploaded:
        lon, lat = self._spot
        now = datetime.now(UTC).astimezone(CHINA)
        picture = railing(
            broken=phase == "before", shot=Shot(lon, lat, now), mark=f"{phase} {self._key}"
        )
        sent = frontend.upload(picture, f"{self._key}-photo-{phase}")
        found = sent.found
        self._walk.photos.append(
            Photo(
                person.login,
                phase,
                sent.id,
                sent.sha256,
                sent.size,
                found["lon"],
                found["lat"],
                found["takenAt"],
            )
        )
        return sent

    def _act(self, frontend: Frontend, person: DemoLogin, action: str, **given: Any) -> None:
        """Look at the event as this account sees it, and take an action that it offers."""
        event_id = self._walk.event_id
        waiting = frontend.ask("waiting_event", {"id": event_id})["event"]
        if waiting is None or action not in waiting["availableActions"]:
            raise NotFound("DEMO_ACTION_NOT_OFFERED", action=action, login=person.login)
        key = f"{self._key}-{action}"
        variables = {"id": event_id, "input": {"action": action, **given}, "key": key}
        frontend.ask("act_on_event", variables)
        self._logins.append(person.login)

    def _look_back(self) -> None:
        """The timeline as a supervisor sees it; originals are fetched and compared."""
        supervisor = self._sign_in(self._parts.supervisor)
        event = supervisor.ask("timeline", {"id": self._walk.event_id})["event"]
        self._walk.title, self._walk.state = event["title"], event["state"]
        sent = {photo.phase: photo for photo in self._walk.photos}
        seen: list[Photo] = []
        for login, edge in zip(self._logins, event["steps"]["edges"], strict=True):
            node = edge["node"]
            pictures = [item["node"] for item in node["evidence"]["edges"]]
            self._walk.steps.append(_step(login, node, pictures))
            seen += [_checked(supervisor, sent[p["phase"]], p) for p in pictures]
        self._walk.photos = seen


def inside(geojson: str) -> tuple[float, float]:
    """A point inside a convex polygon, longitude and latitude: the mean of its corners."""
    ring = json.loads(geojson)["coordinates"][0][:-1]
    lon = sum(point[0] for point in ring) / len(ring)
    lat = sum(point[1] for point in ring) / len(ring)
    return round(lon, 6), round(lat, 6)


def _only_node(connection: Mapping[str, Any], code: str) -> dict[str, Any]:
    edges = connection["edges"]
    if not edges:
        raise NotFound("PLACE_NOT_FOUND", id=code)
    node: dict[str, Any] = edges[0]["node"]
    return node


def _step(login: str, node: Mapping[str, Any], pictures: list[dict[str, Any]]) -> Step:
    return Step(
        node["sequence"],
        login,
        node["actorName"],
        node["action"],
        node["fromState"] or "",
        node["toState"],
        node["at"],
        node["note"],
        tuple(picture["phase"] for picture in pictures),
    )


def _checked(frontend: Frontend, photo: Photo, picture: Mapping[str, Any]) -> Photo:
    found = hashlib.sha256(frontend.fetch(picture["originalUrl"])).hexdigest()
    if found != photo.sha256:
        raise Conflict("DEMO_PHOTO_CHANGED", expected=photo.sha256, found=found)
    view = frontend.fetch(picture["viewUrl"])
    return replace(photo, original_sha256=found, view_has_exif=EXIF in view)
