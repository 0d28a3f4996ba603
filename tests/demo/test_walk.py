"""One event through its whole life over HTTP, against a server in a process of its own."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from jingwei_api.demo.casting import read_parts
from jingwei_api.demo.frontend import Frontend, document, open_http, sign_in
from jingwei_api.demo.walk import Walk, Walker
from jingwei_api.demo.walking import Wanted, walk_through
from jingwei_core.audit.chain import verify_chain
from jingwei_core.database import Database, open_database
from jingwei_core.demo.passwords import DemoLogin, accounts_path, read_logins
from jingwei_sdk.errors import Denied, Unavailable
from tests.demo.conftest import Demo
from tests.servers.processes import free_port

LOOP = [
    ("grid-xiling-01", "report", "", "registered", ("before",)),
    ("chief-tujietou", "file", "registered", "filed", ()),
    ("chief-tujietou", "verify", "filed", "verified", ()),
    ("centre-xiling", "dispatch", "verified", "dispatched", ()),
    ("handler-municipal", "handle", "dispatched", "handled", ("after",)),
    ("checker-xiling", "check", "handled", "checked", ()),
    ("centre-xiling", "close", "checked", "closed", ()),
]


@dataclass
class Walked:
    """A walk, what went over the wire, and the means to send it again."""

    walk: Walk
    http: httpx.Client
    logins: dict[str, DemoLogin]
    exchanges: list[tuple[str, Any, Any]] = field(default_factory=list)

    def sent(self, name: str) -> list[Any]:
        """The variables of every operation of that name."""
        return [sent for what, sent, _ in self.exchanges if what == f"POST /graphql {name}"]

    def as_(self, login: str) -> Frontend:
        return sign_in(self.http, "yichang", self.logins[login], _unseen)


@pytest.fixture(scope="session")
def walked(demo: Demo) -> Iterator[Walked]:
    path = accounts_path(demo.settings)
    with open_http(demo.url) as http:
        exchanges: list[tuple[str, Any, Any]] = []
        parts = read_parts(path, "yichang")
        walker = Walker(
            http, "yichang", parts, lambda what, sent, got: exchanges.append((what, sent, got))
        )
        walk = walker.run()
        yield Walked(walk, http, read_logins(path, "yichang"), exchanges)


@pytest.fixture(scope="session")
async def city(demo: Demo) -> AsyncIterator[Database]:
    async with open_database(demo.settings) as database:
        yield database


async def _rows(city: Database, sql: str, *args: object) -> list[Any]:
    async with city.platform() as unit:
        tenant = await unit.fetchval("SELECT id FROM platform.tenant WHERE slug = 'yichang'")
    async with city.unit(tenant) as unit:
        return await unit.fetch(sql, *args)


def test_each_step_is_taken_by_its_own_account(walked: Walked) -> None:
    steps = [(s.login, s.action, s.from_state, s.to_state, s.photos) for s in walked.walk.steps]
    assert steps == LOOP
    assert [s.actor for s in walked.walk.steps] == [walked.logins[s[0]].name for s in LOOP]
    assert [s.number for s in walked.walk.steps] == [1, 2, 3, 4, 5, 6, 7]
    assert walked.walk.state == "closed"
    assert walked.walk.place == "42050200100101 土街头社区第01网格"


def test_every_account_signed_in_with_its_own_password(walked: Walked) -> None:
    signed = [sent["login"] for what, sent, _ in walked.exchanges if what.endswith("/sign-in")]
    assert signed == [
        *("grid-xiling-01", "chief-tujietou", "centre-xiling", "handler-municipal"),
        *("checker-xiling", "supervisor-yichang"),
    ]
    assert len({login.password for login in walked.logins.values()}) == len(walked.logins)


def test_the_photos_come_back_as_they_were_sent(walked: Walked) -> None:
    photos = {photo.phase: photo for photo in walked.walk.photos}
    assert sorted(photos) == ["after", "before"]
    for photo in photos.values():
        assert photo.original_sha256 == photo.sha256
        assert not photo.view_has_exif
    assert photos["before"].sha256 != photos["after"].sha256
    assert photos["before"].login == "grid-xiling-01"
    assert photos["after"].login == "handler-municipal"


def test_position_and_time_are_read_from_the_picture(walked: Walked) -> None:
    (reported,) = walked.sent("report_event")
    position = reported["input"]["position"]
    (before, _) = walked.walk.photos
    assert (before.lon, before.lat) == pytest.approx((position["lon"], position["lat"]), abs=1e-6)
    assert before.taken_at is not None


async def test_the_audit_chain_holds_and_tells_who_did_what(walked: Walked, city: Database) -> None:
    (event,) = await _rows(city, "SELECT id FROM core.event WHERE number = $1", walked.walk.number)
    told = await _rows(
        city,
        "SELECT a.command, c.login FROM core.audit_entry a JOIN core.account c"
        " ON c.id = a.actor_id WHERE a.target_id = $1 ORDER BY a.sequence",
        event["id"],
    )
    expected = [("event.report", LOOP[0][0]), *(("event.act", step[0]) for step in LOOP[1:])]
    assert [(row["command"], row["login"]) for row in told] == expected
    async with city.platform() as unit:
        tenants = [row["id"] for row in await unit.fetch("SELECT id FROM platform.tenant")]
    assert len(tenants) == 2
    for tenant in tenants:
        async with city.unit(tenant) as unit:
            verdict = await verify_chain(unit)
        assert verdict.broken_at is None
        assert verdict.rows > 100


async def test_a_step_sent_again_answers_the_same_once(walked: Walked, city: Database) -> None:
    (report,) = walked.sent("report_event")
    before = await _everything(city)
    again = walked.as_("grid-xiling-01").ask("report_event", report)["eventReport"]
    assert again["replayed"] is True
    assert (again["event"]["id"], again["event"]["number"]) == (
        walked.walk.event_id,
        walked.walk.number,
    )
    (handle,) = [
        sent for sent in walked.sent("act_on_event") if sent["input"]["action"] == "handle"
    ]
    again = walked.as_("handler-municipal").ask("act_on_event", handle)["eventAct"]
    assert again["replayed"] is True
    # The row is read as it stands now: nothing was handled a second time.
    assert again["event"]["state"] == "closed"
    assert await _everything(city) == before


async def test_a_key_is_good_for_one_input(walked: Walked, city: Database) -> None:
    (report,) = walked.sent("report_event")
    other = {**report, "input": {**report["input"], "title": "另一件事"}}
    before = await _everything(city)
    with pytest.raises(Denied) as refused:
        walked.as_("grid-xiling-01").ask("report_event", other)
    assert refused.value.params["refusal"] == "IDEMPOTENCY_KEY_REUSED"
    assert await _everything(city) == before


async def test_nobody_takes_the_step_of_another(walked: Walked, city: Database) -> None:
    before = await _everything(city)
    given = {"id": walked.walk.event_id, "input": {"action": "reopen", "reason": "重办"}}
    with pytest.raises(Denied) as refused:
        walked.as_("checker-xiling").ask("act_on_event", {**given, "key": "another-hand"})
    assert refused.value.params["refusal"] == "PERMISSION_DENIED"
    assert await _everything(city) == before


def test_a_wrong_password_is_told_as_a_refused_step(walked: Walked) -> None:
    stranger = DemoLogin("grid-xiling-02", "not the password", "", "", "", "")
    with pytest.raises(Denied) as refused:
        sign_in(walked.http, "yichang", stranger, _unseen)
    assert refused.value.code == "DEMO_STEP_REFUSED"
    assert refused.value.params["refusal"] == "SIGN_IN_FAILED"


def test_the_other_city_walks_too(demo: Demo) -> None:
    done = demo.command("demo", "walk", "--url", demo.url, "--tenant", "changzhi", "--json")
    assert done.returncode == 0, done.stderr
    walk = json.loads(done.stdout)
    assert [(s["action"], s["to_state"]) for s in walk["steps"]] == [(s[1], s[3]) for s in LOOP]
    assert walk["state"] == "closed"


def test_verbose_shows_no_password_and_no_token(demo: Demo) -> None:
    done = demo.command("demo", "walk", "--url", demo.url, "--verbose", "--json")
    assert done.returncode == 0, done.stderr
    assert "POST /auth/sign-in" in done.stderr
    assert "POST /graphql report_event" in done.stderr
    for login in read_logins(accounts_path(demo.settings), "yichang").values():
        assert login.password not in done.stderr
    # The first part of every signed token.
    assert "eyJ" not in done.stderr


def test_without_a_server_the_walk_says_how_to_start_one(demo: Demo) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(Unavailable) as silent:
        walk_through(demo.settings, Wanted(url, "yichang", None), _unseen)
    assert silent.value.code == "DEMO_SERVER_SILENT"
    done = demo.command("demo", "walk", "--url", url)
    assert done.returncode == 1
    assert url in done.stderr
    assert "make demo" in done.stderr


def test_a_walk_finds_the_running_server(demo: Demo) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    done = demo.command("demo", "walk", "--start", "--url", url)
    assert done.returncode == 0, done.stderr
    assert demo.url in done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[2] for line in lines[1:8]] == [step[1] for step in LOOP]
    assert "photo before" in lines[1]
    assert lines[-1].startswith("7 步 steps, closed, ")


def test_documents_are_files_of_the_package() -> None:
    assert document("report_event").startswith("# 登记")


async def _everything(city: Database) -> list[list[str]]:
    tables = ("event", "event_step", "step_evidence", "evidence", "command_key", "organisation")
    return [
        [row[0] for row in await _rows(city, f"SELECT x::text FROM core.{table} x ORDER BY 1")]
        for table in tables
    ]


def _unseen(what: str, sent: object, received: object) -> None:
    """Exchanges are not kept."""
