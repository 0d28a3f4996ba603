"""Row 20: the first parameter is `ctx`; there is no ambient "current tenant" in the SDK."""

import importlib
import pkgutil
from contextvars import ContextVar
from pathlib import Path

import pytest

import jingwei_sdk
from jingwei_core.contribution import core_contribution
from jingwei_core.plugins.discovery import discover
from jingwei_sdk._called import functions_of, without_context
from tests.core.plugins.packages import Package

REFUSED = {
    "hook": """
from jingwei_sdk.hook_specs import on_event_transitioned
@on_event_transitioned
async def wrong(given, ctx): ...
plugin = Plugin(id="permits", package="x", hooks=(wrong,))
""",
    "hook on_event_transitioned": """
from jingwei_sdk.hooks import hookimpl
class Hooks:
    @hookimpl
    async def on_event_transitioned(self, change): ...
plugin = Plugin(id="permits", package="x", hooks=Hooks())
""",
    "job permits.count": """
from jingwei_sdk.plugin import Job
async def count(payload): ...
plugin = Plugin(id="permits", package="x", jobs=(Job("permits.count", count),))
""",
    "field Permit.label": """
async def label(rows): return []
FIELD = Computed(str, ("id",), label, permission="permit.read")
PERMIT = Record(Permit, read="permit.read", scope=(TenantWide(),), computed={"label": FIELD})
plugin = Plugin(id="permits", package="x", tables=(Permit,), records=(PERMIT,))
""",
    "field Event.label": """
async def label(rows, ctx): return []
FIELD = Computed(str, ("id",), label, permission="permit.read")
FIELDS = (Extension("Event", computed={"label": FIELD}),)
plugin = Plugin(id="permits", package="x", extensions=FIELDS)
""",
    "command issue": """
class New(msgspec.Struct):
    code: str
class Issued(msgspec.Struct):
    code: str
@command("permit.issue", permission="permit.read", tenant_wide=True)
async def issue(somebody, new: New) -> Issued: ...
plugin = Plugin(id="permits", package="x", commands=(issue,))
""",
    "question count": """
from jingwei_sdk.questions import Question
class Answer(msgspec.Struct):
    count: int
async def count(given): ...
plugin = Plugin(id="permits", package="x",
                questions=(Question("count", Answer, count, permission="permit.read"),))
""",
    "consumer follow": """
from jingwei_sdk.events import Consumer
class Done(msgspec.Struct):
    code: str
async def follow(given, ctx): ...
plugin = Plugin(id="permits", package="x",
                consumers=(Consumer("other.permit_issued.v1", "follow", Done, follow),))
""",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.parametrize("what", REFUSED)
def test_a_plugin_is_off_whose_code_could_run_without_knowing_for_whom(
    folder: Path, what: str
) -> None:
    points = [Package(extra=REFUSED[what]).write(folder), Package(id="sound").write(folder)]
    wrong, sound = sorted(discover(points), key=lambda found: found.id)
    assert wrong.state == "failed"
    assert f"{what}" in wrong.reason
    assert "the first parameter has to be ctx" in wrong.reason
    assert sound.state == "available", sound.reason


def test_the_core_and_what_we_ship_keep_to_it() -> None:
    shipped = [found.plugin for found in discover() if found.plugin is not None]
    assert shipped
    for plugin in [core_contribution(), *shipped]:
        assert list(functions_of(plugin))
        assert list(without_context(plugin)) == []


def test_nothing_in_the_sdk_stands_for_a_current_tenant() -> None:
    public = [
        found.name
        for found in pkgutil.walk_packages(jingwei_sdk.__path__, "jingwei_sdk.")
        if not any(part.startswith("_") for part in found.name.split("."))
        and not found.name.startswith("jingwei_sdk.testing")
    ]
    assert "jingwei_sdk.tables" in public
    ambient = [
        f"{module}.{name}"
        for module in public
        for name, value in vars(importlib.import_module(module)).items()
        if isinstance(value, ContextVar) and not name.startswith("_")
    ]
    assert ambient == []
