"""Files that a plugin ships (随附文件): workflows and deadlines, read as those of a tenant are."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from jingwei_core.events.workflow import WorkflowDefinition
from jingwei_core.events.workflow_reading import read_workflow
from jingwei_core.tenants.package_events import read_limits
from jingwei_core.tenants.package_files import PackageFolder
from jingwei_core.tenants.package_model import DeadlineRow
from jingwei_core.tenants.package_problems import Findings
from jingwei_sdk.errors import Invalid
from jingwei_sdk.plugin import Plugin

_PLUGINS = 256


@dataclass(frozen=True, slots=True)
class ShippedFiles:
    """The workflows and deadlines of one plugin, checked."""

    workflows: tuple[WorkflowDefinition, ...] = ()
    deadlines: tuple[DeadlineRow, ...] = ()


@lru_cache(maxsize=_PLUGINS)
def shipped_files(plugin: Plugin) -> ShippedFiles:
    """What the plugin ships.

    Raises ``Invalid`` (``PLUGIN_FILE``) with the file and what is wrong with it: it lies outside
    the package, cannot be read, is no workflow or no table of deadlines, or says a thing twice.
    """
    if not plugin.workflows and not plugin.deadlines:
        return ShippedFiles()
    folder = Path(str(files(plugin.package)))
    workflows = tuple(_workflow(folder, one.path) for one in plugin.workflows)
    codes = [one.code for one in workflows]
    for path, code in zip((one.path for one in plugin.workflows), codes, strict=True):
        if codes.count(code) > 1:
            raise _wrong(path, f"the workflow {code} stands in two files")
    states = frozenset(state.code for one in workflows for state in one.states)
    deadlines: dict[tuple[str, str], DeadlineRow] = {}
    for file in plugin.deadlines:
        for row in _deadlines(folder, file.path, states):
            if deadlines.setdefault((row.profile, row.state), row) is not row:
                raise _wrong(file.path, f"{row.profile} {row.state} stands in two files")
    return ShippedFiles(workflows, tuple(deadlines.values()))


def _workflow(folder: Path, path: Path) -> WorkflowDefinition:
    try:
        text = _inside(folder, path).read_text(encoding="utf-8")
        return read_workflow(tomllib.loads(text))
    except (OSError, UnicodeError, tomllib.TOMLDecodeError) as error:
        raise _wrong(path, str(error)) from error
    except Invalid as error:
        if error.code == "PLUGIN_FILE":
            raise
        raise _wrong(path, str(error)) from error


def _deadlines(folder: Path, path: Path, states: frozenset[str]) -> Iterator[DeadlineRow]:
    _inside(folder, path)
    reading = PackageFolder(folder, Findings())
    rows = read_limits(reading, path.as_posix(), states, None)
    if reading.findings.problems:
        raise _wrong(path, "; ".join(map(str, reading.findings.problems)))
    return iter(rows)


def _inside(folder: Path, path: Path) -> Path:
    found = (folder / path).resolve()
    if path.is_absolute() or not found.is_relative_to(folder.resolve()):
        raise _wrong(path, "it lies outside the package")
    return found


def _wrong(path: Path, cause: str) -> Invalid:
    return Invalid("PLUGIN_FILE", file=path.as_posix(), cause=cause)
