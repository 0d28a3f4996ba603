"""Importing divisions (导入行政区划): a whole national file into one tenant's tree, with progress.

The file has the columns ``code,name,level,parent_code`` and every parent before its children, as
china-division publishes it. It is read as a stream and written by COPY in batches of one
transaction, so a fault in row 600,000 leaves nothing behind.
"""

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import NamedTuple, TextIO
from uuid import UUID

from uuid_utils.compat import uuid7

from jingwei_core.database.unit import Unit
from jingwei_core.places.labels import child_path
from jingwei_core.text import search_text
from jingwei_sdk.errors import Invalid

COLUMNS = ("code", "name", "level", "parent_code")
BATCH = 20_000
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
_names = lru_cache(maxsize=65_536)(search_text)
_TERMS_LATER = "SELECT set_config('app.place_terms', 'later', true)"
_TERMS = """
INSERT INTO core.place_term (tenant_id, term, name)
SELECT DISTINCT p.tenant_id, t.term, p.name
  FROM core.place p, LATERAL core.place_terms(p.name, p.search_text, p.code) AS t(term)
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


class _Node(NamedTuple):
    """What a child needs of its parent; six hundred thousand are held, so the id is its bytes."""

    id: bytes
    path: str


async def import_divisions(unit: Unit, file: DivisionFile, progress: Progress) -> int:
    """Add every division of the file to the unit's tenant; the number of places added.

    ``progress`` is told the number of rows so far after each batch. Raises ``Invalid`` with file
    and row: ``IMPORT_COLUMNS``, ``IMPORT_CODE`` (missing or twice), ``IMPORT_PARENT``,
    ``IMPORT_NAME``; nothing is kept then, if the caller lets the error end the unit.
    """
    nodes: dict[str, _Node] = {}
    await unit.execute(_TERMS_LATER)
    ordinal = await unit.fetchval("SELECT coalesce(max(ordinal), 0) FROM core.place")
    places: list[tuple[object, ...]] = []
    codes: list[tuple[object, ...]] = []
    for number, row in _rows(file):
        ordinal += 1
        node, parent = _place(file, number, row, nodes, ordinal)
        places.append(_place_row(file, row, node, parent, ordinal))
        codes.append((uuid7(), places[-1][0], "division", row["code"], file.valid_from))
        if len(places) >= BATCH:
            await _flush(unit, places, codes)
            progress(len(nodes))
    await _flush(unit, places, codes)
    await unit.execute(f"{_TERMS}; SELECT set_config('app.place_terms', '', true)")
    progress(len(nodes))
    return len(nodes)


def _rows(file: DivisionFile) -> Iterator[tuple[int, Mapping[str, str]]]:
    reader = csv.DictReader(file.lines)
    if tuple(reader.fieldnames or ()) != COLUMNS:
        found = ",".join(reader.fieldnames or ())
        raise Invalid("IMPORT_COLUMNS", file=file.name, row=1, found=found)
    yield from enumerate(reader, start=2)


def _place(
    file: DivisionFile, number: int, row: Mapping[str, str], nodes: dict[str, _Node], ordinal: int
) -> tuple[_Node, _Node | None]:
    code, parent_code = row["code"], row["parent_code"]
    if not code or code in nodes:
        raise Invalid("IMPORT_CODE", file=file.name, row=number, field="code", value=code)
    if not row["name"]:
        raise Invalid("IMPORT_NAME", file=file.name, row=number, field="name", value=code)
    parent = nodes.get(parent_code)
    if parent is None and parent_code:
        raise Invalid(
            "IMPORT_PARENT", file=file.name, row=number, field="parent_code", value=parent_code
        )
    path = child_path(parent.path if parent else None, ordinal)
    node = _Node(uuid7().bytes, path)
    nodes[code] = node
    return node, parent


def _place_row(
    file: DivisionFile, row: Mapping[str, str], node: _Node, parent: _Node | None, ordinal: int
) -> tuple[object, ...]:
    code, name = row["code"], row["name"]
    return (
        UUID(bytes=node.id),
        UUID(bytes=parent.id) if parent else None,
        row["level"],
        ordinal,
        node.path,
        node.path.count("/") - 2,
        name,
        "",
        f"{_names(name)} {code}",
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
