"""mypy and pyright, both strict, over an author's files and what is installed beside them.

    errors = mypy(environment, folder)          # {("plugin.py", 12), …}: file and line of each
    errors = pyright(environment, folder)

The programs are this checkout's; what they see of packages is the environment's alone. An answer
that is not about a line of the folder's files fails the test.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.sdk.fresh_environment import FreshEnvironment, clean_environment

Errors = dict[tuple[str, int], str]
"""What was said of each file (a path inside the folder) and line."""

_MYPY_ERROR = re.compile(r"^(?P<file>[^:\n]+):(?P<line>\d+): error: (?P<text>.*)$", re.MULTILINE)
_SILENT = {"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1", "PYRIGHT_PYTHON_GLOBAL_NODE": "0"}


def mypy(environment: FreshEnvironment, folder: Path) -> Errors:
    """What ``mypy --strict`` finds in the Python files of the folder."""
    options = ["--strict", "--config-file=", "--cache-dir=/dev/null", "--no-error-summary"]
    options += ["--python-executable", str(environment.interpreter), "--no-pretty"]
    options += ["--explicit-package-bases", "--namespace-packages"]
    done = _run([sys.executable, "-m", "mypy", *options, "."], folder, {})
    found = {
        (match["file"], int(match["line"])): match["text"]
        for match in _MYPY_ERROR.finditer(done.stdout)
    }
    assert done.returncode == (1 if found else 0), done.stdout + done.stderr
    return found


def pyright(environment: FreshEnvironment, folder: Path, *, mode: str = "strict") -> Errors:
    """What pyright finds in the Python files of the folder."""
    config = folder / "pyrightconfig.json"
    config.write_text(json.dumps({"typeCheckingMode": mode, "include": ["."]}), encoding="utf-8")
    command = [str(Path(sys.executable).parent / "pyright"), "--outputjson", "-p", "."]
    command += ["--pythonpath", str(environment.interpreter)]
    done = _run(command, folder, _SILENT)
    try:
        answer = json.loads(done.stdout)
    except ValueError as error:
        raise AssertionError(done.stdout + done.stderr) from error
    assert answer["summary"]["filesAnalyzed"] > 0, done.stdout
    found = {}
    for said in answer["generalDiagnostics"]:
        if said["severity"] == "error":
            file = Path(said["file"]).resolve().relative_to(folder.resolve())
            line = said["range"]["start"]["line"] + 1
            found[file.as_posix(), line] = said["message"]
    return found


def marked(folder: Path, mark: str = "[wrong]") -> set[tuple[str, int]]:
    """The lines of the folder's Python files that carry the mark in a comment."""
    return {
        (path.relative_to(folder).as_posix(), number)
        for path in sorted(folder.rglob("*.py"))
        for number, line in _lines(path)
        if "#" in line and mark in line.partition("#")[2]
    }


def _lines(path: Path) -> Iterable[tuple[int, str]]:
    return enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)


def _run(
    command: list[str], folder: Path, env: dict[str, str]
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        cwd=folder,
        env=clean_environment() | env,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
