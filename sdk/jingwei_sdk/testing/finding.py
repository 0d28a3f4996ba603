"""Which plugin is tested: the one of the project that the tests lie in."""

import tomllib
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path

from jingwei_sdk.plugin import ENTRY_POINT_GROUP
from jingwei_sdk.testing.contract import PluginUnderTest


class NoPlugin(LookupError):
    """There is no plugin to test, or more than one; says what to do."""


def plugin_under_test(folder: Path, plugin_id: str = "") -> PluginUnderTest:
    """The plugin that the project in ``folder`` declares; of several the one with this id.

    A project without a declaration may name an installed plugin by ``plugin_id``. Raises
    ``NoPlugin``.
    """
    declared = dict(_declared(folder))
    if plugin_id and plugin_id not in declared:
        declared = {point.name: point.value for point in entry_points(group=ENTRY_POINT_GROUP)}
    if plugin_id:
        if plugin_id not in declared:
            raise NoPlugin(f"no plugin {plugin_id!r}: neither in {folder} nor installed")
        return PluginUnderTest(plugin_id, declared[plugin_id], folder)
    if len(declared) != 1:
        found = ", ".join(sorted(declared)) or "none"
        raise NoPlugin(
            f"pyproject.toml in {folder} declares {found} in [project.entry-points."
            f'"{ENTRY_POINT_GROUP}"]: name the one to test with jingwei_plugin in the ini file'
        )
    ((name, entry),) = declared.items()
    return PluginUnderTest(name, entry, folder)


def _declared(folder: Path) -> Mapping[str, str]:
    file = folder / "pyproject.toml"
    if not file.is_file():
        return {}
    project = tomllib.loads(file.read_text(encoding="utf-8")).get("project", {})
    found: Mapping[str, str] = project.get("entry-points", {}).get(ENTRY_POINT_GROUP, {})
    return found
