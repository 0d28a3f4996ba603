"""Managing staff: what may be given, by whom, and what must never happen."""

import asyncio
import uuid
from datetime import timedelta

import pytest

from jingwei_core.access.passwords import verify_password
from jingwei_sdk.errors import JingweiError
from tests.core.access.world import GRID, NOON, ROOT, SIBLING, City

NEW = "a long enough password"


async def refused(city: City, work: object) -> str:
    """The code of a refusal that changed nothing."""
    before = await city.state()
    with pytest.raises(JingweiError) as caught:
        await work  # type: ignore[misc]
    assert await city.state() == before
    return caught.value.code


async def paths(city: City, account: uuid.UUID, permission: str) -> tuple[str, ...]:
    access = await city.access(account)
    assert access is not None
    return access.permissions.paths(permission)


@pytest.fixture
async def admin(city: City) -> uuid.UUID:
    return await city.account("admin", "admin", ROOT)


@pytest.fixture
async def staffer(city: City) -> uuid.UUID:
    """Manages staff of one subtree and may not bind roles beyond what they hold."""
    return await city.account("staffer", "staffer", GRID)


@pytest.fixture
async def worker(city: City) -> uuid.UUID:
    return await city.account("grid-01", "worker", GRID)


async def test_create_an_account(city: City, admin: uuid.UUID):
    answer = await city.run(admin, "account.create", login=" Grid-09 ", name="网格员", password=NEW)
    row = (await city.fetch("SELECT * FROM core.account WHERE id = $1", answer.row_id))[0]
    assert (row["login"], row["name"], row["status"]) == ("grid-09", "网格员", "active")
    assert await verify_password(row["password_hash"], NEW)
    entry = (await city.fetch("SELECT * FROM core.audit_entry"))[0]
    assert (entry["command"], entry["actor_id"]) == ("account.create", admin)
    assert NEW not in entry["changes"]
    assert "argon2" not in entry["changes"]
    assert await paths(city, row["id"], "event.read") == ()


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"login": "x"}, "LOGIN_INVALID"),
        ({"login": "网格员"}, "LOGIN_INVALID"),
        ({"login": "grid 9"}, "LOGIN_INVALID"),
        ({"name": ""}, "INPUT_INVALID"),
        ({"password": "short"}, "PASSWORD_WEAK"),
        ({"login": "admin"}, "ROW_EXISTS"),
    ],
)
async def test_accounts_that_are_not_created(
    city: City, admin: uuid.UUID, given: dict[str, str], code: str
):
    good = {"login": "grid-09", "name": "网格员", "password": NEW}
    assert await refused(city, city.run(admin, "account.create", **{**good, **given})) == code


async def test_without_the_permission_nothing_happens(
    city: City, admin: uuid.UUID, worker: uuid.UUID
):
    create = city.run(worker, "account.create", login="grid-09", name="x")
    assert await refused(city, create) == "PERMISSION_DENIED"
    assert await refused(city, city.run(worker, "account.suspend", admin)) == "PERMISSION_DENIED"
    grant = city.run(
        worker,
        "post.grant",
        account_id=admin,
        role_id=city.roles["worker"],
        place_id=city.places[GRID],
    )
    assert await refused(city, grant) == "PERMISSION_DENIED"
    save = city.run(worker, "role.save", code="worker", name="x", permissions=["*"])
    assert await refused(city, save) == "PERMISSION_DENIED"


async def test_suspend_and_resume(city: City, admin: uuid.UUID, worker: uuid.UUID):
    await city.run(admin, "account.suspend", worker)
    assert await paths(city, worker, "event.read") == ()
    assert (await city.identity(worker)).epoch == 1
    await city.fetch("UPDATE core.account SET failed_count = 7, locked_until = now() + '1 day'")
    await city.run(admin, "account.resume", worker)
    assert await paths(city, worker, "event.read") == (GRID,)
    row = (await city.fetch("SELECT * FROM core.account WHERE id = $1", worker))[0]
    assert (row["failed_count"], row["locked_until"]) == (0, None)
    assert await city.audited() == ["account.suspend", "account.resume"]


async def test_set_a_password(city: City, admin: uuid.UUID, worker: uuid.UUID):
    await city.run(admin, "account.set-password", worker, password=NEW)
    row = (await city.fetch("SELECT * FROM core.account WHERE id = $1", worker))[0]
    assert await verify_password(row["password_hash"], NEW)
    assert row["session_epoch"] == 1
    weak = city.run(admin, "account.set-password", worker, password="short")
    assert await refused(city, weak) == "PASSWORD_WEAK"


async def test_sign_an_account_out(city: City, admin: uuid.UUID, worker: uuid.UUID):
    await city.run(admin, "account.sign-out-everywhere", worker)
    assert (await city.identity(worker)).epoch == 1


async def test_nobody_changes_themselves(city: City, admin: uuid.UUID):
    await city.account("admin-2", "admin", ROOT)
    for name, given in (("account.suspend", {}), ("account.set-password", {"password": NEW})):
        assert await refused(city, city.run(admin, name, admin, **given)) == "OWN_ACCESS"
    grant = city.run(
        admin,
        "post.grant",
        account_id=admin,
        role_id=city.roles["centre"],
        place_id=city.places[ROOT],
    )
    assert await refused(city, grant) == "OWN_ACCESS"
    post = await city.value("SELECT id FROM core.post WHERE account = $1", admin)
    assert await refused(city, city.run(admin, "post.end", post)) == "OWN_ACCESS"


async def grant(city: City, actor: uuid.UUID, account: uuid.UUID, role: str, path: str) -> None:
    await city.run(
        actor,
        "post.grant",
        account_id=account,
        role_id=city.roles[role],
        place_id=city.places[path],
    )


async def test_a_post_takes_effect_at_once_and_moves_the_policy(
    city: City, admin: uuid.UUID, worker: uuid.UUID
):
    before = await city.access(worker)
    await grant(city, admin, worker, "centre", SIBLING)
    after = await city.access(worker)
    assert before is not None
    assert after is not None
    assert after.permissions.paths("event.file") == (SIBLING,)
    assert after.permissions.paths("event.read") == (GRID, SIBLING)
    assert after.policy_version == before.policy_version + 1


async def test_a_post_is_given_within_what_one_holds_there(
    city: City, staffer: uuid.UUID, worker: uuid.UUID
):
    await grant(city, staffer, worker, "worker", GRID)
    assert await refused(city, grant(city, staffer, worker, "centre", GRID)) == "ESCALATION"
    assert await refused(city, grant(city, staffer, worker, "admin", GRID)) == "ESCALATION"
    # Beyond the subtree the places are out of sight, the look-alike sibling as well as the root.
    for path in (SIBLING, ROOT):
        code = await refused(city, grant(city, staffer, worker, "worker", path))
        assert code == "PLACE_NOT_FOUND"


async def test_a_department_is_staffed_by_who_manages_posts_where_it_lies(
    city: City, admin: uuid.UUID, staffer: uuid.UUID, worker: uuid.UUID
):
    """Its members see what is assigned to it, wherever in the city that is."""
    good = {
        "account_id": worker,
        "role_id": city.roles["worker"],
        "place_id": city.places[GRID],
    }
    for place, who in ((GRID, staffer), (SIBLING, admin), (ROOT, admin), (None, admin)):
        department = await city.value(
            "INSERT INTO core.department (code, name, place) VALUES ($1, $1, $2) RETURNING id",
            f"department-{place}",
            city.places[place] if place else None,
        )
        if who is not staffer:
            beyond = city.run(staffer, "post.grant", **good, department_id=department)
            assert await refused(city, beyond) == "PERMISSION_DENIED"
        await city.run(who, "post.grant", **good, department_id=department)


async def test_the_managed_subtree_and_the_held_permission_must_be_the_same(
    city: City, staffer: uuid.UUID, worker: uuid.UUID
):
    """Holding a permission elsewhere does not let one give it here."""
    await city.post(staffer, "centre", SIBLING)
    assert await refused(city, grant(city, staffer, worker, "centre", GRID)) == "ESCALATION"


async def test_posts_that_are_not_given(
    city: City, neighbour: City, admin: uuid.UUID, worker: uuid.UUID
):
    good = {
        "account_id": worker,
        "role_id": city.roles["worker"],
        "place_id": city.places[GRID],
    }
    stranger = await neighbour.account("grid-01")
    cases: list[tuple[dict[str, object], str]] = [
        ({"valid_from": NOON, "valid_to": NOON}, "POST_INTERVAL"),
        ({"valid_to": NOON - timedelta(days=1)}, "POST_INTERVAL"),
        ({"valid_to": "2027-01-01T00:00:00"}, "INSTANT_NAIVE"),
        ({"account_id": stranger}, "ROW_NOT_FOUND"),
        ({"role_id": neighbour.roles["worker"]}, "ROW_NOT_FOUND"),
        ({"place_id": neighbour.places[GRID]}, "PLACE_NOT_FOUND"),
        ({"department_id": uuid.uuid4()}, "REFERENCE_UNKNOWN"),
        ({"account_id": "grid-01"}, "INPUT_INVALID"),
    ]
    for change, code in cases:
        assert await refused(city, city.run(admin, "post.grant", **{**good, **change})) == code


async def test_end_a_post_now_or_later(city: City, admin: uuid.UUID, worker: uuid.UUID):
    post = await city.value("SELECT id FROM core.post WHERE account = $1", worker)
    end = NOON + timedelta(hours=2)
    await city.run(admin, "post.end", post, at=end)
    assert await paths(city, worker, "event.read") == (GRID,)
    later = city.run(admin, "post.end", post, at=end + timedelta(hours=1))
    assert await refused(city, later) == "POST_ENDED"
    past = city.run(admin, "post.end", post, at=NOON - timedelta(seconds=1))
    assert await refused(city, past) == "POST_END_PAST"
    await city.run(admin, "post.end", post)
    assert await paths(city, worker, "event.read") == ()


async def test_a_post_that_was_to_begin_later_never_begins(
    city: City, admin: uuid.UUID, worker: uuid.UUID
):
    post = await city.post(worker, "centre", GRID, NOON + timedelta(days=1))
    await city.run(admin, "post.end", post)
    city.platform.clock.forward(days=2)
    assert await paths(city, worker, "event.file") == ()


async def test_posts_of_the_sibling_are_out_of_sight(
    city: City, staffer: uuid.UUID, worker: uuid.UUID
):
    post = await city.post(worker, "worker", SIBLING)
    assert await refused(city, city.run(staffer, "post.end", post)) == "ROW_NOT_FOUND"


async def test_a_post_above_oneself_cannot_be_ended(
    city: City, staffer: uuid.UUID, worker: uuid.UUID
):
    post = await city.post(worker, "centre", GRID)
    assert await refused(city, city.run(staffer, "post.end", post)) == "ESCALATION"


@pytest.mark.parametrize("name", ["account.suspend", "account.set-password", "account.resume"])
async def test_accounts_above_or_beside_oneself_are_out_of_reach(
    city: City, staffer: uuid.UUID, admin: uuid.UUID, worker: uuid.UUID, name: str
):
    given = {"password": NEW} if name == "account.set-password" else {}
    beside = await city.account("beside", "worker", SIBLING)
    later = await city.account("later")
    await city.post(later, "admin", GRID, NOON + timedelta(days=1))
    for target in (admin, beside, later):
        assert await refused(city, city.run(staffer, name, target, **given)) == "ACCOUNT_ABOVE"
    await city.run(staffer, name, worker, **given)


async def test_the_last_administrator_stays(city: City, admin: uuid.UUID):
    second = await city.account("admin-2", "admin", ROOT)
    temporary = await city.account("admin-3")
    await city.post(temporary, "admin", ROOT, NOON - timedelta(days=1), NOON + timedelta(days=1))
    await city.run(second, "account.suspend", admin)
    assert await refused(city, city.run(temporary, "account.suspend", second)) == (
        "LAST_ADMINISTRATOR"
    )
    post = await city.value("SELECT id FROM core.post WHERE account = $1", second)
    for at in (None, NOON + timedelta(days=30)):
        work = city.run(temporary, "post.end", post, at=at)
        assert await refused(city, work) == "LAST_ADMINISTRATOR"
    fewer = city.run(
        second, "role.save", code="admin", name="x", permissions=["place.read", "account.manage"]
    )
    assert await refused(city, fewer) == "LAST_ADMINISTRATOR"


async def test_two_administrators_cannot_remove_each_other(city: City, admin: uuid.UUID):
    second = await city.account("admin-2", "admin", ROOT)
    outcomes = await asyncio.gather(
        city.run(admin, "account.suspend", second),
        city.run(second, "account.suspend", admin),
        return_exceptions=True,
    )
    codes = [outcome.code for outcome in outcomes if isinstance(outcome, JingweiError)]
    assert len(codes) == 1
    assert codes[0] in ("LAST_ADMINISTRATOR", "SESSION_ENDED")
    active = "SELECT count(*) FROM core.account WHERE status = 'active'"
    assert await city.value(active) == 1


async def test_save_a_role(city: City, admin: uuid.UUID, worker: uuid.UUID):
    listed = ["event.read", "event.report", "event.read"]
    answer = await city.run(admin, "role.save", code="worker", name="网格员", permissions=listed)
    row = (await city.fetch("SELECT * FROM core.role WHERE id = $1", answer.row_id))[0]
    assert row["permissions"] == ["event.read", "event.report"]
    assert await paths(city, worker, "event.report") == (GRID,)
    answer = await city.run(admin, "role.save", code="new_role", name="新", permissions=[])
    assert await city.value("SELECT count(*) FROM core.role") == 5
    stored = await city.value("SELECT version FROM core.role WHERE code = 'worker'")
    again = {"code": "worker", "name": "网格员", "permissions": ["event.read"]}
    await city.run(admin, "role.save", **again, version=stored)
    late = city.run(admin, "role.save", **{**again, "permissions": []}, version=stored)
    assert await refused(city, late) == "ROW_CHANGED"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"code": "Worker"}, "ROLE_CODE"),
        ({"permissions": ["event"]}, "ROLE_PERMISSION"),
        ({"permissions": ["event.read", "ev*"]}, "ROLE_PERMISSION"),
        ({"permissions": "event.read"}, "INPUT_INVALID"),
        ({"version": 7}, "ROW_CHANGED"),
    ],
)
async def test_roles_that_are_not_saved(
    city: City, admin: uuid.UUID, given: dict[str, object], code: str
):
    good = {"code": "worker", "name": "x", "permissions": ["event.read"]}
    assert await refused(city, city.run(admin, "role.save", **{**good, **given})) == code


async def test_a_role_is_widened_only_by_what_one_holds_wherever_it_is_in_use(
    city: City, admin: uuid.UUID, worker: uuid.UUID
):
    await city.fetch(
        "UPDATE core.role SET permissions = permissions || '{role.manage}' WHERE code = 'staffer'"
    )
    editor = await city.account("editor", "staffer", GRID)
    save = {"code": "worker", "name": "x"}
    wider = city.run(editor, "role.save", **save, permissions=["event.read", "event.file"])
    assert await refused(city, wider) == "ESCALATION"
    everything = city.run(editor, "role.save", code="fresh", name="x", permissions=["*"])
    assert await refused(city, everything) == "ESCALATION"
    await city.run(editor, "role.save", **save, permissions=["event.read", "staff.read"])
    await city.post(worker, "worker", SIBLING)
    beyond = city.run(editor, "role.save", **save, permissions=["event.read"])
    assert await refused(city, beyond) == "PERMISSION_DENIED"


async def test_the_neighbour_is_untouched(city: City, neighbour: City, admin: uuid.UUID):
    stranger = await neighbour.account("grid-01", "worker", GRID)
    before = await neighbour.state()
    assert await refused(city, city.run(admin, "account.suspend", stranger)) == "ROW_NOT_FOUND"
    await city.run(admin, "role.save", code="worker", name="x", permissions=["event.file"])
    assert await neighbour.state() == before
