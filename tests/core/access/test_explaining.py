"""``jingwei access``: decisions explained, accounts listed, passwords set."""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from jingwei_core.access.explaining import AccessAnswer, Asked, explain_access, load_policy
from jingwei_core.access.passwords import verify_password
from jingwei_core.access.policy import Enforcers
from jingwei_sdk.errors import NotFound
from tests.core.access.world import GRID, NOON, ROOT, SIBLING, City
from tests.fixtures.command_line import CommandLine, Told
from tests.tenants.listing import list_tenant

Run = Callable[..., Awaitable[Told]]
CODES = {ROOT: "420501", GRID: "420502", SIBLING: "420574"}


async def ask(city: City, permission: str, path: str | None) -> AccessAnswer:
    code = CODES[path] if path else None
    asked = Asked("grid-01", permission, code, city.platform.clock.now())
    async with city.platform.database.unit(city.tenant.id) as unit:
        return await explain_access(unit, city.tenant.id, asked, Enforcers())


async def test_a_decision_names_its_post_and_grant(city: City):
    await city.account("grid-01", "worker", GRID)
    answer = await ask(city, "event.read", GRID)
    assert answer.explanation.allowed
    [reason] = answer.explanation.reasons
    assert (reason.post.role, reason.post.path, reason.grant) == ("worker", GRID, "event.read")
    assert answer.explanation.policy == (str(city.tenant.id), "worker", "event.read")
    assert (await ask(city, "event.read", None)).explanation.allowed


async def test_a_refusal_names_what_came_near(city: City):
    account = await city.account("grid-01", "worker", GRID)
    await city.post(account, "centre", SIBLING, NOON - timedelta(days=9), NOON)
    answer = await ask(city, "event.read", SIBLING)
    assert not answer.explanation.allowed
    near = [(n.post.role, n.grant, n.obstacle) for n in answer.explanation.near]
    assert near == [("centre", "event.*", "time"), ("worker", "event.read", "place")]
    assert answer.place_names == {GRID: GRID, SIBLING: SIBLING}
    assert not (await ask(city, "role.manage", None)).explanation.near


async def test_a_suspended_account_is_denied_and_told_so(city: City):
    account = await city.account("grid-01", "worker", GRID)
    await city.fetch("UPDATE core.account SET status = 'suspended' WHERE id = $1", account)
    answer = await ask(city, "event.read", GRID)
    assert not answer.explanation.allowed
    assert answer.suspended


async def test_what_does_not_exist_is_said(city: City, neighbour: City):
    await neighbour.account("grid-01", "worker", GRID)
    with pytest.raises(NotFound) as caught:
        await ask(city, "event.read", GRID)
    assert caught.value.code == "LOGIN_UNKNOWN"
    await city.account("grid-01")
    asked = Asked("grid-01", "event.read", "9999", NOON)
    async with city.platform.database.unit(city.tenant.id) as unit:
        with pytest.raises(NotFound) as caught:
            await explain_access(unit, city.tenant.id, asked, Enforcers())
    assert caught.value.code == "PLACE_CODE_UNKNOWN"


async def test_an_enforcer_is_kept_until_the_rows_differ(city: City):
    enforcers = Enforcers()
    account = await city.account("grid-01", "worker", GRID)

    async def current() -> Any:
        async with city.platform.database.unit(city.tenant.id) as unit:
            return enforcers.of(await load_policy(unit, city.tenant.id))

    first = await current()
    assert await current() is first
    await city.post(account, "centre", SIBLING)
    assert await current() is not first


@pytest.fixture
def access(listed: City, jingwei: CommandLine) -> Run:
    """Run ``jingwei access`` on the city: the command, and what follows the city's slug."""

    async def run(command: str, *words: str, typed: str = "") -> Told:
        slug = f"t{listed.tenant.id.hex}"
        return await jingwei(listed.platform.settings, "access", command, slug, *words, typed=typed)

    return run


@pytest.fixture
async def listed(city: City) -> City:
    """The city with a row in the platform's list of tenants."""
    async with city.platform.database.owner() as unit:
        await list_tenant(unit, f"t{city.tenant.id.hex}", tenant_id=city.tenant.id)
    await city.account("grid-01", "worker", GRID)
    return city


async def test_the_command_line_explains_and_lists(access: Run):
    told = await access("explain", "grid-01", "event.read", "--at", CODES[GRID])
    assert told.code == 0
    assert "allowed" in told.out
    assert "worker @ /1/2/" in told.out
    told = await access("explain", "grid-01", "event.read", "--at", CODES[SIBLING], "--json")
    answer = json.loads(told.out)
    assert told.code == 1
    assert (answer["allowed"], answer["near"][0]["obstacle"]) == (False, "place")
    told = await access("accounts", "--json")
    [row] = json.loads(told.out)
    assert (row["login"], row["posts_now"]) == ("grid-01", "worker @ /1/2/")


async def test_the_command_line_sets_passwords_in_the_audit_log(listed: City, access: Run):
    told = await access("set-password", "grid-01", "--generate")
    assert told.code == 0
    stored = await listed.value("SELECT password_hash FROM core.account")
    assert await verify_password(stored, told.out.strip())
    typed = "typed by hand 42\ntyped by hand 42\n"
    told = await access("set-password", "grid-01", typed=typed)
    assert told.code == 0
    assert "typed by hand" not in told.out
    stored = await listed.value("SELECT password_hash FROM core.account")
    assert await verify_password(stored, "typed by hand 42")
    rows = await listed.fetch("SELECT command, actor_kind, changes FROM core.audit_entry")
    assert [(r["command"], r["actor_kind"]) for r in rows] == [
        ("account.set-password", "system")
    ] * 2
    assert all("argon2" not in row["changes"] for row in rows)


async def test_the_command_line_makes_a_tenants_first_account(listed: City, access: Run):
    new = ("create", "admin", "--name", "管理员", "--role", "centre", "--at", CODES[GRID])
    told = await access(*new, "--since", "2026-01-01", typed="typed by hand 42\ntyped by hand 42\n")
    assert told.code == 0
    assert "typed by hand" not in told.out
    (row,) = await listed.fetch(
        "SELECT a.name, r.code, l.code AS place, p.is_primary, p.valid_from, p.valid_to"
        "  FROM core.post p JOIN core.account a ON a.id = p.account"
        "  JOIN core.role r ON r.id = p.role JOIN core.place l ON l.id = p.place_id"
        " WHERE a.login = 'admin'"
    )
    found = (row["name"], row["code"], row["place"], row["is_primary"], row["valid_to"])
    assert found == ("管理员", "centre", CODES[GRID], True, None)
    begins = row["valid_from"]
    assert begins.astimezone(listed.tenant.timezone).isoformat() == "2026-01-01T00:00:00+08:00"
    before = await listed.state()
    again = await access(*new, "--generate")
    assert (again.code, "ROW_EXISTS" in again.err) == (1, True)
    lost = await access(*new[:-1], "000000", "--generate")
    assert (lost.code, "POST_UNKNOWN" in lost.err) == (1, True)
    assert await listed.state() == before


async def test_the_command_line_refuses_without_a_trace(listed: City, access: Run):
    before = await listed.state()
    told = await access("set-password", "nobody", "--generate")
    assert told.code == 1
    assert "LOGIN_UNKNOWN" in told.err
    told = await access("set-password", "grid-01", typed="a\na\n")
    assert told.code == 1
    assert "PASSWORD_WEAK" in told.err
    assert await listed.state() == before
