"""Steps that a plugin looks at, inside their transaction; what follows them in a job."""

from dataclasses import replace
from typing import Any

from jingwei_core.platform import Platform
from jingwei_core.plugins.dispatcher import reaction_payload
from jingwei_core.plugins.host import Installed
from jingwei_sdk.context import Context
from jingwei_sdk.hook_specs import before_event_transition, on_event_transitioned
from jingwei_sdk.payloads import EventTransition, Veto
from jingwei_sdk.plugin import Plugin
from tests.core.events.city import City, build_city
from tests.core.events.rulebook import ruled, workflow
from tests.core.events.test_guards import working
from tests.faults.scenes_operations import job_act
from tests.faults.site import Act, Caller

PLUGIN = "faulty"


@before_event_transition
async def looks_first(ctx: Context, given: EventTransition) -> Veto | None:
    """A plugin that asks the database before it says its word, or fails over it."""
    await ctx.data.fetchval("SELECT count(*) FROM core.event_step WHERE event = $1", given.event_id)
    if given.action == "finish":
        raise ValueError(given.action)
    return None


@on_event_transitioned
async def says_something(ctx: Context, given: EventTransition) -> None:
    """A reaction that leaves something behind: a change that subscribers hear of, and a job."""
    await ctx.data.fetchval("SELECT count(*) FROM core.event_step WHERE event = $1", given.event_id)
    await ctx.signals.changed("Event", given.event_id, given.place_id)


FAULTY = Installed(
    PLUGIN,
    "available",
    plugin=Plugin(id=PLUGIN, package="tests", hooks=(looks_first, says_something)),
)


async def plugin_acts(platform: Platform, workers: Any) -> list[Act]:
    """Steps of an event while the plugin looks on, with and without its failing."""
    plain = await build_city(platform, plugins=(PLUGIN,))
    city = await ruled(plain, workflow())
    city.platform.event_ports = platform.event_ports
    at = platform.clock.now()
    chief = Caller(city.tenant.id, city.people["chief"], at, workers, every_point=True)
    centre = Caller(city.tenant.id, city.people["centre"], at, workers, every_point=True)
    return [
        centre.act("event.act", await city.report(), "a plugin looks on", action="start"),
        # A plugin that fails again and again is not asked any more.
        replace(
            chief.act("event.act", await working(city), "a plugin fails over", action="finish"),
            forgets=True,
        ),
        await _reaction(city),
    ]


async def _reaction(city: City) -> Act:
    event = await city.event(await working(city))
    given = EventTransition(
        event["id"],
        event["number"],
        "city.road.pothole",
        "start",
        "begin",
        "work",
        is_final=False,
        place_id=event["place_id"],
    )
    payload = reaction_payload(PLUGIN, on_event_transitioned, given)
    return await job_act(city, "core.plugin-reaction", payload)
