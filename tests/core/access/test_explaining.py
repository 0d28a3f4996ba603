"""``jingwei access``: decisions explained, accounts listed, passwords set."""

import asyncio
import json
import os
import sys
from datetime import timedelta
from typing import Any

import pytest

from jingwei_core.access.explaining import AccessAnswer, Asked, explain_access, load_policy
from jingwei_core.access.passwords import verify_password
from jingwei_core.access.policy import Enforcers
from jingwei_sdk.errors import NotFound
from tests.core.access.world import GRID, NOON, ROOT, SIBLING, City

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


async def jingwei(city: City, *arguments: str, typed: str = "") -> tuple[int, str, str]:
    settings = city.platform.settings
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "jingwei_core.cli.main",
        "access",
        *arguments,
        env=os.environ
        | {
            "JINGWEI_DATABASE_URL": settings.database_url,
            "JINGWEI_DATA_DIR": str(settings.data_dir),
            "JINGWEI_ROLE_PREFIX": settings.role_prefix,
            "JINGWEI_LOCALE": "en",
        },
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(typed.encode())
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@pytest.fixture
async def listed(city: City) -> City:
    """The city with a row in the platform's list of tenants."""
    async with city.platform.database.owner() as unit:
        await unit.execute(
            "INSERT INTO platform.tenant (id, slug, name, timezone)"
            " VALUES ($1, $2, $2, 'Asia/Shanghai')",
            city.tenant.id,
            f"t{city.tenant.id.hex}",
        )
    await city.account("grid-01", "worker", GRID)
    return city


async def test_the_command_line_explains_and_lists(listed: City):
    slug = f"t{listed.tenant.id.hex}"
    status, out, _ = await jingwei(
        listed, "explain", slug, "grid-01", "event.read", "--at", CODES[GRID]
    )
    assert status == 0
    assert "allowed" in out
    assert "worker @ /1/2/" in out
    status, out, _ = await jingwei(
        listed, "explain", slug, "grid-01", "event.read", "--at", CODES[SIBLING], "--json"
    )
    told = json.loads(out)
    assert status == 1
    assert (told["allowed"], told["near"][0]["obstacle"]) == (False, "place")
    status, out, _ = await jingwei(listed, "accounts", slug, "--json")
    [row] = json.loads(out)
    assert (row["login"], row["posts_now"]) == ("grid-01", "worker @ /1/2/")


async def test_the_command_line_sets_passwords_in_the_audit_log(listed: City):
    slug = f"t{listed.tenant.id.hex}"
    status, out, _ = await jingwei(listed, "set-password", slug, "grid-01", "--generate")
    assert status == 0
    stored = await listed.value("SELECT password_hash FROM core.account")
    assert await verify_password(stored, out.strip())
    typed = "typed by hand 42\ntyped by hand 42\n"
    status, out, _ = await jingwei(listed, "set-password", slug, "grid-01", typed=typed)
    assert status == 0
    assert "typed by hand" not in out
    stored = await listed.value("SELECT password_hash FROM core.account")
    assert await verify_password(stored, "typed by hand 42")
    rows = await listed.fetch("SELECT command, actor_kind, changes FROM core.audit_entry")
    assert [(r["command"], r["actor_kind"]) for r in rows] == [
        ("account.set-password", "system")
    ] * 2
    assert all("argon2" not in row["changes"] for row in rows)


async def test_the_command_line_refuses_without_a_trace(listed: City):
    slug = f"t{listed.tenant.id.hex}"
    before = await listed.state()
    status, _, err = await jingwei(listed, "set-password", slug, "nobody", "--generate")
    assert status == 1
    assert "LOGIN_UNKNOWN" in err
    status, _, err = await jingwei(listed, "set-password", slug, "grid-01", typed="a\na\n")
    assert status == 1
    assert "PASSWORD_WEAK" in err
    assert await listed.state() == before
