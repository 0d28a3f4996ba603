"""A plugin that clashes is put off and the city goes on; every code has its text."""

import re
import tomllib
from pathlib import Path

from jingwei_api.schema.kept import SchemaCache
from jingwei_core.plugins.host import Installed, PluginHost
from jingwei_sdk.plugin import Plugin
from tests.api.declarations import CORE, SAFETY, other_record

ROOT = Path(__file__).resolve().parents[2]
RAISED = re.compile(
    r"(?:Invalid|NotFound|Denied|Conflict|Unauthenticated|Unavailable|Refused|limit_error)\("
    r"\s*\"([A-Z_]+)\""
)


async def test_the_later_of_two_clashing_plugins_is_put_off_with_what_needs_it() -> None:
    late = Plugin(id="safety-twin", package="late", records=(other_record("HazardLevel"),))
    needs = Plugin(
        id="needs-twin", package="n", records=(other_record("Needy"),), requires=("safety-twin",)
    )
    installed = [Installed(each.id, "available", plugin=each) for each in (SAFETY, late, needs)]
    host = PluginHost(CORE, installed)
    enabled = frozenset(each.id for each in installed)
    off = host.off(enabled)
    assert (off["safety-twin"].state, off["needs-twin"].state) == ("clash", "needs")
    assert "SCHEMA_CLASH name='HazardLevel'" in off["safety-twin"].reason
    names = set((await SchemaCache().schema(host.registry(enabled))).type_map)
    assert {"SafetyHazard", "Event"} <= names
    assert not {"Needy", "HazardLevelConnection"} & names
    # Whoever has only the later one is served it.
    assert host.off(frozenset({"safety-twin", "needs-twin"})) == {}


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
