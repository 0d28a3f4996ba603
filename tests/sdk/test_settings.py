"""Settings of a plugin as its author meets them: read, migrated and refused by name, never told."""

from typing import Annotated, Any

import msgspec
import pytest

from jingwei_sdk.errors import Invalid, Refused
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
