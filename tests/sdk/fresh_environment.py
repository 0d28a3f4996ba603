"""Fresh environments (全新环境): what a stranger's machine has after ``pip install``, and no more.

    environment = FreshEnvironment.make(folder)
    environment.install_locked("jingwei-sdk")           # what the lock says it needs, not itself
    environment.install(wheels.wheel("sdk"))
    environment.python("-c", "import jingwei_sdk.plugin").out
    environment.run("pytest", "-q", cwd=plugin_folder)

The interpreter is the one that runs the tests; nothing of its site-packages is visible. Files come
out of the cache of uv, which the set-up of this checkout filled, checked against the lock; what
is not there is asked of the index that the machine is configured for. Where neither has a file, a
test is skipped; ``JINGWEI_TEST_WHEELS=required`` makes that a failure.
"""

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.sdk.wheelhouse import ROOT

# What belongs to the process that runs the suite, and would show it to the new environment.
_NOT_PASSED_ON = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "COVERAGE_PROCESS_START")
_OURS = ("JINGWEI_", "PYTEST_")


class NotInstalled(Exception):
    """An environment could not be laid; holds what the installer said."""


@dataclass(frozen=True)
class Ran:
    """How a program ended."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> str:
        """All it said."""
        return self.out + self.err

    def succeeded(self) -> "Ran":
        """Itself; fails the test, with all that was said, unless the program returned 0."""
        assert self.code == 0, self.told
        return self


@dataclass(frozen=True)
class FreshEnvironment:
    """A virtual environment of its own in ``folder``."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> "FreshEnvironment":
        """An environment in which nothing is installed."""
        # Not of this one: that would be the interpreter of a virtual environment as home.
        interpreter = Path(sys.base_prefix) / "bin" / Path(sys.executable).name
        started = str(interpreter) if interpreter.exists() else sys.executable
        command = [started, "-m", "venv", "--without-pip", str(folder)]
        subprocess.run(command, env=clean_environment(), check=True)
        return cls(folder)

    @property
    def interpreter(self) -> Path:
        """Its Python."""
        return self.folder / "bin" / "python"

    def install_locked(
        self, distribution: str, *, extras: tuple[str, ...] = (), groups: tuple[str, ...] = ()
    ) -> None:
        """Install what the lock says that a distribution of ours needs, except ours themselves.

        Raises ``NotInstalled``, or skips the test (see the top of this file).
        """
        asked = self.folder / f"{distribution}.requirements.txt"
        asked.write_text(locked(distribution, extras, groups), encoding="utf-8")
        try:
            self._pip("--require-hashes", "-r", str(asked))
        except NotInstalled as error:
            if os.environ.get("JINGWEI_TEST_WHEELS") == "required":
                raise
            pytest.skip(f"libraries are not to be had: {error}")

    def install(self, *wheels: Path) -> None:
        """Install these files, and nothing that they ask for; raises ``NotInstalled``."""
        self._pip(*[str(wheel) for wheel in wheels])

    def uninstall(self, *distributions: str) -> None:
        """Take distributions away; raises ``NotInstalled``."""
        uv("pip", "uninstall", "--quiet", "--python", str(self.interpreter), *distributions)

    def python(
        self, *words: str, cwd: Path | None = None, timeout_s: float = 300, **env: str
    ) -> Ran:
        """Run its Python; see :meth:`run`."""
        return self._started([str(self.interpreter), *words], cwd, timeout_s, env)

    def run(
        self, program: str, *words: str, cwd: Path | None = None, timeout_s: float = 300, **env: str
    ) -> Ran:
        """Run one of its programs, in ``cwd`` (else its own folder), with more environment ``env``.

        A program that does not end in time raises ``subprocess.TimeoutExpired``.
        """
        return self._started([str(self.folder / "bin" / program), *words], cwd, timeout_s, env)

    def _started(
        self, command: list[str], cwd: Path | None, timeout_s: float, env: dict[str, str]
    ) -> Ran:
        done = subprocess.run(
            command,
            cwd=cwd or self.folder,
            env=clean_environment() | self._on_path() | env,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def _on_path(self) -> dict[str, str]:
        path = os.pathsep.join([str(self.folder / "bin"), os.environ.get("PATH", os.defpath)])
        return {"PATH": path, "VIRTUAL_ENV": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}

    def _pip(self, *words: str) -> None:
        command = ("pip", "install", "--quiet", "--no-deps", "--python", str(self.interpreter))
        try:
            uv(*command, "--offline", *words)
        except NotInstalled:
            uv(*command, *words, env=_index())


def clean_environment() -> dict[str, str]:
    """Our environment variables, without those that belong to this suite or its interpreter."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return {name: value for name, value in kept.items() if name not in _NOT_PASSED_ON}


@functools.cache
def locked(distribution: str, extras: tuple[str, ...] = (), groups: tuple[str, ...] = ()) -> str:
    """The requirements of one of our distributions, with versions and digests from ``uv.lock``."""
    chosen = [part for extra in extras for part in ("--extra", extra)]
    chosen += [part for group in groups for part in ("--group", group)]
    return uv(
        *("export", "--frozen", "--quiet", "--no-header", "--no-annotate", "--no-dev"),
        *("--package", distribution, "--no-emit-workspace", "--format", "requirements-txt"),
        *chosen,
    )


def uv(*words: str, env: Mapping[str, str] | None = None) -> str:
    """What uv says in this checkout; raises ``NotInstalled`` with its words when it fails."""
    own = Path(sys.prefix) / "tools" / "bin" / "uv"
    program = os.environ.get("UV") or (str(own) if own.exists() else "uv")
    done = subprocess.run(
        [program, *words],
        cwd=ROOT,
        env={**clean_environment(), "UV_LINK_MODE": "hardlink", **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NotInstalled(f"uv {' '.join(words)}: {done.stderr}")
    return done.stdout


def _index() -> dict[str, str]:
    """uv does not read pip's configuration; a mirror that is set there is meant for it too."""
    if os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("UV_INDEX_URL"):
        return {}
    mirror = os.environ.get("PIP_INDEX_URL", "")
    pip = shutil.which("pip", path=str(Path(sys.prefix) / "tools" / "bin")) or shutil.which("pip")
    if not mirror and pip:
        asked = [pip, "config", "get", "global.index-url"]
        told = subprocess.run(asked, capture_output=True, text=True, check=False)
        mirror = told.stdout.strip() if told.returncode == 0 else ""
    return {"UV_DEFAULT_INDEX": mirror} if mirror else {}
