"""Reading events: fields for the reader, my queue, my area, duplicate hints."""

import base64
import math
import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jingwei_core.events.computed_fields import available_actions
from jingwei_core.events.duplicates import box_around, distance_m, find_duplicates
from jingwei_core.events.placing import ReportedPosition
from jingwei_core.events.queue import in_area, queued, waiting
from jingwei_core.events.queue_guards import Standing
from jingwei_core.events.stepping import Step, take_step
from jingwei_core.events.stored_json import stored_json
from jingwei_core.events.tables import Event
from jingwei_core.events.workflow_reading import read_workflow
from jingwei_core.places.geometry import E7, Position
from jingwei_core.reading.narrowing import criteria, shape_of
from jingwei_core.reading.selection import Criterion, EdgeNode, Edges, Id, Page, Wanted
from jingwei_core.session import CoreContext
from jingwei_sdk.context import OpenEvent
from jingwei_sdk.errors import Invalid, JingweiError, NotFound, Refused
from tests.core.events.city import GRID, HAZARD, IN_GRID, LEAK, PEOPLE, POTHOLE, SIBLING, City
from tests.core.events.test_acting import closed, dispatched, filed, handled, verified
from tests.core.reading.desk import answer

Asking = Callable[[CoreContext], Awaitable[tuple[Criterion, ...]]]


async def read(city: City, login: str, where: Asking | None = None) -> list[uuid.UUID]:
    """The events in sight of an account under extra conditions, oldest first."""
    async with city.context(login) as ctx:
        wanted = Wanted(await where(ctx) if where else (), sort=(("number", "asc"),), size=100)
        edges = Edges("edges", (EdgeNode("node", (Id("id"),)),))
        page = Page("events", ctx.registry.records["Event"], wanted, (edges,))
        found = await answer(ctx, page)
    ids = [edge["node"]["id"] for edge in found["events"]["edges"]]
    return [uuid.UUID(base64.b64decode(one).decode().removeprefix("Event:")) for one in ids]


async def my_queue(ctx: CoreContext) -> tuple[Criterion, ...]:
    rows = await ctx.unit.fetch("SELECT id, definition FROM core.workflow")
    definitions = {row["id"]: read_workflow(stored_json(row["definition"])) for row in rows}
    rules = await ctx.configuration.get()
    clock = partial(rules.work_clock, ctx.tenant.timezone)
    standing = Standing(ctx.actor, ctx.now(), ctx.today(), clock)
    waits = (queued(waiting(definitions, ctx.permissions), standing),)
    return criteria(shape_of(waits), lambda asked: waits)


async def my_area(ctx: CoreContext) -> tuple[Criterion, ...]:
    lies = (in_area(ctx.permissions),)
    return criteria(shape_of(lies), lambda asked: lies)


async def rows_of(ctx: CoreContext, event: uuid.UUID) -> list[Any]:
    return list((await ctx.records.many(ctx, "Event", [event])).values())


async def actions(city: City, login: str, event: uuid.UUID) -> list[str]:
    async with city.context(login) as ctx:
        (found,) = await available_actions(ctx, await rows_of(ctx, event))
    return found


async def computed(city: City, login: str, event: uuid.UUID, name: str) -> Any:
    async with city.context(login) as ctx:
        record = ctx.registry.records["Event"]
        return (await record.computed[name].resolve(ctx, await rows_of(ctx, event)))[0]


async def queue(city: City, login: str) -> set[uuid.UUID]:
    return set(await read(city, login, my_queue))


async def test_available_actions_are_what_the_actor_may_do_now(city: City) -> None:
    event = await dispatched(city)
    assert await actions(city, "mender", event) == ["handle"]
    assert await actions(city, "plumber", event) == []
    assert await actions(city, "worker", event) == []
    assert await actions(city, "centre", event) == ["reassign"]
    assert await actions(city, "chief", event) == ["assign"]


async def test_whoever_sees_an_event_sees_who_works_on_it(city: City) -> None:
    event = await dispatched(city)
    async with city.context("mender") as ctx:
        row = await ctx.data.lock(Event, event)
        await ctx.data.update(row, assigned_account=city.people["mender"])

    for login, is_mine in (("mender", True), ("centre", False)):
        assert await computed(city, login, event, "assignee_name") == "mender"
        assert await computed(city, login, event, "assigned_to_me") is is_mine
    assert await computed(city, "centre", event, "reporter_name") == "worker"


REFUSED_BY_AUTHORITY = {"PERMISSION_DENIED", "EVENT_NOT_ASSIGNED", "EVENT_ACTION_NOT_ALLOWED"}
TRIED = ("file", "verify", "dispatch", "reassign", "assign", "handle", "reject", "cancel")


async def outcome(city: City, login: str, event: uuid.UUID, action: str) -> str:
    """What a step with nothing brought along comes to: a code, or ``TAKEN``; nothing stays."""
    try:
        async with city.context(login) as ctx:
            await take_step(ctx, await ctx.data.lock(Event, event), Step(action))
            raise Refused("TAKEN")
    except JingweiError as error:
        return error.code


async def test_every_available_action_is_accepted_and_no_other(city: City) -> None:
    """What is offered may lack a note or a photo; what is not offered lacks authority or state."""
    events = [await city.report(), await filed(city), await verified(city), await dispatched(city)]
    for event in events:
        for login in ("worker", "chief", "centre", "mender", "plumber", "checker"):
            offered = set(await actions(city, login, event))
            accepted = {
                action
                for action in TRIED
                if await outcome(city, login, event, action) not in REFUSED_BY_AUTHORITY
            }
            assert accepted == offered & set(TRIED), login


async def test_the_queue_follows_the_event_from_desk_to_desk(city: City) -> None:
    registered, on_file = await city.report(), await filed(city)
    checked_in, sent = await verified(city), await dispatched(city)
    done, over = await handled(city), await closed(city)
    assert over not in await queue(city, "centre")
    assert await queue(city, "chief") == {registered, on_file}
    assert await queue(city, "centre") == {checked_in}
    assert await queue(city, "mender") == {sent}
    assert await queue(city, "second-mender") == {sent}
    assert await queue(city, "plumber") == set()
    assert await queue(city, "checker") == {done}
    assert await queue(city, "worker") == set()
    await city.run("chief", "event.assign", sent, assignee=str(city.people["second-mender"]))
    assert await queue(city, "mender") == set()
    assert await queue(city, "second-mender") == {sent}


async def test_whatever_is_in_the_queue_can_be_led_on(city: City) -> None:
    for stage in (filed, verified, dispatched, closed):
        await stage(city)
    await city.report()
    for login in PEOPLE:
        for event in await queue(city, login):
            assert await actions(city, login, event) != []


async def test_my_area_is_where_the_posts_are(city: City) -> None:
    here = await city.report()
    there = await city.report("other-worker", place_id=str(city.places[SIBLING]), position=None)
    # Moved to the other grid, the worker still sees what was reported here, but not in the area.
    await city.fetch(
        "UPDATE core.post SET place_id = $2 WHERE account = $1",
        city.people["worker"],
        city.places[SIBLING],
    )

    assert await read(city, "worker") == [here, there]
    assert await read(city, "worker", my_area) == [there]
    assert await read(city, "chief", my_area) == [here, there]
    assert await read(city, "clerk", my_area) == []


async def test_a_department_sees_what_is_assigned_to_it_and_nothing_more(city: City) -> None:
    await city.fetch(
        "UPDATE core.post SET place_id = $2 WHERE account = ANY($1)",
        [city.people["mender"], city.people["plumber"]],
        city.places[SIBLING],
    )
    event = await dispatched(city)
    await city.report()
    assert await read(city, "mender") == [event]
    assert await read(city, "plumber") == []
    # Sight is no authority: the action's permission is not held at the event's place.
    assert await actions(city, "mender", event) == []


async def test_overdue_and_position_are_worked_out(city: City) -> None:
    event = await city.report()
    assert await computed(city, "chief", event, "is_overdue") is False
    assert await computed(city, "chief", event, "state_name") == "登记"
    where = [await computed(city, "chief", event, name) for name in ("lon", "lat", "crs")]
    assert where == [111.295, 30.695, "EPSG:4490"]
    clock: Any = city.platform.clock
    clock.forward(hours=3)
    assert await computed(city, "chief", event, "is_overdue") is True
    unplaced = await city.report(place_id=str(city.places[GRID]), position=None)
    where = [await computed(city, "chief", unplaced, name) for name in ("lon", "lat", "crs")]
    assert where == [None, None, None]


def metres_east(metres: float) -> dict[str, Any]:
    """A position so far east of the middle of the grid."""
    degrees = math.degrees(metres / 6_371_008.8) / math.cos(math.radians(30.695))
    return {**IN_GRID, "lon": 111.295 + degrees}


async def hints(city: City, login: str, kind: str = POTHOLE, **where: Any) -> list[Any]:
    async with city.context(login) as ctx:
        return await find_duplicates(ctx, kind, ReportedPosition(**{**IN_GRID, **where}))


async def test_near_open_events_of_the_kind_are_hinted_nearest_first(city: City) -> None:
    far = await city.report(position=metres_east(49))
    near = await city.report(position=metres_east(-20))
    await city.report(position=metres_east(51))
    photo = await city.photo("worker")
    await city.report(kind=LEAK, evidence=[{"id": str(photo), "phase": "before"}])
    await city.report(place_id=str(city.places[GRID]), position=None)
    await closed(city)
    found = await hints(city, "worker")
    assert [(hint.id, hint.distance_m) for hint in found] == [(near, 20), (far, 49)]
    assert found[0].state == "registered"


async def test_hints_end_with_the_days_of_the_kind(city: City) -> None:
    clock: Any = city.platform.clock
    event = await city.report()
    clock.forward(days=7)
    assert [hint.id for hint in await hints(city, "worker")] == [event]
    clock.forward(seconds=1)
    assert await hints(city, "worker") == []
    await city.fetch("UPDATE core.event_kind SET duplicate_days = 30, duplicate_radius_m = 5")
    assert [hint.id for hint in await hints(city, "worker")] == [event]
    assert await hints(city, "worker", lon=metres_east(6)["lon"]) == []


async def test_hints_show_nothing_out_of_sight(city: City, neighbour: City) -> None:
    await city.report()
    assert await hints(city, "other-worker") == []
    assert await hints(city, "clerk") == []
    assert await hints(neighbour, "worker") == []


async def test_hints_need_a_labelled_position(city: City) -> None:
    with pytest.raises(Invalid) as refusal:
        await hints(city, "worker", crs="GCJ-02")
    assert refusal.value.code == "CRS_UNSUPPORTED"


LON, LAT = st.floats(75, 134), st.floats(4, 53)


def point(lon: float, lat: float) -> Position:
    return Position(round(lon * E7), round(lat * E7))


@given(LON, LAT, st.floats(0, 360), st.floats(0, 1), st.integers(1, 5000))
def test_the_box_holds_whatever_is_within_the_radius(
    lon: float, lat: float, bearing: float, share: float, radius: int
) -> None:
    centre = point(lon, lat)
    reach = math.degrees(share * radius / 6_371_008.8)
    angle = math.radians(bearing)
    other = point(
        lon + reach * math.sin(angle) / math.cos(math.radians(lat)), lat + reach * math.cos(angle)
    )
    box = box_around(centre, radius)
    if distance_m(centre, other) <= radius:
        assert box.west <= other.lon_e7 <= box.east
        assert box.south <= other.lat_e7 <= box.north


@given(LON, LAT, LON, LAT)
def test_distance_is_symmetric_and_zero_only_at_home(
    lon: float, lat: float, lon2: float, lat2: float
) -> None:
    one, other = point(lon, lat), point(lon2, lat2)
    assert distance_m(one, other) == pytest.approx(distance_m(other, one))
    assert distance_m(one, one) == 0


def test_a_degree_of_latitude_is_111_km() -> None:
    # 111,195 m on the sphere of the mean radius.
    assert distance_m(point(111, 30), point(111, 31)) == pytest.approx(111_195, abs=1)


async def test_a_plugin_opens_an_event_of_its_kind(city: City) -> None:
    subject = uuid.uuid4()
    async with city.context("clerk") as ctx:
        due = ctx.now().replace(hour=20)
        event_id = await city.platform.events.open(
            ctx,
            OpenEvent(
                kind=HAZARD,
                place_id=city.places[GRID],
                title="灭火器过期",
                subject_type="Hazard",
                subject_id=subject,
                due_at=due,
            ),
        )
    event = await city.event(event_id)
    assert (event["source"], event["reporter"]) == ("plugin", city.people["clerk"])
    assert (event["subject_type"], event["subject_id"]) == ("Hazard", subject)
    assert (event["due_at"], event["state_due_at"]) == (due, None)


async def test_a_plugins_mistakes_are_refused(city: City) -> None:
    good = OpenEvent(kind=HAZARD, place_id=city.places[GRID], title="t")
    before = await city.state()
    for changes, kind, code in (
        ({"kind": "no.such.kind"}, Invalid, "EVENT_KIND_UNKNOWN"),
        ({"title": " "}, Invalid, "EVENT_TEXT_REQUIRED"),
        ({"form": {"a": 1}}, Invalid, "EVENT_FORM_INVALID"),
        ({"place_id": uuid.uuid4()}, NotFound, "PLACE_NOT_FOUND"),
    ):
        values = {name: getattr(good, name) for name in ("kind", "place_id", "title", "form")}
        with pytest.raises(kind) as refusal:
            async with city.context(None) as ctx:
                await city.platform.events.open(ctx, OpenEvent(**{**values, **changes}))
        assert refusal.value.code == code
    assert await city.state() == before
