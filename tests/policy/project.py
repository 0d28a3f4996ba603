"""What the policy tests look at: the files of the project, parsed once."""

import ast
import functools
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Source:
    """One file: its path from the root, and its text."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        """The syntax tree of a Python file."""
        return _parsed(self.path, self.text)


@functools.cache
def _parsed(path: str, text: str) -> ast.Module:
    return ast.parse(text, filename=path)


@functools.cache
def paths() -> tuple[str, ...]:
    """Every file that git tracks or would add, by its path from the root."""
    # The checkout may belong to somebody else than the user who runs the tests.
    command = ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT), "ls-files", "-z"]
    listing = subprocess.run(
        [*command, "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
    )
    return tuple(sorted(path for path in listing.stdout.split("\0") if (ROOT / path).is_file()))


@functools.cache
def sources(*suffixes: str) -> tuple[Source, ...]:
    """The text files of the project with one of these suffixes; all of them when none is given."""
    found = []
    for path in paths():
        if suffixes and not path.endswith(suffixes):
            continue
        try:
            found.append(Source(path, (ROOT / path).read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return tuple(found)
