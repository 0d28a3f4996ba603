"""Packages installed as ``pip`` leaves them, seen by every process that has their folder in its
path: in this one ``importlib.metadata`` finds them too while a test lasts."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jingwei_core.settings import Settings
from tests.core.plugins.packages import Package
from tests.fixtures.command_line import Told
from tests.servers.databases import environment

METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: 1.0.0\n"


@dataclass(frozen=True)
class Installation:
    """A folder of installed packages."""

    folder: Path

    @classmethod
    def make(cls, folder: Path, monkeypatch: pytest.MonkeyPatch) -> "Installation":
        """An empty one, on the path of this process and of those it starts."""
        # The names of the packages hold the folder's: no two tests share a module.
        place = folder / folder.name.replace("-", "_")
        place.mkdir()
        monkeypatch.syspath_prepend(str(place))
        monkeypatch.setenv("PYTHONPATH", str(place), prepend=os.pathsep)
        return cls(place)

    def add(self, package: Package) -> None:
        """Install a package: its files and what says its entry point."""
        point = package.write(self.folder)
        name = point.value.partition(".")[0]
        told = self.folder / f"{name}-1.0.0.dist-info"
        told.mkdir()
        (told / "METADATA").write_text(METADATA.format(name=name), encoding="utf-8")
        (told / "entry_points.txt").write_text(
            f"[{point.group}]\n{point.name} = {point.value}\n", encoding="utf-8"
        )


async def in_a_process(settings: Settings, *words: str, **variables: str) -> Told:
    """``jingwei`` with these words in a process of its own, which finds what is installed now;
    ``variables`` are put into its environment."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "jingwei_core.cli.main", *words),
        env=environment(settings, JINGWEI_LOCALE="en", COLUMNS="200", **variables),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return Told(process.returncode or 0, out.decode(), err.decode())


async def lines_of(settings: Settings, *words: str, **variables: str) -> dict[str, dict[str, Any]]:
    """What ``jingwei plugin list`` tells a script, by plugin id."""
    told = await in_a_process(settings, "plugin", "list", *words, "--json", **variables)
    assert told.code == 0, told.err
    return {line["id"]: line for line in json.loads(told.out)}
