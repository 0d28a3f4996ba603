"""Imports point down: api → core → sdk, plugins → sdk and the plugins their manifest declares."""

import sys
import tomllib
from collections.abc import Mapping

import pytest

from jingwei_sdk.check.imports import runtime_imports
from tests.policy.project import ROOT, Source, paths, sources

OURS = "jingwei"
ALLOWED: Mapping[str, frozenset[str]] = {
    "jingwei_sdk": frozenset(),
    "jingwei_core": frozenset({"jingwei_sdk"}),
    "jingwei_api": frozenset({"jingwei_core", "jingwei_sdk"}),
}
# The one contract with the outside: what a plugin author has to know besides our own names.
SDK_MAY_IMPORT = frozenset({"msgspec", "packaging", "piccolo", "pluggy", "uuid_utils"})
TEST_KIT = "sdk/jingwei_sdk/testing/"
# What authors use besides running a plugin stands on libraries of its own, some in an extra.
SDK_TOOLS_MAY_IMPORT = {
    TEST_KIT: frozenset({"pytest", "pytest_asyncio"}),
    "sdk/jingwei_sdk/cli.py": frozenset({"typer"}),
    "sdk/jingwei_sdk/scaffold/": frozenset({"black", "jinja2"}),
    "sdk/jingwei_sdk/trust/": frozenset({"cryptography", "cyclonedx", "packageurl"}),
}


def top_level_imports(source: Source) -> list[tuple[int, str]]:
    """The line and the first part of the name of everything a file imports when it runs."""
    return [(line, name.split(".")[0]) for line, name in runtime_imports(source.tree)]


def _package(path: str) -> str | None:
    """The import name that a file of the tree belongs to; None for what is not shipped."""
    parts = path.split("/")
    depth = 2 if parts[0] == "plugins" else 1
    if len(parts) <= depth or parts[0] not in {"sdk", "core", "frontend_api", "plugins"}:
        return None
    return parts[depth] if parts[depth].startswith(f"{OURS}_") else None


def trespasses(source: Source, allowed: Mapping[str, frozenset[str]]) -> list[str]:
    """The imports of a file that its room may not have, as `path:line imports name`."""
    package = _package(source.path)
    if package is None:
        return []
    found = []
    for line, name in runtime_imports(source.tree):
        top = name.split(".")[0]
        if top.startswith(OURS) and top != package and top not in allowed[package]:
            found.append(f"{source.path}:{line} imports {name}")
    return found


def _plugins() -> dict[str, frozenset[str]]:
    """Each plugin's import name, with the packages its manifest lets it import."""
    found = {}
    for path in paths():
        if path.startswith("plugins/") and path.endswith("/plugin.toml"):
            manifest = tomllib.loads((ROOT / path).read_text(encoding="utf-8"))
            others = {f"{OURS}_{need.replace('-', '_')}" for need in manifest.get("requires", ())}
            found[path.split("/")[2]] = frozenset({"jingwei_sdk", *others})
    for path in paths():
        package = _package(path)
        if package and path.startswith("plugins/"):
            found.setdefault(package, frozenset({"jingwei_sdk"}))
    return found


def test_imports_point_down() -> None:
    allowed = {**ALLOWED, **_plugins()}
    looked_at = [source for source in sources(".py") if _package(source.path)]
    assert {_package(source.path) for source in looked_at} >= set(ALLOWED)
    assert [found for source in looked_at for found in trespasses(source, allowed)] == []


@pytest.mark.parametrize(
    ("path", "line", "expected"),
    [
        ("sdk/jingwei_sdk/a.py", "import jingwei_core", 1),
        ("sdk/jingwei_sdk/a.py", "def f():\n    from jingwei_core.jobs import port", 1),
        ("core/jingwei_core/a.py", "from jingwei_api import app", 1),
        ("core/jingwei_core/a.py", "import jingwei_safety_production.plugin", 1),
        ("core/jingwei_core/a.py", "from jingwei_sdk import errors", 0),
        ("plugins/x/jingwei_x/a.py", "import jingwei_core.database", 1),
        ("plugins/x/jingwei_x/a.py", "import jingwei_y", 1),
        ("plugins/x/jingwei_x/a.py", "import jingwei_z\nimport jingwei_sdk\nimport jingwei_x", 0),
        ("sdk/jingwei_sdk/a.py", "if TYPE_CHECKING:\n    import jingwei_core", 0),
        ("sdk/jingwei_sdk/a.py", "if TYPE_CHECKING:\n    pass\nelse:\n    import jingwei_core", 1),
        ("core/jingwei_core/a.py", "import_module('jingwei_api.app')", 1),
        ("tests/core/test_a.py", "import jingwei_core", 0),
    ],
)
def test_the_rule_sees_a_trespass(path: str, line: str, expected: int) -> None:
    allowed = {**ALLOWED, "jingwei_x": frozenset({"jingwei_sdk", "jingwei_z"})}
    assert len(trespasses(Source(path, line), allowed)) == expected


def strangers(source: Source) -> list[str]:
    """The third-party imports of an SDK file that plugin authors were not told about."""
    known = SDK_MAY_IMPORT | sys.stdlib_module_names | {"jingwei_sdk"}
    for place, libraries in SDK_TOOLS_MAY_IMPORT.items():
        if source.path.startswith(place):
            known |= libraries
    found = top_level_imports(source)
    return [f"{source.path}:{line} imports {name}" for line, name in found if name not in known]


def test_the_sdk_needs_only_what_it_promises() -> None:
    files = [source for source in sources(".py") if source.path.startswith("sdk/jingwei_sdk/")]
    assert files
    assert [found for source in files for found in strangers(source)] == []
    assert strangers(Source("sdk/jingwei_sdk/a.py", "import casbin\nimport json")) == [
        "sdk/jingwei_sdk/a.py:1 imports casbin"
    ]
    assert strangers(Source("sdk/jingwei_sdk/a.py", "import pytest")) != []
    assert strangers(Source(f"{TEST_KIT}a.py", "import pytest")) == []


def code_in_tenants(names: tuple[str, ...]) -> list[str]:
    """The files below tenants/ that are code: a city is data."""
    code = (".py", ".pyc", ".sh", ".js", ".so", ".sql")
    return [name for name in names if name.startswith("tenants/") and name.endswith(code)]


def test_tenants_hold_no_code() -> None:
    assert code_in_tenants(paths()) == []
    assert code_in_tenants(("tenants/a/rules.py", "tenants/a/tenant.toml", "core/b.py")) == [
        "tenants/a/rules.py"
    ]
