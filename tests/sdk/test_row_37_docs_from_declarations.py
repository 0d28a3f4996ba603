"""Row 37: docs generated from specs; every hook documented and tested; executed examples.

A hook, an error, a setting or a permission without its page or without a test fails here.
"""

import ast
import dataclasses
import functools
import importlib
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from jingwei_sdk.hook_specs import ALL_HOOKS
from jingwei_sdk.hooks import Hook
from jingwei_sdk.manifest import Manifest
from jingwei_sdk.plugin import Plugin
from tests.policy.project import ROOT, sources
from tests.policy.sdk_pages import pages
from tests.policy.sdk_pages.errors import codes
from tests.policy.sdk_pages.manifest import TEXTS
from tests.policy.sdk_pages.offers import manifests, settings_of, shipped

UNTESTED = tomllib.loads(Path(__file__).with_name("untested.toml").read_text(encoding="utf-8"))
"""Names that no test mentions, each with the reason; it only ever gets shorter."""
GENERATED = tuple(pages())


@functools.cache
def mentioned() -> frozenset[str]:
    """Every word of the texts in our tests' code, this module and comments left out."""
    found: set[str] = set()
    for source in sources(".py"):
        is_test = source.path.startswith(("tests/", "plugins/", "examples/"))
        if (
            not is_test
            or "/tests/" not in f"/{source.path}"
            or source.path.endswith(Path(__file__).name)
        ):
            continue
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.update(re.findall(r"[\w.-]+", node.value))
            elif isinstance(node, ast.Name | ast.Attribute | ast.keyword):
                found.add(
                    getattr(node, "id", None) or getattr(node, "attr", None) or node.arg or ""
                )
    return frozenset(found)


def silent(names: Iterable[str], kind: str) -> list[str]:
    """Names that no test mentions and that are not excused; an excuse that is no longer needed."""
    excused = set(UNTESTED.get(kind, {}))
    missing = {name for name in names if name not in mentioned()}
    return sorted(missing ^ excused)


@pytest.mark.parametrize(("path", "text"), GENERATED, ids=[path.name for path, _ in GENERATED])
def test_a_page_tells_what_the_declarations_say(path: Path, text: str) -> None:
    assert path.read_text(encoding="utf-8") == text, "python -m tests.policy.sdk_pages writes it"


def test_each_key_and_contribution_says_what_it_is_for() -> None:
    assert list(TEXTS["manifest"]) == [field.name for field in msgspec.structs.fields(Manifest)]
    assert set(TEXTS["plugin"]) == {field.name for field in dataclasses.fields(Plugin)}


def test_every_hook_has_a_page_a_test_and_a_shipped_user() -> None:
    page = (ROOT / "docs" / "sdk" / "zh" / "reference" / "hooks.md").read_text(encoding="utf-8")
    assert [hook.name for hook in ALL_HOOKS if f"## {hook.name}\n" not in page] == []
    assert silent((hook.name for hook in ALL_HOOKS), "hooks") == []
    used = {name for found in shipped() if found.plugin for name in _heard(found.plugin)}
    assert [hook.name for hook in ALL_HOOKS if hook.name not in used] == []


def _heard(plugin: Plugin) -> set[str]:
    if isinstance(plugin.hooks, tuple):
        return {function.__hook__.name for function in plugin.hooks}
    return {name for name in dir(plugin.hooks) if not name.startswith("_")}


def test_every_error_has_a_page_and_a_test() -> None:
    assert silent(codes(), "errors") == []


def test_every_permission_has_a_page_and_a_test() -> None:
    named = [permission.code for manifest in manifests() for permission in manifest.permissions]
    assert named
    assert silent(named, "permissions") == []


def test_every_setting_has_a_page_and_a_test() -> None:
    named = [name for found in shipped() for name in settings_of(found)]
    assert named
    assert silent(named, "settings") == []


def test_every_excuse_has_a_reason() -> None:
    for kind, excuses in UNTESTED.items():
        assert [name for name, reason in excuses.items() if len(reason) < 20] == [], kind


def test_a_hook_without_a_page_is_noticed() -> None:
    """The page is made from all hooks there are: one more changes it."""
    # The package offers the function under the module's name.
    room = importlib.import_module("tests.policy.sdk_pages.hooks")
    more: Hook[object, object] = dataclasses.replace(ALL_HOOKS[0], name="on_nothing_at_all")
    before = room.hooks("zh")
    try:
        room.ALL_HOOKS = (*ALL_HOOKS, more)
        assert room.hooks("zh") != before
    finally:
        room.ALL_HOOKS = ALL_HOOKS
    assert silent(["on_nothing_at" + "_all_else"], "nothing") == ["on_nothing_at_all_else"]
