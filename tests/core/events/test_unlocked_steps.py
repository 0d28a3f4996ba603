"""A step is worked out on a row that is not locked, and stored if the row still is that one."""

import asyncio
import json
import secrets
import uuid
from collections.abc import Callable
from contextvars import Context
from typing import Any

import pytest

from jingwei_core.commands import bus
from jingwei_core.commands.bus import Answer, Call, execute
from jingwei_core.database import Database
from jingwei_core.session import Request
from jingwei_sdk.errors import Conflict, Invalid
from tests.core.events.city import GRID, POTHOLE, City
from tests.servers.round_trips import round_trips

_CHANGED = (
    "SELECT changes FROM core.audit_entry WHERE target_id = $1 ORDER BY sequence DESC LIMIT 1"
)


async def reported(city: City) -> uuid.UUID:
    answer = await keyed(
        city, "worker", "event.report", kind=POTHOLE, title="坑", place_id=str(city.places[GRID])
    )
    assert answer.row_id is not None
    return answer.row_id


async def acted(
    city: City, event: uuid.UUID, action: str, login: str = "chief", **given: Any
) -> Answer:
    return await keyed(city, login, "event.act", event, action=action, **given)


async def keyed(
    city: City, login: str, name: str, target: uuid.UUID | None = None, /, **given: Any
) -> Answer:
    """Run a command as the API does: with a key, in a unit of its own."""
    state = await city.platform.tenant_by_id(city.tenant.id)
    command = city.platform.host.registry(state.enabled).commands[name]
    call = Call(command, given, target, key=secrets.token_hex(8))
    identity = city.identity(login)
    return await execute(city.platform, city.tenant, identity, call, Request("zh", "test"))


@pytest.fixture
def overtaking(neighbour: City, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Has a statement committed after the next reading, before what is made of it is written."""
    ask = Database.ask

    def overtake(sql: str) -> None:
        async def asked(database: Database, *about: Any) -> bytes | None:
            found = await ask(database, *about)
            monkeypatch.setattr(Database, "ask", ask)
            # In a task of its own, which is in no unit.
            await asyncio.create_task(neighbour.fetch(sql), context=Context())
            return found

        monkeypatch.setattr(Database, "ask", asked)

    return overtake


async def test_a_step_is_one_message_after_the_reading(neighbour: City, city: City) -> None:
    """A plugin that hears of it may read and write: then the row is locked first."""
    for where, most in ((neighbour, 1), (city, 8)):
        events = [await reported(where) for _ in range(4)]
        for event in events[:3]:
            await acted(where, event, "file")
        with round_trips() as trips:
            await acted(where, events[3], "file")
        assert 0 < len(await trips.settled()) <= most


async def test_both_ways_of_stepping_leave_the_same_traces(
    neighbour: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    for is_locked in (False, True):
        event = await reported(neighbour)
        if is_locked:
            monkeypatch.setattr(bus, "may_be_unlocked", lambda *_: False)
        await acted(neighbour, event, "file", note="属实")
        changes = json.dumps(json.loads(await neighbour.value(_CHANGED, event)))
        stored, steps = await neighbour.event(event), await neighbour.steps(event)
        own = [event, stored["id"], *(step["id"] for step in steps)]
        own += [stored[name] for name in ("number", "created_at")]
        for each in map(str, own):
            changes = changes.replace(each, "own")
        told.append((changes, [dict(s) for s in steps][-1]["note"], stored["version"]))
        assert [step["sequence"] for step in steps] == [1, 2]
    assert told[0] == told[1]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE core.event SET state = 'verified', version = version + 1 WHERE id = '{}'",
        "DELETE FROM core.post WHERE account = (SELECT id FROM core.account WHERE login = 'chief')",
    ],
    ids=["the event moved on", "the actor has no post any more"],
)
async def test_what_was_overtaken_is_refused_on_what_is_so_now(
    neighbour: City, overtaking: Callable[[str], None], sql: str
) -> None:
    for _ in range(2):
        await acted(neighbour, await reported(neighbour), "file")
    event = await reported(neighbour)
    before = await neighbour.steps(event)
    overtaking(sql.format(event))
    with pytest.raises(Exception) as refused:  # noqa: PT011 - told apart below
        await acted(neighbour, event, "file")
    assert refused.value.code in {"EVENT_ACTION_NOT_ALLOWED", "ROW_NOT_FOUND", "PERMISSION_DENIED"}
    assert await neighbour.steps(event) == before


async def test_who_is_overtaken_by_a_remark_still_goes_on(
    neighbour: City, overtaking: Callable[[str], None]
) -> None:
    event = await reported(neighbour)
    overtaking(
        "INSERT INTO core.event_step (event, sequence, action, to_state, at)"
        f" VALUES ('{event}', 2, 'comment', 'registered', now())"
    )
    await acted(neighbour, event, "file")
    assert [step["action"] for step in await neighbour.steps(event)] == [
        *("report", "comment", "file"),
    ]


async def test_one_of_those_who_step_at_once_wins(neighbour: City) -> None:
    event = await reported(neighbour)
    found = await asyncio.gather(
        *(acted(neighbour, event, "file") for _ in range(6)), return_exceptions=True
    )
    assert [type(one) for one in found].count(Answer) == 1
    lost = [one for one in found if not isinstance(one, Answer)]
    assert {one.code for one in lost if isinstance(one, Conflict)} == {"EVENT_ACTION_NOT_ALLOWED"}
    assert len(lost) == 5
    assert len(await neighbour.steps(event)) == 2


async def test_an_unknown_department_is_told_as_ever(neighbour: City) -> None:
    event = await reported(neighbour)
    for action in ("file", "verify"):
        await acted(neighbour, event, action, note="属实")
    before = await neighbour.state()
    with pytest.raises(Invalid) as refused:
        await acted(neighbour, event, "dispatch", "centre", department=str(uuid.uuid4()))
    assert (refused.value.code, refused.value.field) == ("EVENT_DEPARTMENT_UNKNOWN", "department")
    assert await neighbour.state() == before
