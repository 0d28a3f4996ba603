"""Every shipped package at work: the same tests over all of them, on PostgreSQL.

Whoever acts here is a demo account of the package and holds the package's own roles, nothing else.
"""

from collections.abc import AsyncIterator

import pytest
from argon2 import PasswordHasher

from jingwei_core.access import passwords
from jingwei_core.access.permissions import wider_grants
from jingwei_core.demo.people import Member
from jingwei_core.events.reporting import PUBLIC_SOURCES, IntakeSource
from jingwei_core.events.whom import Who, read_whom
from jingwei_core.events.workflow import Action
from jingwei_core.events.workflow_effects import whom_of
from jingwei_core.events.workflow_guards import Duty, PostGuard, RoleGuard
from jingwei_core.ledgers.questions import LedgerAsked, ledger_page
from jingwei_core.recipients.resolving import Matter, resolve_whom
from jingwei_core.routing.questions import RouteQuestion, route_of
from jingwei_core.tenants.apply import apply_package
from jingwei_core.workflows.tenant_check import flaws_in_force
from jingwei_sdk.errors import Denied, NotFound
from tests.servers.databases import NewDatabase
from tests.tenants.city_scenes import SCENES
from tests.tenants.living_city import (
    SLUGS,
    LivingCity,
    Walked,
    clock_of,
    due,
    expected_end,
    limits_of,
    living_city,
)

SOURCES = [source.value for source in IntakeSource]
ACTORS = {
    Duty.REPORTED: ("reporter",),
    Duty.OWNED: ("owned_by", "owned_department"),
    Duty.SOLVED: ("solved_by",),
    Duty.CHECKED: ("checked_by",),
}


@pytest.fixture(scope="module", params=SLUGS)
async def living(
    request: pytest.FixtureRequest,
    new_database: NewDatabase,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[LivingCity]:
    """A package brought to life, for all tests of this module."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(passwords, "_HASHER", cheap)
        async with living_city(new_database, request.param, tmp_path_factory.mktemp("city")) as it:
            yield it


@pytest.fixture(scope="module")
async def walked(living: LivingCity) -> list[Walked]:
    """An event of each kind, and of each workflow from each source, led to its end."""
    pairs: set[tuple[str, str]] = set()
    found: list[Walked] = []
    for number, kind in enumerate(living.kinds):
        source = SOURCES[number % len(SOURCES)]
        pairs.add((kind.workflow, source))
        found.append(await living.walk(kind.code, source))
    one_of = {kind.workflow: kind.code for kind in living.kinds}
    for workflow, code in sorted(one_of.items()):
        missing = [source for source in SOURCES if (workflow, source) not in pairs]
        found += [await living.walk(code, source) for source in missing]
    return found


async def test_applied_again_a_package_changes_nothing(living: LivingCity) -> None:
    outcome = await apply_package(living.city.platform, living.package)
    assert outcome.is_empty


async def test_no_workflow_in_force_has_a_flaw(living: LivingCity) -> None:
    async with living.as_system() as ctx:
        found = await flaws_in_force(ctx)
    assert set(found) >= {row.code for row in living.package.workflows}
    assert {code: flaws for code, flaws in found.items() if flaws} == {}


async def test_every_kind_is_reported_from_every_source(living: LivingCity) -> None:
    for kind in living.kinds:
        for source in SOURCES:
            await living.report(kind.code, source)
    rows = await living.city.fetch(
        "SELECT k.code, e.source, bool_or(e.is_final) AS is_final,"
        " bool_and(e.first_receiver IS NOT NULL) AS is_received"
        " FROM core.event e JOIN core.event_kind k ON k.id = e.kind GROUP BY 1, 2"
    )
    found = {(row["code"], row["source"]) for row in rows if row["source"] in SOURCES}
    assert found == {(kind.code, source) for kind in living.kinds for source in SOURCES}
    public = [row for row in rows if row["source"] in PUBLIC_SOURCES]
    assert all(row["is_received"] for row in public)


async def test_every_kind_is_led_to_its_end_by_the_packages_own_roles(
    living: LivingCity, walked: list[Walked]
) -> None:
    kinds = {kind.code: kind for kind in living.kinds}
    assert {one.kind for one in walked} == set(kinds)
    covered = {(kinds[one.kind].workflow, one.source) for one in walked}
    assert covered == {(kind.workflow, source) for kind in kinds.values() for source in SOURCES}
    stuck = [
        one
        for one in walked
        if one.states[-1] != expected_end(living.workflow(kinds[one.kind].workflow), one.source)
    ]
    assert stuck == []


async def test_the_five_actors_are_complete(living: LivingCity, walked: list[Walked]) -> None:
    """五有: who found it is asked where a grid worker did not report it themselves."""
    rows = {row["id"]: row for row in await living.city.fetch("SELECT * FROM core.event")}
    lacking = [
        (one.kind, one.source, duty.value)
        for one in walked
        for duty, columns in ACTORS.items()
        if all(rows[one.id][column] is None for column in columns)
    ]
    assert lacking == []


async def test_every_limit_is_that_of_the_package_by_its_calendar(
    living: LivingCity, walked: list[Walked]
) -> None:
    clock = clock_of(living.package)
    kinds = {kind.code: kind for kind in living.kinds}
    limited = 0
    for one in walked:
        rules = limits_of(living.package, kinds[one.kind])
        workflow = living.workflow(kinds[one.kind].workflow)
        first = one.seen[0]
        assert first["due_at"] == due(clock, rules.get("*"), first["created_at"])
        for row in one.seen:
            state, is_final = str(row["state"]), workflow.is_final(str(row["state"]))
            wanted = None if is_final else due(clock, rules.get(state), row["state_since"])
            assert row["state_due_at"] == wanted, (one.kind, state)
            limited += wanted is not None
    assert limited >= 2 * len(kinds)


async def test_every_kind_goes_somewhere_that_is_there(living: LivingCity) -> None:
    """And where the route is for a level or a place, the department serves the event's place."""
    departments = {row.code: row for row in living.package.departments}
    above = _above(living)
    async with living.as_member(_supervisor(living)) as ctx:
        (place,) = await living.city.fetch(
            "SELECT id FROM core.place WHERE code = $1", living.stage
        )
        for kind in living.kinds:
            answer = await route_of(ctx, RouteQuestion(kind.code, place["id"]))
            assert answer.decided_by in ("route", "kind")
            department = departments[answer.department or ""]
            if answer.decided_by == "route":
                assert department.place in above, (kind.code, department.code)


async def test_every_rung_and_every_owner_names_somebody(living: LivingCity) -> None:
    async with living.as_system() as ctx:
        (grid,) = await ctx.data.fetch("SELECT path FROM core.place WHERE code = $1", living.stage)
        matter = await _matter(living, grid["path"])
        named = {rung.whom for rung in living.package.routing.rungs}
        for workflow in living.package.workflows:
            named |= {state.owner for state in workflow.states if state.owner}
            named |= {
                whom
                for action in workflow.actions
                for effect in action.effects
                for whom in whom_of(effect)
            }
        nobody = []
        for text in sorted(named):
            whom = read_whom(text)
            if whom.who is not Who.SECONDED and not await resolve_whom(ctx, whom, matter):
                nobody.append(text)
    assert nobody == []


def test_no_role_has_a_permission_that_nobody_needs(living: LivingCity) -> None:
    """An ``event.*`` permission of a role serves an action that the role may take, or a command;
    those of meetings, ledgers, patrols, visits and duties serve what the package has."""
    package = living.package
    has = {
        "meeting": package.meetings.series,
        "ledger": package.ledgers.ledgers,
        "patrol": package.patrols.plans,
        "visit": package.patrols.visits.topics,
        "duty": package.workforce.duties,
        "certificate": package.workforce.certificates,
    }
    enabled = frozenset(row.id for row in living.package.plugins if row.is_enabled)
    registry = living.city.platform.host.registry(enabled)
    by_command = {command.permission for command in registry.commands.values()}
    unused = [
        (role.code, permission)
        for role in living.package.roles
        for permission in role.permissions
        if not has.get(permission.partition(".")[0], True)
        or (
            permission.startswith("event.")
            and permission not in by_command
            and not any(
                _may(role.code, action, permission)
                for workflow in living.package.workflows
                for action in workflow.actions
            )
        )
    ]
    assert unused == []


async def test_the_ledgers_answer(living: LivingCity, walked: list[Walked]) -> None:
    reader = next(
        member
        for member in sorted(living.cast.members, key=lambda one: len(one.path))
        if member.permissions.allows("ledger.read", member.path)
        and member.permissions.allows("event.read", member.path)
    )
    assert living.package.ledgers.ledgers
    async with living.as_member(reader) as ctx:
        (root,) = await ctx.data.fetch("SELECT id FROM core.place WHERE path = $1", reader.path)
        for ledger in living.package.ledgers.ledgers:
            page = await ledger_page(ctx, LedgerAsked(ledger.code, root["id"]))
            assert len(page.headings) == len(ledger.columns)
            if ledger.source == "event" and not ledger.open_only:
                assert page.cells, ledger.code


async def test_nobody_outside_the_area_sees_an_event(
    living: LivingCity, walked: list[Walked]
) -> None:
    event = await living.event(walked[0])
    own = {event[name] for name in ("reporter", "assigned_account", "first_receiver")}
    path, sight = str(event["place_path"]), []
    for member in living.cast.members:
        may = member.permissions.allows("event.read", path)
        if not may and member.identity.account_id in own:
            continue
        async with living.as_member(member) as ctx:
            if may:
                found = await ctx.records.get(ctx, "Event", walked[0].id)
                assert found["id"] == walked[0].id
            else:
                with pytest.raises((NotFound, Denied)):
                    await ctx.records.get(ctx, "Event", walked[0].id)
        sight.append(may)
    assert sight.count(True) > 1
    assert sight.count(False) > 1


async def test_demo_events_come_to_the_state_they_are_said_to_be_in(living: LivingCity) -> None:
    rows = sorted(living.package.demo.events, key=lambda row: (row.state, row.code))[::10]
    told = {}
    for row in rows:
        living.guide.seen = []
        await living.guide.tell(row, living.cast)
        told[row.code] = living.guide.seen[-1]["state"]
    assert told == {row.code: row.state for row in rows}
    assert len(set(told.values())) >= 4


async def test_what_is_special_here(living: LivingCity) -> None:
    await SCENES[living.package.tenant.slug](living)


def _may(role: str, action: Action, permission: str) -> bool:
    """Whether holding the permission lets the role take the action."""
    if action.permission not in (permission, *wider_grants(permission)):
        return False
    named = [set(one.roles) for one in action.guards if isinstance(one, RoleGuard | PostGuard)]
    return all(role in roles for roles in named)


def _supervisor(living: LivingCity) -> Member:
    """Who sees the widest area."""
    return min(
        (one for one in living.cast.members if one.permissions.allows("event.read", one.path)),
        key=lambda one: len(one.path),
    )


def _above(living: LivingCity) -> set[str]:
    """The codes of the stage and of all places above it."""
    parents = {place.code: place.parent for place in living.package.places}
    found, code = set(), living.stage
    while code:
        found.add(code)
        code = parents[code]
    return found


async def _matter(living: LivingCity, path: str) -> Matter:
    """An event on the stage, with somebody for each part."""
    handler = next(one for one in living.cast.members if one.department_ids)
    account = handler.identity.account_id
    return Matter(
        place_path=path,
        reporter=account,
        account=None,
        department=next(iter(handler.department_ids)),
        first_receiver=account,
    )
