"""A declaration that lacks what the platform demands cannot even be made; it says which code."""

import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from piccolo.columns import Text

from jingwei_sdk.commands import command, declaration
from jingwei_sdk.errors import Refused
from jingwei_sdk.events import EVENT_TYPE, EventType
from jingwei_sdk.hook_specs import before_event_transition, on_event_transitioned
from jingwei_sdk.hooks import heard_by
from jingwei_sdk.manifest import PLUGIN_ID, read_manifest
from jingwei_sdk.messages import Catalogue
from jingwei_sdk.presence import PUBLIC, MapLayer, NavigationItem, PublicForm, PublicPage
from jingwei_sdk.questions import Question
from jingwei_sdk.records import PERMISSION, TYPE_NAME, Record, TenantWide
from jingwei_sdk.settings import SettingsOf
from jingwei_sdk.tables import TenantTable
from jingwei_sdk.upgrades import DataMigration


class Permit(TenantTable, tablename="permit", schema="permits"):
    """A table of these tests."""

    code = Text()


class Given(msgspec.Struct, frozen=True):
    """Input and answer at once."""

    code: str


class WithToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    form: str


class Coded(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: str


class Pictured(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    photos: tuple[uuid.UUID, ...]


class Needed(msgspec.Struct, frozen=True):
    """Settings that a tenant could not start with."""

    days: int


class Optional(msgspec.Struct, frozen=True):
    """Settings that it can."""

    days: int = 7


async def answered(ctx: Any, given: Given) -> Given:
    return given


async def untyped(ctx: Any, given: Any) -> Given:
    return given


async def crowded(ctx: Any, target: Any, given: Given, more: int) -> Given:
    return given


async def silent(ctx: Any, given: Given) -> None: ...


async def looked_up(ctx: Any, given: Given) -> uuid.UUID:
    return uuid.UUID(int=0)


def not_async(ctx: Any, given: Given) -> Given:
    return given


async def page(ctx: Any, query: Any) -> dict[str, Any]:
    return {}


async def taken(ctx: Any, given: Any) -> dict[str, Any]:
    return {}


async def hears_both(ctx: Any, given: Any) -> None: ...


def command_of(handler: Callable[..., Any], **said: Any) -> Any:
    given: dict[str, Any] = {"permission": "permit.write", "tenant_wide": True, **said}
    return command("permit.do", **given)(handler)


def record(**said: Any) -> Record:
    given: dict[str, Any] = {"read": "permit.read", "scope": (TenantWide(),), **said}
    return Record(Permit, **given)


def heard_twice() -> object:
    return on_event_transitioned(before_event_transition(hears_both))


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "record without permission": (lambda: record(read=""), "RECORD_WITHOUT_PERMISSION"),
    "record without scope": (lambda: record(scope=()), "RECORD_WITHOUT_SCOPE"),
    "record with a bad name": (lambda: record(name="permit"), "RECORD_NAME"),
    "record with an unknown column": (lambda: record(sort=("no",)), "RECORD_UNKNOWN_COLUMN"),
    "command without permission": (
        lambda: command_of(answered, permission=""),
        "COMMAND_WITHOUT_PERMISSION",
    ),
    "command at no place": (
        lambda: command_of(answered, tenant_wide=False),
        "COMMAND_WITHOUT_PLACE",
    ),
    "command at two places": (lambda: command_of(answered, at="code"), "COMMAND_WITHOUT_PLACE"),
    "command without answer": (lambda: command_of(silent), "COMMAND_WITHOUT_RESULT"),
    "command that is sync": (lambda: command_of(not_async), "COMMAND_NOT_ASYNC"),
    "command without input type": (lambda: command_of(untyped), "COMMAND_SIGNATURE"),
    "command with too many": (lambda: command_of(crowded), "COMMAND_SIGNATURE"),
    "function without command": (lambda: declaration(page), "COMMAND_UNDECLARED"),
    "one function, two hooks": (heard_twice, "HOOK_DECLARED_TWICE"),
    "function without hook": (lambda: heard_by("permits", (page,)), "HOOK_UNDECLARED"),
    "setting without default": (lambda: SettingsOf(Needed), "SETTINGS_DECLARATION"),
    "settings without a step": (lambda: SettingsOf(Optional, 2), "SETTINGS_DECLARATION"),
    "upgrade to nowhere": (lambda: DataMigration("next", looked_up), "UPGRADE_VERSION"),
    "event type without version": (lambda: EventType("permits.given", Given), "EVENT_TYPE_NAME"),
    "menu for everybody": (
        lambda: NavigationItem("permits", "许可", "Permits", "Permit", ""),
        "PRESENCE_WITHOUT_PERMISSION",
    ),
    "map for everybody": (
        lambda: MapLayer("permits", "许可", "Permits", "Permit", "public"),
        "PRESENCE_WITHOUT_PERMISSION",
    ),
    "page that does not say public": (
        lambda: PublicPage("permits", "许可", "Permits", page, "permit.read"),
        "PRESENCE_WITHOUT_PERMISSION",
    ),
    "page outside its folder": (
        lambda: PublicPage("../permits", "许可", "Permits", page, PUBLIC),
        "PRESENCE_WITHOUT_PERMISSION",
    ),
    "form that takes what it does not know": (
        lambda: PublicForm("permits", "许可", "Permits", Given, taken, PUBLIC),
        "PRESENCE_FORM_OPEN",
    ),
    "form with a field for its token": (
        lambda: PublicForm("permits", "许可", "Permits", WithToken, taken, PUBLIC),
        "PRESENCE_FORM_OPEN",
    ),
    **{
        f"form that {what}": (
            lambda given=given, more=more: PublicForm(
                "permits", "许可", "Permits", given, taken, PUBLIC, **more
            ),
            "PRESENCE_FORM_FIELDS",
        )
        for what, given, more in (
            ("takes photos into no field", Coded, {"photos": 1}),
            ("takes more photos than there may be", Pictured, {"photos": 7}),
            ("takes fewer photos than none", Pictured, {"photos": -1}),
            ("gives a code to no field", Pictured, {"gives_code": True}),
            ("asks for a code in no field", Pictured, {"opened_by": "other"}),
            ("gives and asks for a code", Coded, {"gives_code": True, "opened_by": "other"}),
        )
    },
    "question without permission": (
        lambda: Question("permitOf", Given, answered),
        "QUESTION_WITHOUT_PERMISSION",
    ),
    "question that is sync": (
        lambda: Question("permitOf", Given, not_async, "permit.read"),  # type: ignore[arg-type]
        "QUESTION_NOT_ASYNC",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_declaration_that_lacks_something_is_refused(case: str) -> None:
    make, code = REFUSED[case]
    with pytest.raises(Refused) as refusal:
        make()
    assert refusal.value.code == code


def test_the_same_declarations_with_all_they_need_are_made() -> None:
    assert record().columns[-1] == "code"
    assert declaration(command_of(answered)).result is Given
    assert SettingsOf(Optional, 2, {1: dict}).version == 2
    assert EventType("permits.permit_given.v1", Given).json_schema()["$ref"].endswith("Given")
    assert PublicPage("permits", "许可", "Permits", page, PUBLIC).per_minute == 30


def test_a_manifest_for_a_newer_sdk_is_not_judged_by_keys_of_the_future(tmp_path: Path) -> None:
    path = tmp_path / "plugin.toml"
    path.write_text('id = "permits"\nversion = "1.0"\nsdk = ">=7"\nflying = true\n', "utf-8")
    with pytest.raises(Refused) as refusal:
        read_manifest(path)
    assert refusal.value.code == "SDK_RANGE"


@pytest.mark.parametrize(
    ("second", "code"),
    [
        ('[A]\nzh = "甲"\n', "MESSAGE_INCOMPLETE"),
        ('[A]\nzh = "乙"\nen = "b"\n', "MESSAGE_DUPLICATE"),
    ],
)
def test_a_catalogue_takes_a_file_whole_or_not_at_all(
    tmp_path: Path, second: str, code: str
) -> None:
    catalogue = Catalogue()
    for name, text in (("first.toml", '[A]\nzh = "甲"\nen = "a"\n'), ("second.toml", second)):
        (tmp_path / name).write_text(f'[B{len(name)}]\nzh = "丙"\nen = "c"\n{text}', "utf-8")
    catalogue.load(tmp_path / "first.toml")
    before = catalogue.codes()
    with pytest.raises(Refused) as refusal:
        catalogue.load(tmp_path / "second.toml")
    assert refusal.value.code == code
    assert catalogue.codes() == before


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        (PERMISSION, "road-lamp.read"),
        (TYPE_NAME, "RoadLamp"),
        (PLUGIN_ID, "road-lamp"),
        (EVENT_TYPE, "road-lamp.lamp_lit.v1"),
    ],
)
def test_no_name_ends_with_a_line(rule: re.Pattern[str], name: str) -> None:
    """Names are joined line by line, in what a secret is sealed with for example."""
    assert rule.match(name)
    assert not rule.match(f"{name}\n")
