"""registering without permission raises"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from jingwei_core.contribution import core_contribution, core_manifest
from jingwei_core.plugins.conformance import objection
from jingwei_core.plugins.discovery import discover
from jingwei_safety_production.plugin import plugin as safety
from jingwei_safety_production.records import ENTERPRISE, HAZARD
from jingwei_sdk.check.permission_rules import offered
from jingwei_sdk.commands import command, declaration
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Refused
from jingwei_sdk.indicators import Indicator
from jingwei_sdk.manifest import Manifest
from jingwei_sdk.plugin import Job, Plugin
from jingwei_sdk.presence import PUBLIC, MapLayer, NavigationItem, PublicForm, PublicPage
from jingwei_sdk.questions import Question
from jingwei_sdk.records import Computed, Extension, Record


class Answer(msgspec.Struct):
    """An answer."""

    count: int


async def act(ctx: Context) -> Answer:
    """Nothing."""
    return Answer(0)


class Sent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What anybody sends."""

    text: str


class Coded(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is sent with a code."""

    code: str


async def take(ctx: Context, given: Any) -> Mapping[str, Any]:
    """Nothing."""
    return {}


async def page(ctx: Context, query: Mapping[str, str]) -> Mapping[str, Any]:
    """Nothing."""
    return {}


async def job(ctx: Context, payload: Mapping[str, Any]) -> None:
    """Nothing."""


async def each(ctx: Context, rows: Any) -> list[int]:
    """Nothing."""
    return [0 for _ in rows]


def manifest() -> Manifest:
    """The manifest of work safety."""
    found = next(each.manifest for each in discover() if each.id == safety.id)
    assert found is not None
    return found


def record(permission: str) -> Record:
    return Record(HAZARD.table, read=permission, scope=HAZARD.scope, name="SafetyOther")


# What raises as soon as it is declared, for a text that is no permission.
DECLARED: Mapping[str, Callable[[str], object]] = {
    "RECORD_WITHOUT_PERMISSION record": record,
    "RECORD_WITHOUT_PERMISSION guarded": lambda code: replace(HAZARD, guarded={"level": code}),
    "COMMAND_WITHOUT_PERMISSION command": lambda code: command(
        "safety.other", permission=code, tenant_wide=True
    )(act),
    "QUESTION_WITHOUT_PERMISSION question": lambda code: Question("other", Answer, act, code),
    "PRESENCE_WITHOUT_PERMISSION navigation": lambda code: NavigationItem(
        "other", "别", "Other", "SafetyHazard", code
    ),
    "PRESENCE_WITHOUT_PERMISSION map layer": lambda code: MapLayer(
        "other", "别", "Other", "SafetyHazard", code
    ),
    "PRESENCE_WITHOUT_PERMISSION public page": lambda code: PublicPage(
        "other", "别", "Other", page, code
    ),
    "PRESENCE_WITHOUT_PERMISSION public form": lambda code: PublicForm(
        "other", "别", "Other", Sent, take, code
    ),
    "PRESENCE_WITHOUT_PERMISSION what a public form acts with": lambda code: PublicForm(
        "other", "别", "Other", Sent, take, PUBLIC, acts_with=(code,)
    ),
    "PRESENCE_WITHOUT_PERMISSION indicator": lambda code: Indicator(
        "other", "SafetyHazard", "别", "Other", code
    ),
}


@pytest.mark.parametrize("permission", ["", "safety", "*", "safety.*", "Safety.Read"])
@pytest.mark.parametrize("case", list(DECLARED))
def test_what_names_no_permission_cannot_be_declared(case: str, permission: str):
    with pytest.raises(Refused) as refusal:
        DECLARED[case](permission)
    assert refusal.value.code == case.split()[0]


def test_a_public_page_says_so_and_a_question_for_all_says_so():
    with pytest.raises(Refused):
        PublicPage("other", "别", "Other", page, "safety.hazard.read")
    assert PublicPage("other", "别", "Other", page, PUBLIC).permission == PUBLIC
    with pytest.raises(Refused):
        Question("other", Answer, act, "safety.hazard.read", signed_in=True)
    assert Question("other", Answer, act, signed_in=True).permission == ""


# What is refused when it is loaded: a permission that the plugin does not have.
FOREIGN = "event.close"
LOADED: Mapping[str, Callable[[], Plugin]] = {
    "record": lambda: replace(safety, records=(*safety.records, record(FOREIGN))),
    "command": lambda: replace(
        safety,
        commands=(command("safety.other", permission=FOREIGN, tenant_wide=True)(act),),
    ),
    "question": lambda: replace(safety, questions=(Question("other", Answer, act, FOREIGN),)),
    "navigation": lambda: replace(
        safety, navigation=(NavigationItem("other", "别", "Other", "SafetyHazard", FOREIGN),)
    ),
    "map layer": lambda: replace(
        safety,
        map_layers=(MapLayer("other", "别", "Other", "SafetyHazard", FOREIGN, shape="place"),),
    ),
    "indicator": lambda: replace(
        safety, indicators=(Indicator("other", "SafetyHazard", "别", "Other", FOREIGN),)
    ),
    "field of the core": lambda: replace(
        safety,
        extensions=(Extension("Event", computed={"other": Computed(int, ("id",), each, FOREIGN)}),),
    ),
}


@pytest.mark.parametrize("case", list(LOADED))
def test_what_names_another_packages_permission_is_not_loaded(case: str):
    assert objection(safety, manifest()) == ""
    assert (
        objection(LOADED[case](), manifest()) == f"permissions not in its manifest: ['{FOREIGN}']"
    )


def form(path: str = "other", **more: Any) -> Plugin:
    """Work safety with another public form."""
    shape = more.pop("given", Sent)
    added = PublicForm(path, "别", "Other", shape, take, PUBLIC, **more)
    return replace(safety, public_forms=(*safety.public_forms, added))


def test_a_public_form_acts_with_what_is_its_own_or_open_to_the_public():
    open_ = ("place.read", "event.report", "safety.hazard.read")
    assert objection(form(acts_with=open_, setting="public_tips"), manifest()) == ""
    for code in ("event.read", "staff.read", "road.lamp.read"):
        told = objection(form(acts_with=("place.read", code)), manifest())
        assert told == f"the public form other acts with ['{code}'], which are not the plugin's"


def test_the_check_tells_its_author_what_a_public_form_may_not_act_with():
    told = set(offered(form(acts_with=("place.read", "event.read", "safety.hazard.read"))))
    assert {("other", "event.read"), ("other", "safety.hazard.read")} <= told
    assert ("other", "place.read") not in told


def test_a_public_form_has_an_address_and_a_switch_of_its_own():
    for path in ("tip", "major-hazards"):
        assert objection(form(path), manifest()) == f"the public path {path} is there twice"
    for setting in ("rectify_days_major", "no_such"):
        assert objection(form(setting=setting), manifest()) == (
            f"the public form other needs {setting}, which is no yes or no setting"
        )
    for setting in ("public_tips", "rectify_days_major", "nothing"):
        assert objection(form(action_setting=setting), manifest()) == (
            f"the public form other needs {setting}, which is no text"
        )
    assert objection(form(action_setting="tip_again_action"), manifest()) == ""


def test_a_public_form_is_opened_by_the_code_of_another_one_of_the_plugin():
    for path in ("no-such", "other", "major-hazards"):
        told = objection(form(given=Coded, opened_by=path), manifest())
        assert told == f"the public form other is opened by {path}, which gives no code"
    assert objection(form(given=Coded, opened_by="tip"), manifest()) == ""
    below = form("tip/photos")
    assert objection(below, manifest()) == "the public path tip/photos is there twice"


def test_a_field_for_everybody_is_not_loaded():
    open_field = Extension("Event", computed={"other": Computed(int, ("id",), each)})
    assert objection(replace(safety, extensions=(open_field,)), manifest()) == (
        "the field Event.other names no permission"
    )


def test_a_job_runs_as_its_plugin_and_as_nobody_else():
    foreign = replace(safety, jobs=(Job("core.outbox-deliver", job),))
    assert "core.outbox-deliver" in objection(foreign, manifest())


def test_a_schedule_that_nobody_can_read_is_not_loaded():
    daily = replace(safety, jobs=(Job("safety-production.daily", job, schedule="at noon"),))
    assert objection(daily, manifest()) == (
        "the schedule of safety-production.daily is no cron expression"
    )


def test_what_is_shown_is_a_record_of_the_plugin():
    other = NavigationItem("other", "别", "Other", "Account", ENTERPRISE.read)
    told = objection(replace(safety, navigation=(other,)), manifest())
    assert told == "other shows Account, which is no record of the plugin"


def test_the_core_keeps_to_the_same_rules_and_names_each_permission():
    assert objection(core_contribution(), core_manifest()) == ""
    core = core_contribution()
    used = {each.read for each in core.records} | {
        declaration(handler).permission for handler in core.commands
    }
    used |= {each.permission for each in core.questions if each.permission}
    declared = {each.code: each for each in core_manifest().permissions}
    assert used <= set(declared)
    assert all(re.search("[\u4e00-\u9fff]", each.zh) for each in declared.values())
    assert not any(re.search("[\u4e00-\u9fff]", each.en) for each in declared.values())
