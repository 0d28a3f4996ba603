"""A command is at most three messages and its own statements; what it trusts is checked there."""

import asyncio
import secrets
import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from jingwei_core.commands.bus import Answer, Call, Riding, execute
from jingwei_core.database.along import Along
from jingwei_core.database.reading import Reading, one_trip
from jingwei_core.plugins.dispatcher import Dispatcher
from jingwei_core.session import Request
from jingwei_sdk.errors import Conflict, Denied, Invalid, NotFound, Unauthenticated
from tests.core.events.city import GRID, IN_GRID, POTHOLE, ROOT, SIBLING, City
from tests.core.events.frozen_clock import MONDAY
from tests.core.events.listening_plugin import ListeningHooks
from tests.servers.round_trips import round_trips

REPORT, ACT = "event.report", "event.act"


async def keyed(
    city: City,
    login: str,
    name: str,
    target: uuid.UUID | None = None,
    /,
    key: str = "",
    **given: Any,
) -> Answer:
    """Run a command as the API does: with a key, in a unit of its own."""
    return await executed(city, login, name, Call, target, key=key, given=given)


async def reported_along(city: City, along: Riding, **given: Any) -> Answer:
    """The worker's report, with what is read of it riding along."""
    return await executed(city, "worker", REPORT, partial(Call, along=along), key="", given=given)


async def executed(
    city: City, login: str, name: str, made: Callable[..., Call], *about: Any, **said: Any
) -> Answer:
    state = await city.platform.tenant_by_id(city.tenant.id)
    command = city.platform.host.registry(state.enabled).commands[name]
    call = made(command, said["given"], *about, key=said["key"] or secrets.token_hex(8))
    request = Request("zh", "test")
    return await execute(city.platform, city.tenant, city.identity(login), call, request)


def at_grid(city: City, **given: Any) -> dict[str, Any]:
    place = str(city.places[GRID])
    return {"kind": POTHOLE, "title": "路面坑洞", "place_id": place, **given}


async def reported(city: City, **given: Any) -> uuid.UUID:
    answer = await keyed(city, "worker", REPORT, **at_grid(city, **given))
    assert answer.row_id is not None
    return answer.row_id


async def test_a_report_at_a_place_is_one_round_trip(neighbour: City) -> None:
    for _ in range(2):
        await reported(neighbour)
    with round_trips() as trips:
        event = await reported(neighbour)
    assert len(await trips.settled()) == 1
    row = await neighbour.event(event)
    assert (row["number"], row["place_path"]) == ("20261123-000003", GRID)
    (step,) = await neighbour.steps(event)
    assert (step["sequence"], step["action"], step["actor_name"]) == (1, "report", "worker")


async def test_what_it_answers_is_read_in_the_same_trip(neighbour: City) -> None:
    await reported(neighbour)
    policy = await neighbour.value("SELECT number FROM core.policy_version")
    number = one_trip("(SELECT number FROM core.event WHERE id = $5)")

    def known_as(policy: int) -> Riding:
        worker = neighbour.people["worker"]
        for_whom = Reading(neighbour.tenant.id, worker, 0, policy).parameters
        return lambda row_id: Along(number, (*for_whom, row_id))

    given = at_grid(neighbour)
    await reported_along(neighbour, known_as(policy), **given)
    with round_trips() as trips:
        answer = await reported_along(neighbour, known_as(policy), **given)
    assert len(await trips.settled()) == 1
    assert answer.read == b"20261123-000003"
    past = await reported_along(neighbour, known_as(policy - 1), **given)
    assert past.read is None
    by_position: dict[str, Any] = {"kind": POTHOLE, "title": "坑", "position": IN_GRID}
    apart = await reported_along(neighbour, known_as(policy), **by_position)
    assert apart.read is None
    assert await neighbour.value("SELECT count(*) FROM core.event") == 5


async def test_other_commands_are_two_messages_and_their_own_statements(
    neighbour: City, city: City
) -> None:
    for where, own in ((neighbour, 1), (city, 3)):
        # A city whose plugin hears of it takes the number first, and reads where the event lies.
        for _ in range(3):
            await keyed(where, "worker", REPORT, kind=POTHOLE, title="坑", position=IN_GRID)
        with round_trips() as trips:
            await keyed(where, "worker", REPORT, kind=POTHOLE, title="坑", position=IN_GRID)
        assert len(await trips.settled()) <= 2 + own


async def test_both_ways_of_registering_leave_the_same_traces(neighbour: City) -> None:
    """By place the rows go with the last message, by position they are written before it."""
    told = []
    for where in (
        {"place_id": str(neighbour.places[GRID])},
        {"place_id": str(neighbour.places[GRID]), "evidence": []},
        {"position": IN_GRID},
    ):
        given: dict[str, Any] = {"kind": POTHOLE, "title": "坑", "form": {"width_cm": 5}, **where}
        if "evidence" in given:
            photo = await neighbour.photo("worker")
            given["evidence"] = [{"id": str(photo), "phase": "before"}]
        await keyed(neighbour, "worker", REPORT, **given)
        (row,) = await neighbour.fetch(
            "SELECT place_path, jsonb_path_query_array(changes, '$[*].table') AS tables,"
            " (SELECT string_agg(k, ',' ORDER BY k) FROM jsonb_object_keys(changes->1->'after') k)"
            " AS keys, changes->0->'after'->>'last' AS last,"
            " changes->1->'after'->>'number' AS number, changes->1->'after'->>'place_path' AS path"
            " FROM core.audit_entry ORDER BY sequence DESC LIMIT 1"
        )
        told.append((row["place_path"], row["path"], row["keys"]))
        number = f"20261123-{len(told):06}"
        assert (row["last"], row["number"]) == (str(len(told)), number)
        assert row["tables"].startswith('["event_number", "event", "event_step"')
    assert len(set(told)) == 1
    assert told[0][:2] == (GRID, GRID)


async def test_a_key_that_was_used_answers_as_before(neighbour: City) -> None:
    first = await keyed(neighbour, "worker", REPORT, key="one", **at_grid(neighbour))
    before = await neighbour.state()
    again = await keyed(neighbour, "worker", REPORT, key="one", **at_grid(neighbour))
    assert again == Answer(first.row_id, None, replayed=True)
    with pytest.raises(Conflict) as refused:
        await keyed(neighbour, "worker", REPORT, key="one", **at_grid(neighbour, title="别的"))
    assert refused.value.code == "IDEMPOTENCY_KEY_REUSED"
    assert await neighbour.state() == before


async def test_one_key_sent_at_once_registers_one_event(neighbour: City) -> None:
    await reported(neighbour)
    given = at_grid(neighbour)
    answers = await asyncio.gather(
        *(keyed(neighbour, "worker", REPORT, key="one", **given) for _ in range(12))
    )
    assert len({answer.row_id for answer in answers}) == 1
    assert sorted(answer.replayed for answer in answers) == [False] + [True] * 11
    assert await neighbour.value("SELECT count(*) FROM core.event") == 2


async def test_reports_at_once_get_numbers_without_a_gap(neighbour: City) -> None:
    await asyncio.gather(*(reported(neighbour) for _ in range(20)))
    numbers = [row[0] for row in await neighbour.fetch("SELECT number FROM core.event ORDER BY 1")]
    assert numbers == [f"20261123-{number:06}" for number in range(1, 21)]
    sequences = "SELECT sequence FROM core.audit_entry ORDER BY 1"
    assert [row[0] for row in await neighbour.fetch(sequences)] == list(range(1, 21))


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("UPDATE core.account SET status = 'suspended' WHERE login = 'worker'", Unauthenticated),
        ("UPDATE core.account SET session_epoch = 7 WHERE login = 'worker'", Unauthenticated),
        ("UPDATE core.role SET permissions = '{place.read}' WHERE code = 'worker'", Denied),
        ("UPDATE core.event_kind SET is_active = false WHERE code = 'city.road.pothole'", Invalid),
        ("UPDATE core.place SET valid_to = '2026-11-01' WHERE path = '/1/2/'", Invalid),
    ],
)
async def test_what_is_remembered_ends_with_the_next_command(
    neighbour: City, sql: str, expected: type[Exception]
) -> None:
    for _ in range(2):
        await reported(neighbour)
    await neighbour.fetch(sql)
    before = await neighbour.state()
    with pytest.raises(expected):
        await reported(neighbour)
    assert await neighbour.state() == before


async def test_what_was_refused_is_allowed_with_the_next_command(neighbour: City) -> None:
    given = at_grid(neighbour, place_id=str(neighbour.places[SIBLING]))
    for _ in range(2):
        with pytest.raises(NotFound):
            await keyed(neighbour, "worker", REPORT, **given)
    await neighbour.fetch(
        "INSERT INTO core.post (account, role, place_id, valid_from) SELECT $1, id, $2, $3"
        " FROM core.role WHERE code = 'worker'",
        neighbour.people["worker"],
        neighbour.places[ROOT],
        MONDAY - timedelta(days=1),
    )
    await keyed(neighbour, "worker", REPORT, **given)


async def test_a_place_that_moved_takes_the_report_along(neighbour: City) -> None:
    """The chief's area is the whole city; the grid gets another label meanwhile."""
    for _ in range(2):
        await reported(neighbour)
    await neighbour.fetch("UPDATE core.place SET path = '/1/3/' WHERE path = $1", GRID)
    event = await neighbour.event(await reported(neighbour))
    assert event["place_path"] == "/1/3/"


async def test_a_place_that_is_gone_is_told_as_such(neighbour: City) -> None:
    place = await neighbour.value(
        "INSERT INTO core.place (parent, level, ordinal, path, depth, name, valid_from)"
        " VALUES ($1, 'grid', 900, '/1/2/9/', 2, '小区', '2026-01-01') RETURNING id",
        neighbour.places[GRID],
    )
    given = at_grid(neighbour, place_id=str(place))
    await keyed(neighbour, "worker", REPORT, kind=POTHOLE, title="坑", position=IN_GRID)
    with pytest.raises(Invalid):
        await keyed(neighbour, "worker", REPORT, **{**given, "kind": "none"})
    await neighbour.fetch("DELETE FROM core.place WHERE id = $1", place)
    before = await neighbour.state()
    with pytest.raises(NotFound) as refused:
        await keyed(neighbour, "worker", REPORT, **given)
    assert (refused.value.code, refused.value.field) == ("PLACE_NOT_FOUND", "place_id")
    assert await neighbour.state() == before


async def test_a_plugin_hears_of_the_kinds_it_asked_for(city: City, hooks: ListeningHooks) -> None:
    await reported(city)
    assert [change.kind for change in hooks.asked] == [POTHOLE]
    plugin = city.platform.host.get("listening").plugin
    assert plugin is not None
    jobs = "SELECT count(*) FROM jobs.pgqueuer WHERE tenant_id = $1"
    assert await city.value(jobs, city.tenant.id) == 1
    object.__setattr__(plugin, "hears", frozenset({"city.other"}))
    city.platform.hooks = Dispatcher()  # which remembers who hears of what
    await reported(city)
    assert len(hooks.asked) == 1
    assert await city.value(jobs, city.tenant.id) == 1
