"""Row 18: hooks are typed for both caller and implementer; mypy and pyright fixtures prove it."""

import inspect
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import get_type_hints

import pytest

from jingwei_sdk import hook_specs
from jingwei_sdk.hook_specs import ALL_HOOKS
from tests.sdk.fresh_environment import FreshEnvironment
from tests.sdk.type_checkers import Errors, marked, mypy, pyright

SCENES = Path(__file__).parent / "typing"
Checker = Callable[[FreshEnvironment, Path], Errors]
BOTH = pytest.mark.parametrize("checker", [mypy, pyright], ids=["mypy", "pyright"])


def scene(name: str, folder: Path) -> Path:
    """The file in a folder that is no part of this checkout."""
    shutil.copy(SCENES / name, folder / name)
    return folder


@BOTH
def test_an_implementer_is_told_of_each_mistake_and_of_nothing_else(
    checker: Checker, sdk_environment: FreshEnvironment, tmp_path: Path
) -> None:
    folder = scene("implementing.py", tmp_path)
    told = checker(sdk_environment, folder)
    assert len(marked(folder)) >= 12
    assert set(told) == marked(folder), told


@BOTH
def test_a_caller_is_told_of_each_mistake_and_of_nothing_else(
    checker: Checker, sdk_environment: FreshEnvironment, tmp_path: Path
) -> None:
    ours = replace(sdk_environment, folder=Path(sys.prefix))
    folder = scene("calling.py", tmp_path)
    told = checker(ours, folder)
    assert len(marked(folder)) >= 8
    assert set(told) == marked(folder), told


def test_each_hook_is_declared_with_its_types_and_has_a_scene() -> None:
    """A hook without type arguments would take anything."""
    declared = get_type_hints(hook_specs)
    told = (SCENES / "implementing.py").read_text(encoding="utf-8")
    for hook in ALL_HOOKS:
        given, answer = declared[hook.name].__args__
        assert given is hook.given
        assert inspect.isclass(hook.answer) == (answer is not type(None))
        assert f"\n@{hook.name}\n" in told
