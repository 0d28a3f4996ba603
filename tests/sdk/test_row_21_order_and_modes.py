"""Row 21: `mode=` on the spec (fold, first, collect, veto); the order is that of what plugins
require, ties are broken by plugin id."""

import itertools
from dataclasses import replace
from typing import Any

import pytest

from jingwei_core.database import Database
from jingwei_sdk.errors import Conflict, Refused
from jingwei_sdk.hook_specs import (
    ALL_HOOKS,
    before_event_transition,
    decide_event_department,
    extend_subject_export,
    on_plugin_enabled,
)
from jingwei_sdk.hooks import Hook, Mode
from jingwei_sdk.payloads import (
    DepartmentChoice,
    EventToAssign,
    EventTransition,
    PluginEnabled,
    SubjectExport,
    Veto,
)
from jingwei_sdk.plugin import Plugin
from tests.core.plugins.hooks.hearing_world import GIVEN, HearingPlatform, hearing, hears

FAMILIES = {"on": Mode.COLLECT, "before": Mode.VETO, "decide": Mode.FIRST, "extend": Mode.FOLD}
# mmm comes first: zzz and aaa require it, directly or not; bbb requires nothing.
REQUIRES = {"aaa": ("zzz",), "bbb": (), "mmm": (), "zzz": ("mmm",)}
ORDER = ["bbb", "mmm", "zzz", "aaa"]


def test_each_hook_says_its_mode_and_its_name_says_it_too() -> None:
    assert {hook.name: hook.mode for hook in ALL_HOOKS} == {
        hook.name: FAMILIES[hook.name.partition("_")[0]] for hook in ALL_HOOKS
    }


async def _platform(
    database: Database, hook: Hook[Any, Any], answers: dict[str, Any]
) -> HearingPlatform:
    plugins = [
        Plugin(id=name, package="x", requires=REQUIRES[name], hooks=(hears(hook, answer),))
        for name, answer in answers.items()
    ]
    return await hearing(database, *plugins)


async def test_fold_goes_through_plugins_in_the_order_of_what_they_require_then_of_ids(
    database: Database,
) -> None:
    def adding(name: str) -> Any:
        return lambda given: given.adding("said", [{"by": name}])

    for order in itertools.islice(itertools.permutations(REQUIRES), 0, 24, 5):
        answers = {name: adding(name) for name in order}
        platform = await _platform(database, extend_subject_export, answers)
        async with await platform.context() as ctx:
            told = await platform.hooks.fold(ctx, extend_subject_export, GIVEN[SubjectExport])
        assert [row["by"] for row in told.topics["said"]] == ORDER
        async with database.platform() as unit:
            await unit.execute("UPDATE platform.plugin_state SET enabled = false")


async def test_first_ends_with_the_first_answer(database: Database) -> None:
    asked: list[str] = []

    def answering(name: str, code: str | None) -> Any:
        def answer(given: EventToAssign) -> DepartmentChoice | None:
            asked.append(name)
            return None if code is None else DepartmentChoice(code)

        return answer

    answers = {"aaa": answering("aaa", "last"), "bbb": answering("bbb", None)}
    answers |= {"mmm": answering("mmm", "fire"), "zzz": answering("zzz", "police")}
    platform = await _platform(database, decide_event_department, answers)
    async with await platform.context() as ctx:
        chosen = await platform.hooks.first(ctx, decide_event_department, GIVEN[EventToAssign])
    assert chosen == DepartmentChoice("fire")
    assert asked == ["bbb", "mmm"]


async def test_a_veto_ends_the_asking_and_names_its_plugin(database: Database) -> None:
    answers: dict[str, Any] = {name: lambda given: None for name in REQUIRES}
    answers |= {name: (lambda given, n=name: Veto(f"NO_{n}")) for name in ("aaa", "zzz")}
    platform = await _platform(database, before_event_transition, answers)
    async with await platform.context() as ctx:
        with pytest.raises(Conflict) as refusal:
            await platform.hooks.veto(ctx, before_event_transition, GIVEN[EventTransition])
    assert (refusal.value.code, refusal.value.params["plugin"]) == ("NO_zzz", "zzz")


async def test_collect_queues_one_job_for_each_in_order(database: Database) -> None:
    platform = await _platform(database, on_plugin_enabled, dict.fromkeys(REQUIRES, id))
    async with await platform.context() as ctx:
        told = await platform.hooks.collect(ctx, on_plugin_enabled, GIVEN[PluginEnabled])
    assert told == 4
    assert [payload["plugin"] for payload in await platform.queued()] == ORDER


async def test_a_hook_is_called_in_no_other_mode_than_its_own(database: Database) -> None:
    platform = await _platform(database, decide_event_department, {"mmm": lambda given: None})
    pretended = replace(decide_event_department, mode=Mode.FOLD)
    async with await platform.context() as ctx:
        with pytest.raises(Refused) as refusal:
            await platform.hooks.first(ctx, pretended, GIVEN[EventToAssign])
    assert refusal.value.code == "HOOK_MODE"
    assert platform.hooks.outcomes.counts() == {}
