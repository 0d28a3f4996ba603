"""Compiled files (已编译文件): Python runs them in place of the source that was verified.

They carry no hash of anybody who gave the wheel away, so each is held against what its source
compiles to here. What this interpreter would not read, it makes anew from the source.
"""

import marshal
import sys
from collections.abc import Iterator
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from types import CodeType

FOLDER = "__pycache__"
_HEADER = 16
"""Bytes before the code: magic, flags, and the source's time and size or its hash (PEP 552)."""


def strange_compiled(folder: Path) -> Iterator[Path]:
    """The compiled files below a folder that say something else than their source, or have none."""
    for path in sorted(folder.rglob(f"{FOLDER}/*.pyc")):
        name, _, tag = path.stem.partition(".")
        tag, _, level = tag.partition(".opt-")
        if tag == sys.implementation.cache_tag and _is_read(path):
            source = path.parent.parent / f"{name}.py"
            if not _is_of(path, source, int(level) if level.isdigit() else 0):
                yield path


def _is_read(path: Path) -> bool:
    head = path.read_bytes()[:_HEADER]
    return len(head) == _HEADER and head.startswith(MAGIC_NUMBER)


def _is_of(path: Path, source: Path, level: int) -> bool:
    if not source.is_file():
        return False
    try:
        found = marshal.loads(path.read_bytes()[_HEADER:])  # noqa: S302 - looked at, never run
        meant = compile(source.read_bytes(), str(source), "exec", dont_inherit=True, optimize=level)
    except (ValueError, EOFError, TypeError, SyntaxError):
        return False
    return isinstance(found, CodeType) and found == meant
