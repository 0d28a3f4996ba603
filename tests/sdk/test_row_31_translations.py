"""stable code + message catalogue; missing key fails conformance"""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import msgspec
import pytest

from jingwei_core.plugins.conformance import objection
from jingwei_core.plugins.discovery import discover
from jingwei_safety_production.plugin import plugin as safety
from jingwei_sdk.check import Subject, Tier, check
from jingwei_sdk.errors import Invalid
from jingwei_sdk.manifest import Manifest
from jingwei_sdk.messages import LOCALES, Catalogue
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.settings import SettingsOf
from tests.policy.project import ROOT

SOURCE = ROOT / "plugins" / "safety_production"
CHINESE = re.compile("[\u4e00-\u9fff]")


def manifest() -> Manifest:
    found = next(each.manifest for each in discover() if each.id == safety.id)
    assert found is not None
    return found


Changed = tuple[Plugin, Manifest]
# What people read of a plugin, each with one of its two texts taken away.
MISSING: dict[str, Callable[[Manifest], Changed]] = {
    "the plugin": lambda known: (safety, replaced(known, name_en=" ")),
    "its description": lambda known: (safety, replaced(known, description_zh="")),
    "safety.enterprise.read": lambda known: (
        safety,
        replaced(known, permissions=first(known.permissions, zh="")),
    ),
    "safety_office": lambda known: (safety, replaced(known, roles=first(known.roles, en=""))),
    "safety.hazard.inspection": lambda known: (
        replace(safety, event_kinds=first(safety.event_kinds, name_en="")),
        known,
    ),
    "safety.enterprises": lambda known: (
        replace(safety, navigation=first(safety.navigation, zh="")),
        known,
    ),
    "safety.hazards": lambda known: (
        replace(safety, map_layers=first(safety.map_layers, en="")),
        known,
    ),
    "safety.open-hazards": lambda known: (
        replace(safety, indicators=first(safety.indicators, en="")),
        known,
    ),
    "major-hazards": lambda known: (
        replace(safety, public_pages=first(safety.public_pages, zh="")),
        known,
    ),
    "tip": lambda known: (replace(safety, public_forms=first(safety.public_forms, en="")), known),
}


def replaced(known: Manifest, **changes: object) -> Manifest:
    return type(known)(**{**{f: getattr(known, f) for f in known.__struct_fields__}, **changes})


def first(declared: tuple[object, ...], **changes: object) -> tuple[object, ...]:
    """The declarations with the first one changed."""
    head = declared[0]
    if hasattr(head, "__struct_fields__"):
        values = {name: getattr(head, name) for name in head.__struct_fields__}
        return (type(head)(**{**values, **changes}), *declared[1:])
    return (replace(head, **changes), *declared[1:])  # type: ignore[type-var]


@pytest.mark.parametrize("name", list(MISSING))
def test_a_plugin_whose_reader_would_miss_a_text_is_not_loaded(name: str):
    plugin, changed = MISSING[name](manifest())
    assert objection(plugin, changed) == f"no text in both languages for {name}"


class Untold(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of which one has no description, one says it in English alone."""

    days: int = 3
    hours: Annotated[int | None, msgspec.Meta(description="hours to wait")] = None
    told: Annotated[int, msgspec.Meta(description="天数 · days")] = 1


@pytest.mark.parametrize(
    ("plugin", "changes"),
    [
        (replace(safety, settings=SettingsOf(Untold), public_forms=()), {}),
        (
            replace(safety, settings=None, public_forms=()),
            {"settings": {"properties": {"days": {}, "hours": {"description": "hours"}}}},
        ),
    ],
    ids=["typed", "schema of the manifest"],
)
def test_a_plugin_whose_settings_say_not_what_they_do_is_not_loaded(
    plugin: Plugin, changes: dict[str, object]
):
    why = "no description in both languages for the settings days, hours"
    assert objection(plugin, replaced(manifest(), **changes)) == why
    older = replaced(manifest(), **changes, sdk=">=0.1,<1")
    assert objection(plugin, older) == "", "one of 0.1 keeps to what 0.1 asked"


def test_a_workflow_and_a_reminder_are_told_in_both_languages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    package = tmp_path / "safety_untold"
    source = SOURCE / "jingwei_safety_production"
    shutil.copytree(source / "workflows", package / "workflows")
    for name in ("deadlines.csv", "messages.toml"):
        shutil.copy(source / name, package)
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    edit(package / "workflows" / "safety_supervised.toml", 'name_en = "Listed"', 'name_en = ""')
    untold = replace(safety, package="safety_untold", indicators=())
    assert objection(untold, manifest()) == (
        "no text in both languages for safety_supervised.listed"
    )

    edit(package / "workflows" / "safety_supervised.toml", 'name_en = ""', 'name_en = "Listed"')
    edit(package / "messages.toml", "[SAFETY_HAZARD_DUE]", "[SAFETY_HAZARD_DUE_SOON]")
    # Read anew: what a plugin ships is read once.
    again = replace(untold, demo=None)
    assert objection(again, manifest()) == "no text in messages.toml for SAFETY_HAZARD_DUE"


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("[SAFETY_ITEM_TWICE]", "[SAFETY_ITEM_DOUBLE]", "JW-601"),
        ('en = "The ', 'english = "The ', "JW-601"),
        (
            "[SAFETY_DATE_FUTURE]",
            "[SAFETY_LEFT_OVER]\nzh = '剩'\nen = 'Left'\n[SAFETY_DATE_FUTURE]",
            "JW-602",
        ),
    ],
)
def test_check_finds_an_error_without_its_texts(tmp_path: Path, old: str, new: str, rule: str):
    folder = tmp_path / "safety_production"
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("__pycache__", "tests"))
    rules = {found.rule for found in check(Subject.of(folder), Tier.GOLD).findings}
    assert rule not in rules
    messages = folder / "jingwei_safety_production" / "messages.toml"
    text = messages.read_text(encoding="utf-8")
    messages.write_text(text.replace(old, new, 1), encoding="utf-8")
    rules = {found.rule for found in check(Subject.of(folder), Tier.GOLD).findings}
    assert rule in rules


def test_each_code_of_a_plugin_reads_in_both_languages():
    catalogue = Catalogue()
    catalogue.load(SOURCE / "jingwei_safety_production" / "messages.toml")
    for code in sorted(catalogue.codes()):
        zh, en = (catalogue.describe(Invalid(code, field="x"), each) for each in LOCALES)
        assert CHINESE.search(zh.text), code
        assert not CHINESE.search(en.text), code
        assert bool(zh.next_step) == bool(en.next_step), code
