"""The wheels (发行包) of this checkout, built as a release would build them.

    wheels = Wheelhouse(folder)
    wheels.wheel("sdk")             # Path of jingwei_sdk-….whl
    wheels.all()                    # ours, as `jingwei` installs them together
    build_wheel(project, folder)    # the same for a project anywhere, a stranger's for example

Nothing is fetched: hatchling is in our lock and builds without an environment of its own.
"""

import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class BuildFailed(Exception):
    """A project could not be built; holds what hatchling said."""


def build_wheel(project: Path, folder: Path) -> Path:
    """The wheel of the project whose ``pyproject.toml`` lies in ``project``, put into ``folder``.

    Raises ``BuildFailed``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    before = set(folder.glob("*.whl"))
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder.absolute())],
        cwd=project,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    built = sorted(set(folder.glob("*.whl")) - before)
    if done.returncode or len(built) != 1:
        raise BuildFailed(f"{project}: {done.stdout}{done.stderr}")
    return built[0]


@dataclass
class Wheelhouse:
    """Wheels of the distributions in this checkout, each built when it is first asked for."""

    folder: Path
    _built: dict[str, Path] = field(default_factory=dict)

    def wheel(self, distribution: str) -> Path:
        """The wheel of the distribution in this folder of the checkout; raises ``BuildFailed``."""
        if distribution not in self._built:
            target = self.folder / (
                distribution.replace("/", "-") if distribution != "." else "all"
            )
            self._built[distribution] = build_wheel(ROOT / distribution, target)
        return self._built[distribution]

    def all(self) -> list[Path]:
        """The wheels of all distributions of this checkout, the deployable last."""
        members = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        patterns = members["tool"]["uv"]["workspace"]["members"]
        folders = [found for pattern in patterns for found in sorted(ROOT.glob(pattern))]
        named = [str(folder.relative_to(ROOT)) for folder in folders if folder.is_dir()]
        return [self.wheel(distribution) for distribution in (*named, ".")]
