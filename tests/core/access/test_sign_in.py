"""Signing in, staying signed in, and being put out."""

import asyncio
import uuid
from datetime import timedelta

import pytest

from jingwei_core.access.sign_in import (
    Credentials,
    PasswordChange,
    SignedIn,
    change_password,
    refresh,
    sign_in,
    sign_out,
    sign_out_everywhere,
)
from jingwei_core.session import Request, account_context
from jingwei_sdk.errors import JingweiError
from tests.core.access.world import GRID, NOON, PASSWORD, City
from tests.servers.round_trips import round_trips

ASKED = Request("zh", "req-1")


async def enter(city: City, password: str = PASSWORD, login: str = "grid-01") -> SignedIn:
    given = Credentials(login, password, "192.0.2.7")
    return await sign_in(city.platform, city.tenant, given, ASKED)


async def renew(city: City, token: str) -> SignedIn:
    return await refresh(city.platform, city.tenant, token, ASKED)


async def refused(work: object) -> str:
    with pytest.raises(JingweiError) as caught:
        await work  # type: ignore[misc]
    return caught.value.code


async def counted(city: City) -> tuple[int, timedelta | None]:
    row = (await city.fetch("SELECT failed_count, locked_until FROM core.account"))[0]
    until = row["locked_until"]
    return row["failed_count"], until - city.platform.clock.now() if until else None


async def may_act(city: City, session: SignedIn) -> bool:
    """Whether a request with the session's access token gets a context."""
    clock = city.platform.clock
    try:
        who = city.platform.tokens.verify(city.tenant.id, session.access_token, clock.now())
        async with account_context(city.platform, city.tenant, who, ASKED) as ctx:
            return ctx.actor.account_id == session.account_id
    except JingweiError:
        return False


@pytest.fixture
async def worker(city: City) -> uuid.UUID:
    return await city.account("grid-01", "worker", GRID)


async def test_the_right_password_gives_a_session(city: City, worker: uuid.UUID):
    session = await enter(city)
    assert session.account_id == worker
    assert session.access_expires_at == NOON + timedelta(
        seconds=city.platform.settings.access_token_s
    )
    assert session.refresh_expires_at == NOON + timedelta(days=14)
    assert await may_act(city, session)
    assert await city.audited() == ["session.sign-in"]
    entry = (await city.fetch("SELECT * FROM core.audit_entry"))[0]
    assert (entry["actor_id"], entry["request_id"]) == (worker, "req-1")
    assert "192.0.2.7" in entry["changes"]
    assert session.refresh_token not in entry["changes"]
    stored = await city.value("SELECT array_agg(r::text)::text FROM core.refresh_token r")
    assert session.refresh_token not in stored


async def test_the_login_is_read_without_case_and_blanks(city: City, worker: uuid.UUID):
    assert (await enter(city, login=" GRID-01 ")).account_id == worker


async def test_an_outdated_hash_is_renewed_at_sign_in(city: City, worker: uuid.UUID):
    before = await city.value("SELECT password_hash FROM core.account")
    await enter(city)
    after = await city.value("SELECT password_hash FROM core.account")
    assert before != after
    assert "m=19456,t=2,p=1" in after
    await enter(city)
    assert await city.value("SELECT password_hash FROM core.account") == after


async def test_failures_read_alike_and_a_stranger_leaves_no_trace(city: City, worker: uuid.UUID):
    await city.account("no-password")
    await city.fetch("UPDATE core.account SET password_hash = NULL WHERE login = 'no-password'")
    suspended = await city.account("gone")
    await city.fetch("UPDATE core.account SET status = 'suspended' WHERE id = $1", suspended)
    before = await city.state()
    assert await refused(enter(city, login="nobody")) == "SIGN_IN_FAILED"
    assert await refused(enter(city, login="gone")) == "SIGN_IN_FAILED"
    assert await city.state() == before
    assert await refused(enter(city, "wrong")) == "SIGN_IN_FAILED"
    assert await refused(enter(city, "", "no-password")) == "SIGN_IN_FAILED"
    assert await city.value("SELECT count(*) FROM core.refresh_token") == 0


async def test_every_failure_is_the_same_work(city: City, worker: uuid.UUID):
    """Nor does the time that it takes tell which logins exist, are locked or suspended."""
    changes = {"gone": "status = 'suspended'", "shut": "locked_until = '2099-01-01Z'"}
    for login, change in changes.items():
        account = await city.account(login)
        await city.fetch(f"UPDATE core.account SET {change} WHERE id = $1", account)
    work = {}
    for login in ("grid-01", "nobody", "gone", "shut"):
        await refused(enter(city, "wrong", login))  # prepares its statements
        with round_trips() as trips:
            assert await refused(enter(city, "wrong", login)) == "SIGN_IN_FAILED"
        work[login] = await trips.settled()
    assert {login: len(sent) for login, sent in work.items()} == dict.fromkeys(
        work, len(work["grid-01"])
    )
    for login, sent in work.items():
        # The statements of each, by what they begin with; the last one has written.
        assert [one.split()[0] for one in sent] == [one.split()[0] for one in work["grid-01"]]
        writes = "audit_note" if login == "grid-01" else "pg_logical_emit_message"
        assert writes in sent[-1]


async def test_the_neighbours_account_cannot_sign_in_here(
    city: City, neighbour: City, worker: uuid.UUID
):
    before = await neighbour.state()
    assert await refused(enter(neighbour)) == "SIGN_IN_FAILED"
    assert await neighbour.state() == before
    session = await enter(city)
    assert await refused(renew(neighbour, session.refresh_token)) == "SESSION_ENDED"
    assert not await may_act(neighbour, session)
    assert (await renew(city, session.refresh_token)).account_id == worker


async def test_five_failures_lock_and_the_lock_doubles(city: City, worker: uuid.UUID):
    clock = city.platform.clock
    for number in range(1, 5):
        assert await refused(enter(city, "wrong")) == "SIGN_IN_FAILED"
        assert await counted(city) == (number, None)
    assert await refused(enter(city, "wrong")) == "SIGN_IN_FAILED"
    assert await counted(city) == (5, timedelta(minutes=15))
    before = await city.state()
    assert await refused(enter(city)) == "SIGN_IN_FAILED"
    assert await refused(enter(city, "wrong")) == "SIGN_IN_FAILED"
    assert await city.state() == before
    clock.forward(minutes=15)
    assert await refused(enter(city, "wrong")) == "SIGN_IN_FAILED"
    assert await counted(city) == (6, timedelta(minutes=30))
    clock.forward(minutes=30, seconds=-1)
    assert await refused(enter(city)) == "SIGN_IN_FAILED"
    clock.forward(seconds=1)
    await enter(city)
    assert await counted(city) == (0, None)
    assert await city.audited() == ["session.sign-in-failed"] * 6 + ["session.sign-in"]


async def test_the_lock_has_a_longest_time(city: City, worker: uuid.UUID):
    await city.fetch("UPDATE core.account SET failed_count = 5000")
    assert await refused(enter(city, "wrong")) == "SIGN_IN_FAILED"
    assert await counted(city) == (5001, timedelta(days=1))


async def test_attempts_at_the_same_moment_are_all_counted(city: City, worker: uuid.UUID):
    codes = await asyncio.gather(*(refused(enter(city, f"wrong {n}")) for n in range(12)))
    assert codes == ["SIGN_IN_FAILED"] * 12
    assert await counted(city) == (5, timedelta(minutes=15))
    assert await refused(enter(city)) == "SIGN_IN_FAILED"


async def test_a_refresh_token_works_once_and_is_replaced(city: City, worker: uuid.UUID):
    first = await enter(city)
    city.platform.clock.forward(seconds=city.platform.settings.access_token_s)
    assert not await may_act(city, first)
    second = await renew(city, first.refresh_token)
    assert second.refresh_token != first.refresh_token
    assert await may_act(city, second)
    third = await renew(city, second.refresh_token)
    assert await may_act(city, third)
    assert await city.value("SELECT count(DISTINCT family_id) FROM core.refresh_token") == 1


async def test_reuse_ends_the_family_and_nothing_else(city: City, worker: uuid.UUID):
    other = await enter(city)
    first = await enter(city)
    second = await renew(city, first.refresh_token)
    assert await refused(renew(city, first.refresh_token)) == "REFRESH_TOKEN_REUSED"
    assert await refused(renew(city, second.refresh_token)) == "SESSION_ENDED"
    assert await refused(renew(city, first.refresh_token)) == "SESSION_ENDED"
    assert await city.value("SELECT session_epoch FROM core.account") == 0
    assert await may_act(city, await renew(city, other.refresh_token))
    assert (await city.audited())[-1] == "session.refresh-reused"


async def test_of_two_refreshes_at_once_one_wins_and_the_family_ends(city: City, worker: uuid.UUID):
    session = await enter(city)
    outcomes = await asyncio.gather(
        *(renew(city, session.refresh_token) for _ in range(8)), return_exceptions=True
    )
    won = [outcome for outcome in outcomes if isinstance(outcome, SignedIn)]
    codes = sorted(o.code for o in outcomes if isinstance(o, JingweiError))
    assert len(won) == 1
    assert codes == ["REFRESH_TOKEN_REUSED"] + ["SESSION_ENDED"] * 6
    assert await refused(renew(city, won[0].refresh_token)) == "SESSION_ENDED"
    assert await city.value("SELECT count(*) FROM core.refresh_token") == 2


async def test_a_refresh_token_expires(city: City, worker: uuid.UUID):
    session = await enter(city)
    city.platform.clock.forward(days=14)
    before = await city.state()
    assert await refused(renew(city, session.refresh_token)) == "SESSION_ENDED"
    assert await refused(renew(city, "unknown")) == "SESSION_ENDED"
    assert await refused(renew(city, "")) == "SESSION_ENDED"
    assert await city.state() == before


async def test_an_expired_token_is_known_as_used_also_after_a_sign_in(
    city: City, worker: uuid.UUID
):
    first = await enter(city)
    await renew(city, first.refresh_token)
    city.platform.clock.forward(days=14, seconds=1)
    await enter(city)
    assert await refused(renew(city, first.refresh_token)) == "REFRESH_TOKEN_REUSED"


async def test_sign_out_ends_one_session(city: City, worker: uuid.UUID):
    first, second = await enter(city), await enter(city)
    await sign_out(city.platform, city.tenant, first.refresh_token, ASKED)
    assert await refused(renew(city, first.refresh_token)) == "SESSION_ENDED"
    assert await may_act(city, await renew(city, second.refresh_token))
    before = await city.state()
    await sign_out(city.platform, city.tenant, first.refresh_token, ASKED)
    await sign_out(city.platform, city.tenant, "unknown", ASKED)
    assert await city.state() == before


async def test_sign_out_everywhere_ends_every_session_with_the_next_request(
    city: City, worker: uuid.UUID
):
    sessions = [await enter(city) for _ in range(3)]
    who = await city.identity(worker)
    await sign_out_everywhere(city.platform, city.tenant, who, ASKED)
    for session in sessions:
        assert not await may_act(city, session)
        assert await refused(renew(city, session.refresh_token)) == "SESSION_ENDED"
    before = await city.state()
    work = sign_out_everywhere(city.platform, city.tenant, who, ASKED)
    assert await refused(work) == "SESSION_ENDED"
    assert await city.state() == before
    assert await may_act(city, await enter(city))


async def test_a_suspended_account_is_out_with_the_next_request(city: City, worker: uuid.UUID):
    session = await enter(city)
    await city.fetch("UPDATE core.account SET status = 'suspended'")
    assert not await may_act(city, session)
    assert await refused(renew(city, session.refresh_token)) == "SESSION_ENDED"


async def test_changing_the_password_ends_the_other_sessions(city: City, worker: uuid.UUID):
    old = await enter(city)
    who = await city.identity(worker)
    change = PasswordChange(PASSWORD, "another long password")
    new = await change_password(city.platform, city.tenant, who, change, ASKED)
    assert await may_act(city, new)
    assert not await may_act(city, old)
    assert await refused(renew(city, old.refresh_token)) == "SESSION_ENDED"
    assert await refused(enter(city)) == "SIGN_IN_FAILED"
    assert await may_act(city, await enter(city, "another long password"))
    assert await may_act(city, await renew(city, new.refresh_token))
    audited = await city.value("SELECT string_agg(changes::text, '') FROM core.audit_entry")
    assert "argon2" not in audited


async def test_a_wrong_present_password_counts_and_a_weak_new_one_changes_nothing(
    city: City, worker: uuid.UUID
):
    session = await enter(city)
    who = await city.identity(worker)
    before = await city.state()
    weak = change_password(city.platform, city.tenant, who, PasswordChange(PASSWORD, "x"), ASKED)
    assert await refused(weak) == "PASSWORD_WEAK"
    assert await city.state() == before
    wrong = PasswordChange("wrong", "another long password")
    for number in range(1, 6):
        work = change_password(city.platform, city.tenant, who, wrong, ASKED)
        assert await refused(work) == "PASSWORD_WRONG"
        assert (await counted(city))[0] == number
    right = PasswordChange(PASSWORD, "another long password")
    locked = change_password(city.platform, city.tenant, who, right, ASKED)
    assert await refused(locked) == "PASSWORD_WRONG"
    assert await may_act(city, session)
