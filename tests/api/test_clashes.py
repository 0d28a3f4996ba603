"""A plugin that clashes is put off and the city goes on; every code has its text."""

import re
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from jingwei_api.execution.errors import ErrorTexts
from jingwei_api.execution.executor import Executor
from jingwei_api.settings import ApiSettings
from jingwei_core.registry import build_registry
from jingwei_sdk.errors import Refused
from jingwei_sdk.messages import Catalogue
from jingwei_sdk.plugin import Plugin
from tests.api.declarations import CORE, SAFETY, other_record, registry

ROOT = Path(__file__).resolve().parents[2]
RAISED = re.compile(
    r"(?:Invalid|NotFound|Denied|Conflict|Unauthenticated|Unavailable|Refused|limit_error)\("
    r"\s*\"([A-Z_]+)\""
)


def _executor() -> Executor:
    runtime = cast(
        Any, SimpleNamespace(platform=SimpleNamespace(cursor_secret=b""), feed=None, commits=None)
    )
    return Executor(runtime, ApiSettings(), ErrorTexts(Catalogue()))


async def test_the_later_of_two_clashing_plugins_is_put_off_with_what_needs_it() -> None:
    late = Plugin(id="late", package="late", records=(other_record("HazardLevel"),))
    needs = Plugin(
        id="needs-late", package="n", records=(other_record("Needy"),), requires=("late",)
    )
    schema = await _executor().schema(registry(SAFETY, late, needs))
    names = set(schema._schema.type_map)
    assert {"SafetyHazard", "Event"} <= names
    assert not {"Needy", "HazardLevelConnection"} & names


async def test_a_fault_of_the_core_is_not_hidden() -> None:
    clash = other_record("TextFilter")
    broken = Plugin(id="core", package="core", records=(*CORE.records, clash))
    with pytest.raises(Refused) as refusal:
        await _executor().schema(build_registry([broken]))
    assert refusal.value.code == "SCHEMA_CLASH"


def test_every_code_of_the_api_has_its_text() -> None:
    package = ROOT / "frontend_api" / "jingwei_api"
    raised = {
        code
        for path in package.rglob("*.py")
        for code in RAISED.findall(path.read_text(encoding="utf-8"))
    }
    known: set[str] = set()
    for path in (package / "messages.toml", *(ROOT / "core").rglob("messages.toml")):
        known |= set(tomllib.loads(path.read_text(encoding="utf-8")))
    assert len(raised) > 15
    assert raised - known == set()


def test_the_texts_name_only_parameters_they_get() -> None:
    path = ROOT / "frontend_api" / "jingwei_api" / "messages.toml"
    for code, texts in tomllib.loads(path.read_text(encoding="utf-8")).items():
        chinese = set(re.findall(r"\{(\w+)\}", texts["zh"]))
        assert set(re.findall(r"\{(\w+)\}", texts["en"])) == chinese, code
