"""Settings of a plugin as its author meets them: read, migrated and refused by name, never told."""

import re
from typing import Annotated, Any

import msgspec
import pytest

from jingwei_core.plugins.discovery import Installed
from jingwei_core.plugins.tenant_settings import StoredSettings, TenantSettings, with_defaults
from jingwei_sdk.errors import Invalid, Refused
from jingwei_sdk.manifest import Manifest
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.settings import Secret, SettingsOf


class Lamps(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of these tests."""

    days: Annotated[int, msgspec.Meta(ge=1, le=90)] = 7
    key: Secret | None = None


def renamed(stored: dict[str, Any]) -> dict[str, Any]:
    return {"days": stored["weeks"] * 7}


SETTINGS = SettingsOf(Lamps, 2, {1: renamed})


def test_settings_of_an_earlier_version_are_brought_to_this_one() -> None:
    stored = {"weeks": 2}
    assert SETTINGS.read(SETTINGS.migrated(stored, 1)) == Lamps(days=14)
    assert stored == {"weeks": 2}
    assert SETTINGS.migrated({"days": 3}, 2) == {"days": 3}


@pytest.mark.parametrize(
    ("stored", "version", "code"),
    [({"days": 3}, 3, "SETTINGS_NEWER"), ({"months": 1}, 1, "SETTINGS_MIGRATION")],
)
def test_settings_that_cannot_be_brought_here_are_refused(
    stored: dict[str, Any], version: int, code: str
) -> None:
    with pytest.raises(Refused) as refusal:
        SETTINGS.migrated(stored, version)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("given", "field"),
    [({"days": 0}, "days"), ({"weeks": 1}, "weeks"), ({"key": 5}, "key")],
)
def test_a_value_that_does_not_fit_is_named(given: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        SETTINGS.read(given)
    assert (refusal.value.code, refusal.value.field) == ("SETTING_INVALID", field)


def test_a_secret_is_told_to_nobody_who_does_not_ask_for_it() -> None:
    read = SETTINGS.read({"key": "planted-value"})
    assert isinstance(read, Lamps)
    assert read.key is not None
    assert read.key.reveal() == "planted-value"
    assert "planted-value" not in f"{read!r} {SETTINGS.shown(read)}"
    for told in (msgspec.json.encode, msgspec.to_builtins):
        with pytest.raises(TypeError):
            told(read)


class Fussy(msgspec.Struct, frozen=True):
    """Settings whose own check has a fault."""

    days: int = 7

    def __post_init__(self) -> None:
        {7: "a week"}[self.days]


def test_a_faulty_check_of_the_author_is_a_refusal_that_names_its_type_only() -> None:
    with pytest.raises(Invalid) as refusal:
        SettingsOf(Fussy).read({"days": 4711})
    assert (refusal.value.code, refusal.value.field) == ("SETTING_INVALID", "settings")
    assert refusal.value.params["cause"] == "KeyError"


def test_stored_settings_that_a_faulty_check_meets_hold_back_their_plugin_alone() -> None:
    def installed(plugin_id: str, schema: type[msgspec.Struct]) -> Installed:
        plugin = Plugin(id=plugin_id, package="x", settings=SettingsOf(schema))
        return Installed(plugin_id, "available", None, plugin)

    found = TenantSettings(
        [installed("fussy", Fussy), installed("lamps", Lamps)],
        {"fussy": StoredSettings({"days": 4711}), "lamps": StoredSettings({"days": 3})},
        lambda plugin, name, text: Secret(text),
    )
    assert list(found.misfits) == ["fussy"]
    assert found.of(Lamps) == Lamps(days=3)


def test_a_manifest_of_sdk_0_1_may_say_of_a_setting_that_it_is_anything() -> None:
    head = {"id": "old", "version": "1.0.0", "sdk": "<1", "licence": "MIT"}
    names = ("name_zh", "name_en", "description_zh", "description_en")
    properties = {"days": {"default": 7}, "more": True}
    manifest = Manifest(**head, **dict.fromkeys(names, "x"), settings={"properties": properties})
    assert with_defaults(Installed("old", "available", manifest), {"more": 1}) == {
        "days": 7,
        "more": 1,
    }


def test_a_type_that_no_settings_can_hold_is_refused_at_once() -> None:
    class Odd(msgspec.Struct, frozen=True):
        pattern: re.Pattern[str] = re.compile("x")

    with pytest.raises(Refused) as refusal:
        SettingsOf(Odd)
    assert refusal.value.code == "SETTINGS_DECLARATION"
    assert "pattern" in str(refusal.value)
