"""What a start leaves: people with passwords of their own, events where the package wants them."""

import csv
import itertools
import socket
import stat
from pathlib import Path
from typing import Any

import httpx
import pytest

from jingwei_api.demo.process_file import find
from jingwei_api.demo.serving import listening_socket
from jingwei_core.database import open_database
from jingwei_core.demo.passwords import accounts_path, keep_logins, read_logins
from jingwei_core.demo.preparing import find_packages
from jingwei_core.tenants.package_model import DemoAccount
from jingwei_sdk.errors import Invalid, Unavailable
from tests.demo.conftest import EVENTS, Demo, printed

SLUGS = ("yichang", "changzhi")
ADMIN = DemoAccount("admin", "管理员", "Admin", "tenant_admin", "4205", "", True)
CLERK = DemoAccount("clerk", "办事员", "Clerk", "clerk", "420502", "works", True)


async def _rows(demo: Demo, slug: str, sql: str) -> list[Any]:
    async with open_database(demo.settings) as database:
        async with database.platform() as unit:
            tenant = await unit.fetchval("SELECT id FROM platform.tenant WHERE slug = $1", slug)
        async with database.unit(tenant) as unit:
            return await unit.fetch(sql)


@pytest.mark.parametrize("slug", SLUGS)
async def test_demo_events_stand_where_the_package_says(demo: Demo, slug: str) -> None:
    with (demo.tenants / slug / "demo/events.csv").open(encoding="utf-8", newline="") as file:
        wanted = {row["title"]: row["state"] for row in csv.DictReader(file)}
    assert len(wanted) == EVENTS
    rows = await _rows(
        demo, slug, "SELECT title, state, created_at, state_since, reporter FROM core.event"
    )
    found = {row["title"]: row["state"] for row in rows if row["title"] in wanted}
    assert found == wanted
    seeded = [row for row in rows if row["title"] in wanted]
    assert all(row["reporter"] is not None for row in seeded)
    assert len({row["created_at"].date() for row in seeded}) > 1


@pytest.mark.parametrize("slug", SLUGS)
async def test_every_step_was_taken_by_somebody_and_in_order(demo: Demo, slug: str) -> None:
    steps = await _rows(
        demo,
        slug,
        # What a plugin opens for the demonstration is opened by the platform.
        "SELECT s.event, s.sequence, s.at, s.actor FROM core.event_step s JOIN core.event e"
        " ON e.id = s.event WHERE e.reporter IS NOT NULL ORDER BY 1, 2",
    )
    assert len({step["event"] for step in steps}) >= EVENTS
    assert all(step["actor"] is not None for step in steps)
    for before, after in itertools.pairwise(steps):
        if before["event"] == after["event"]:
            assert before["at"] < after["at"]


@pytest.mark.parametrize("slug", SLUGS)
async def test_accounts_have_one_post_and_a_password_nobody_else_has(demo: Demo, slug: str) -> None:
    path = accounts_path(demo.settings)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    logins = read_logins(path, slug)
    rows = await _rows(
        demo,
        slug,
        "SELECT a.login, count(p.id) AS posts FROM core.account a"
        " LEFT JOIN core.post p ON p.account = a.id GROUP BY 1",
    )
    assert {row["login"]: row["posts"] for row in rows} == dict.fromkeys(logins, 1)
    passwords = {login.password for other in SLUGS for login in read_logins(path, other).values()}
    assert len(passwords) == sum(len(read_logins(path, other)) for other in SLUGS)
    assert min(len(password) for password in passwords) >= 16


async def test_a_second_start_finds_nothing_to_do(demo: Demo) -> None:
    before = await _rows(demo, "yichang", "SELECT max(sequence) FROM core.audit_entry")
    done = printed(
        demo.command("demo", "up", "--no-serve", "--json", "--tenants", str(demo.tenants))
    )
    phases = {phase["name"]: phase["note"] for phase in done["phases"]}
    assert phases["yichang"] == phases["changzhi"] == phases["events"] == "nothing to do"
    assert phases["migrations"] == "0 applied"
    assert await _rows(demo, "yichang", "SELECT max(sequence) FROM core.audit_entry") == before


async def test_a_plugin_that_comes_later_fills_in_its_rows(demo: Demo) -> None:
    """As one does that was switched on after the first start: nothing of it is there."""
    tables = ("hazard", "inspection_item", "inspection", "enterprise")
    async with open_database(demo.settings) as database:
        async with database.platform() as unit:
            tenant = await unit.fetchval("SELECT id FROM platform.tenant WHERE slug = 'yichang'")
        async with database.unit(tenant) as unit:
            for table in tables:
                await unit.execute(f"DELETE FROM safety_production.{table}")
    done = printed(
        demo.command("demo", "up", "--no-serve", "--json", "--tenants", str(demo.tenants))
    )
    phases = {phase["name"]: phase["note"] for phase in done["phases"]}
    assert phases["yichang"].startswith("safety-production: ")
    assert phases["changzhi"] == "nothing to do"
    assert await _rows(demo, "yichang", "SELECT id FROM safety_production.enterprise")


def test_a_second_server_is_not_started(demo: Demo) -> None:
    done = printed(demo.command("demo", "up", "--json", "--tenants", str(demo.tenants)))
    assert done["already_running"] is True
    assert done["url"] == demo.url
    running = find(demo.settings)
    assert running is not None
    assert running.url == demo.url


def test_the_console_is_there(demo: Demo) -> None:
    answer = httpx.get(f"{demo.url}/graphql", headers={"Accept": "text/html"})
    assert answer.status_code == 200
    assert "GraphiQL" in answer.text


def test_a_taken_port_is_named() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Invalid) as refused:
            listening_socket(port)
    assert refused.value.code == "DEMO_PORT_TAKEN"
    assert refused.value.params["port"] == port


def test_a_folder_without_packages_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as refused:
        find_packages(tmp_path)
    assert refused.value.code == "DEMO_PACKAGES_MISSING"
    assert refused.value.params == {"folder": str(tmp_path), "slug": "yichang"}


def test_packages_are_found_from_anywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert [folder.name for folder in find_packages(None)] == list(SLUGS)


def test_passwords_are_kept_and_made_for_newcomers_only(tmp_path: Path) -> None:
    path = tmp_path / "data" / "accounts.json"
    first = keep_logins(path, "small", [ADMIN])
    again = keep_logins(path, "small", [ADMIN, CLERK])
    assert again["admin"] == first["admin"]
    assert again["clerk"].password != again["admin"].password
    assert (again["clerk"].role, again["clerk"].department) == ("clerk", "works")
    assert read_logins(path, "small") == again
    keep_logins(path, "other", [ADMIN])
    assert read_logins(path, "small") == again
    assert read_logins(path, "other")["admin"].password != first["admin"].password
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["accounts.json"]


def test_an_unreadable_file_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    path.write_text("{")
    with pytest.raises(Unavailable) as refused:
        keep_logins(path, "small", [ADMIN])
    assert refused.value.code == "DEMO_ACCOUNTS_UNREADABLE"
    assert path.read_text() == "{"
