"""Seeding two small cities: again, after a break, and without leaving its own city."""

from functools import partial
from pathlib import Path

import pytest

from jingwei_core.access.sign_in import Credentials, sign_in
from jingwei_core.audit.chain import verify_chain
from jingwei_core.demo import events as demo_events
from jingwei_core.demo.passwords import read_logins
from jingwei_core.demo.seeding import Progress, Seeded, seed
from jingwei_core.session import Request
from jingwei_sdk.errors import Conflict, Unauthenticated
from tests.tenants.small_world import LiveServer, SmallCity, TwoCities

STANDARD = ["report", "file", "verify", "dispatch", "handle", "check", "close"]
STEPS = len(STANDARD) + 1 + 4
ROWS = 13
"""Of the plugin: checklists, an entry of the ledger, an inspection with its answers."""


def _unseen(progress: Progress) -> None:
    """Progress is not looked at."""


async def _seeded(city: SmallCity, accounts: Path) -> Seeded:
    return await seed(city.platform, city.package, accounts, _unseen)


async def _events(city: SmallCity) -> dict[str, list[str]]:
    rows = await city.fetch(
        "SELECT e.title || e.state AS event, s.action, a.login FROM core.event e"
        " JOIN core.event_step s ON s.event = e.id JOIN core.account a ON a.id = s.actor"
        " ORDER BY e.number, s.sequence"
    )
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(str(row["event"]), []).append(f"{row['action']} {row['login']}")
    return found


async def test_events_are_led_by_whoever_may_and_is_nearest(
    two_cities: TwoCities, tmp_path: Path
) -> None:
    city = two_cities.first
    told: list[Progress] = []
    done = await seed(city.platform, city.package, tmp_path / "accounts.json", told.append)
    assert done == Seeded("first", 0, organisations=1, steps=STEPS, plugin_rows=ROWS)
    assert told == [Progress("first", number, 3) for number in (1, 2, 3)]
    assert await _events(city) == {
        "坑洞closed": [
            *("report worker", "file chief", "verify chief", "dispatch centre"),
            *("handle mender", "check checker", "close centre"),
        ],
        "灯不亮registered": ["report worker-37"],
        "坑洞dispatched": [
            *("report worker-37", "file chief", "verify chief", "dispatch centre"),
        ],
    }
    photos = await city.fetch(
        "SELECT se.phase, a.login FROM core.step_evidence se"
        " JOIN core.evidence e ON e.id = se.evidence JOIN core.account a ON a.id = e.owner"
        " WHERE e.status = 'committed' ORDER BY 1, 2"
    )
    assert [(row["phase"], row["login"]) for row in photos] == [
        *(("after", "mender"), ("before", "worker"), ("before", "worker-37")),
    ]
    assert await _events(two_cities.second) == {}


async def test_seeding_again_adds_nothing(two_cities: TwoCities, tmp_path: Path) -> None:
    city = two_cities.first
    await _seeded(city, tmp_path / "accounts.json")
    before = await city.fetch("SELECT x::text FROM core.audit_entry x ORDER BY sequence")
    assert await _seeded(city, tmp_path / "accounts.json") == Seeded("first")
    assert await city.fetch("SELECT x::text FROM core.audit_entry x ORDER BY sequence") == before


async def test_a_story_that_broke_off_goes_on(
    two_cities: TwoCities, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    city, taken = two_cities.first, 0
    execute = demo_events.execute

    async def breaks(*args: object) -> object:
        nonlocal taken
        taken += 1
        if taken == 4:
            raise ConnectionError
        return await execute(*args)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(demo_events, "execute", breaks)
        with pytest.raises(ConnectionError):
            await _seeded(city, tmp_path / "accounts.json")
    assert [len(steps) for steps in (await _events(city)).values()] == [3]
    done = await _seeded(city, tmp_path / "accounts.json")
    assert done == Seeded("first", steps=STEPS - 3, plugin_rows=ROWS)
    assert [len(steps) for steps in (await _events(city)).values()] == [len(STANDARD), 1, 4]
    async with city.platform.database.unit(city.tenant.id) as unit:
        assert (await verify_chain(unit)).broken_at is None


async def test_a_story_ends_where_its_area_has_nobody(
    two_cities: TwoCities, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    city, taken = two_cities.first, 0
    execute = demo_events.execute

    async def refuses(code: str, *args: object) -> object:
        nonlocal taken
        taken += 1
        if taken == 4:
            raise Conflict(code, action="dispatch")
        return await execute(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(demo_events, "execute", partial(refuses, "EVENT_NO_PREVIOUS"))
    with pytest.raises(Conflict):
        await _seeded(city, tmp_path / "accounts.json")
    taken = 1
    monkeypatch.setattr(demo_events, "execute", partial(refuses, "EVENT_NOBODY_TO_ASSIGN"))
    await _seeded(city, tmp_path / "accounts.json")
    told = await _events(city)
    assert [len(steps) for steps in told.values()] == [5, 1, 4]


async def test_a_lost_file_gives_new_passwords(two_cities: TwoCities, tmp_path: Path) -> None:
    city = two_cities.first
    old = city.logins["worker"]
    assert await _signs_in(city, old.password)
    (tmp_path / "accounts.json").unlink()
    done = await _seeded(city, tmp_path / "accounts.json")
    assert done.accounts == 0
    new = read_logins(tmp_path / "accounts.json", "first")["worker"]
    assert new.password != old.password
    assert not await _signs_in(city, old.password)
    assert await _signs_in(city, new.password)


@pytest.mark.commit
async def test_a_live_server_keeps_the_cities_apart(
    live_server: LiveServer, two_cities: TwoCities
) -> None:
    question = {"query": "{ me { name } places(first: 50) { totalCount } }"}
    first, second = two_cities.first, two_cities.second
    async with live_server.client() as http:
        own = await http.post("/graphql", json=question, headers=first.headers("worker"))
        assert own.json()["data"] == {"me": {"name": "网格员·01"}, "places": {"totalCount": 1}}
        chief = await http.post("/graphql", json=question, headers=second.headers("chief"))
        assert chief.json()["data"] == {"me": {"name": "网格长"}, "places": {"totalCount": 41}}
        foreign = {**first.headers("worker"), "X-Jingwei-Tenant": "second"}
        other = await http.post("/graphql", json=question, headers=foreign)
        assert other.status_code == 401
        assert "data" not in other.json()


async def _signs_in(city: SmallCity, password: str) -> bool:
    try:
        await sign_in(city.platform, city.tenant, Credentials("worker", password), Request())
    except Unauthenticated:
        return False
    return True
