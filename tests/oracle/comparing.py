"""Comparing an answer with the plain executor's: the same values under the same keys in the same
order, and the same refusals at the same fields."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.oracle.executor import CURSOR, cursor_parts
from tests.oracle.pages import Mark

_SIGNED = re.compile(r"(expires|signature|X-Amz-[A-Za-z]+)=[^&]+")


@dataclass
class Cursors:
    """What is known of the cursors of the system, by their text and by what they mean."""

    marks: dict[str, Mark] = field(default_factory=dict)
    texts: dict[Mark, str] = field(default_factory=dict)

    def learn(self, text: str, ours: str) -> str | None:
        """Remember a cursor; says what is wrong when it meant something else before."""
        mark = Mark(*cursor_parts(ours))
        if self.marks.setdefault(text, mark) != mark:
            return f"one cursor for {mark} and {self.marks[text]}"
        if self.texts.setdefault(mark, text) != text:
            return f"two cursors for {mark}"
        return None


Path = tuple[str | int, ...]


def differences(
    theirs: Mapping[str, Any], ours: Mapping[str, Any], cursors: Cursors
) -> Iterator[str]:
    """Where two responses differ; ``ours`` holds errors as (path, codes) pairs."""
    yield from _values(theirs.get("data"), ours["data"], (), cursors)
    yield from _errors(theirs.get("errors", []), ours["errors"], theirs.get("data"))


def _values(theirs: Any, ours: Any, path: Path, cursors: Cursors) -> Iterator[str]:
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        if list(theirs) != list(ours):
            yield f"{_told(path)}: keys {list(theirs)} instead of {list(ours)}"
            return
        for key in ours:
            yield from _values(theirs[key], ours[key], (*path, key), cursors)
    elif isinstance(ours, list) and isinstance(theirs, list):
        if len(theirs) != len(ours):
            yield f"{_told(path)}: {len(theirs)} entries instead of {len(ours)}"
        for at, (one, other) in enumerate(zip(theirs, ours, strict=False)):
            yield from _values(one, other, (*path, at), cursors)
    elif isinstance(ours, str) and ours.startswith(CURSOR):
        problem = (
            cursors.learn(theirs, ours) if isinstance(theirs, str) else f"{theirs!r} for a cursor"
        )
        if problem:
            yield f"{_told(path)}: {problem}"
    elif not _same(theirs, ours):
        yield f"{_told(path)}: {theirs!r} instead of {ours!r}"


def _same(theirs: Any, ours: Any) -> bool:
    if isinstance(theirs, bool) or isinstance(ours, bool):
        return theirs is ours
    if isinstance(theirs, str) and isinstance(ours, str):
        # A signed link says when it ends; two of them differ by that.
        return _SIGNED.sub("", theirs) == _SIGNED.sub("", ours)
    # JSON has one kind of number: 2 and 2.0 read alike. In which order numbers were added shows in
    # the last digits of an average.
    if isinstance(theirs, float) and isinstance(ours, float):
        return math.isclose(theirs, ours, rel_tol=1e-12)
    if isinstance(theirs, (int, float)) and isinstance(ours, (int, float)):
        return theirs == ours
    return type(theirs) is type(ours) and bool(theirs == ours)


def _errors(
    theirs: list[Mapping[str, Any]], ours: list[tuple[Path, list[str]]], data: Any
) -> Iterator[str]:
    told = {(_names(error.get("path") or ()), error["extensions"]["code"]) for error in theirs}
    wanted = {(_names(path), tuple(codes)) for path, codes in ours}
    for path, codes in wanted:
        # A refusal may be told where it was found: at the field, or at what it was read for below.
        if not any(_begins(found, path) and code in codes for found, code in told):
            yield f"{_told(path)}: no error {codes}, but {sorted(told)}"
    for found, code in told:
        if any(_begins(found, path) and code in codes for path, codes in wanted):
            continue
        # What is refused for every row may be told even if there is no row, or none of its type.
        if not found or _has(data, found):
            yield f"{_told(found)}: error {code}"


def _names(path: Any) -> Path:
    return tuple(part for part in path if isinstance(part, str))


def _begins(path: Path, start: Path) -> bool:
    return path[: len(start)] == start


def _has(data: Any, path: Path) -> bool:
    """Whether an object of an answer has the field that a path of names leads to."""
    if isinstance(data, list):
        return any(_has(each, path) for each in data)
    if not isinstance(data, Mapping) or path[0] not in data:
        return False
    return len(path) == 1 or _has(data[path[0]], path[1:])


def _told(path: Path) -> str:
    return ".".join(map(str, path)) or "answer"
