"""Which functions of a plugin are heard, and which are refused before anybody is asked."""

from dataclasses import replace

import pytest

from jingwei_core.database import Database
from jingwei_core.plugins.hearing import heard_of
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, Refused
from jingwei_sdk.hook_specs import before_event_transition, on_event_transitioned
from jingwei_sdk.hooks import hookimpl
from jingwei_sdk.payloads import EventTransition, Veto
from jingwei_sdk.plugin import Plugin
from tests.core.plugins.hooks.hearing_world import GIVEN, hearing, hears


async def follow(ctx: Context, given: EventTransition) -> None: ...


class Hooks:
    """The object of a plugin of SDK 0.1."""

    @hookimpl
    async def before_event_transition(self, ctx: Context, change: EventTransition) -> Veto | None:
        return Veto("NOT_SO", {"number": change.number})


def test_a_hook_that_the_platform_does_not_have_is_refused() -> None:
    dreamt = replace(on_event_transitioned, name="on_event_dreamt_of")
    with pytest.raises(Refused) as refusal:
        heard_of(Plugin(id="aaa", package="x", hooks=(hears(dreamt, bool),)))
    assert refusal.value.code == "HOOK_UNKNOWN"


def test_a_function_that_no_hook_decorates_is_refused() -> None:
    with pytest.raises(Refused) as refusal:
        heard_of(Plugin(id="aaa", package="x", hooks=(follow,)))
    assert refusal.value.code == "HOOK_UNDECLARED"


def test_a_function_hears_one_hook() -> None:
    declared = hears(on_event_transitioned, bool)
    with pytest.raises(Refused) as refusal:
        before_event_transition(declared)
    assert refusal.value.code == "HOOK_DECLARED_TWICE"


async def test_objects_of_the_previous_major_are_asked_beside_functions(database: Database) -> None:
    old = Plugin(id="old", package="x", hooks=Hooks())
    new = Plugin(id="new", package="x", hooks=(hears(before_event_transition, lambda _: None),))
    platform = await hearing(database, old, new)
    async with await platform.context() as ctx:
        with pytest.raises(Conflict) as refusal:
            await platform.hooks.veto(ctx, before_event_transition, GIVEN[EventTransition])
    assert (refusal.value.code, dict(refusal.value.params)) == (
        "NOT_SO",
        {"number": "A1", "plugin": "old"},
    )
    assert {point[1] for point in platform.hooks.outcomes.counts()} == {"old", "new"}


async def test_who_hears_of_other_kinds_is_not_asked(database: Database) -> None:
    veto = hears(before_event_transition, lambda _: Veto("NO"))
    deaf = Plugin(id="deaf", package="x", hooks=(veto,), hears=frozenset({"city.other"}))
    platform = await hearing(database, deaf)
    async with await platform.context() as ctx:
        await platform.hooks.veto(ctx, before_event_transition, GIVEN[EventTransition])
        assert platform.hooks.is_heard(ctx, before_event_transition)
        assert platform.hooks.is_heard(ctx, before_event_transition, "city.other")
        assert not platform.hooks.is_heard(ctx, before_event_transition, "city.road")
        assert not platform.hooks.is_heard(ctx, on_event_transitioned)
