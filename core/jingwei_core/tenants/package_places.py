"""Reading the place tree of a package: ``places/*.csv`` and ``places/shapes.ndjson``."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import shapely
from shapely.geometry import Polygon

from jingwei_core.tenants.package_files import PackageFolder, Record
from jingwei_core.tenants.package_model import (
    DivisionClass,
    PlaceLevel,
    PlaceRow,
    PlaceShape,
    Ring,
)
from jingwei_core.tenants.package_problems import Findings

PLACE_COLUMNS = (
    "code",
    "parent",
    "level",
    "name_zh",
    "name_en",
    "households",
    "source",
    "valid_from",
    "valid_to",
)
SHAPES = "places/shapes.ndjson"
OVERLAP_TOLERANCE = 1e-9
"""Square degrees, about 10 m²: what rounding to six decimals may leave between neighbours."""

# GB/T 2260 (digits 1-6), GB/T 10114 (7-9) and the statistics bureau's last three digits, as the
# published lists use them: what the digits that a level adds may be.
_DIVISION_TAIL: Mapping[DivisionClass, tuple[int, str]] = {
    DivisionClass.PREFECTURE: (4, r"[1-9]\d(?:0[1-9]|[1-6]\d|70)"),
    DivisionClass.COUNTY: (6, r"\d{4}(?:0[1-9]|1[0-8]|2[1-9]|[3-9]\d)"),
    DivisionClass.TOWNSHIP: (9, r"\d{6}(?!000)[0-5]\d\d"),
    DivisionClass.VILLAGE: (12, r"\d{9}(?!000)[0-5]\d\d"),
}


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a place row stands in the files."""

    row: PlaceRow
    record: Record


def read_places(
    folder: PackageFolder, levels: Sequence[PlaceLevel], sources: frozenset[str], root: str
) -> tuple[PlaceRow, ...]:
    """All places, parents first. Problems and size warnings are noted in the findings."""
    placed: dict[str, Placed] = {}
    for file in folder.names("places", ".csv"):
        for record in folder.table(file, PLACE_COLUMNS):
            row = _place(record)
            if row.code in placed:
                record.refuse("PACKAGE_DUPLICATE", "code", value=row.code)
            elif row.code:
                placed[row.code] = Placed(row, record)
    by_level = {level.code: level for level in levels}
    for place in placed.values():
        _check_place(place, placed, by_level, root)
        if place.row.source and place.row.source not in sources:
            place.record.refuse("PACKAGE_UNKNOWN_SOURCE", "source", value=place.row.source)
    if root and root not in placed:
        folder.findings.problem("PACKAGE_ROOT_MISSING", "places", None, "code", value=root)
    depth = {level.code: level.position for level in levels}
    rows = (place.row for place in placed.values())
    return tuple(sorted(rows, key=lambda row: (depth.get(row.level, 99), row.code)))


def _place(record: Record) -> PlaceRow:
    row = PlaceRow(
        code=record.code("code"),
        parent=record.optional("parent"),
        level=record.text("level"),
        name_zh=record.text("name_zh"),
        name_en=record.text("name_en"),
        households=record.integer_or_none("households", 0, 10_000_000),
        source=record.text("source"),
        valid_from=record.day("valid_from"),
        valid_to=record.day_or_none("valid_to"),
    )
    if record.is_sound and row.valid_to is not None and row.valid_to <= row.valid_from:
        record.refuse("PACKAGE_INTERVAL", "valid_to", start=row.valid_from, end=row.valid_to)
    return row


def _check_place(
    place: Placed, placed: Mapping[str, Placed], levels: Mapping[str, PlaceLevel], root: str
) -> None:
    row, record = place.row, place.record
    level = levels.get(row.level)
    if level is None:
        if row.level:
            record.refuse("PACKAGE_UNKNOWN_LEVEL", "level", value=row.level)
        return
    _check_code(row, record, level)
    _check_parent(place, placed, levels, root)
    _warn_size(row, record, level)


def _check_code(row: PlaceRow, record: Record, level: PlaceLevel) -> None:
    if not row.code:
        return
    if level.division is DivisionClass.NONE:
        if len(row.code) != level.code_digits:
            record.refuse("PACKAGE_CODE_LENGTH", "code", value=row.code, expected=level.code_digits)
        return
    digits, form = _DIVISION_TAIL[level.division]
    if len(row.code) != digits:
        record.refuse("PACKAGE_CODE_LENGTH", "code", value=row.code, expected=digits)
    elif not re.fullmatch(form, row.code, re.ASCII):
        record.refuse(
            "PACKAGE_DIVISION_CODE",
            "code",
            value=row.code,
            level=level.name_zh,
            level_en=level.name_en,
        )


def _check_parent(
    place: Placed, placed: Mapping[str, Placed], levels: Mapping[str, PlaceLevel], root: str
) -> None:
    row, record = place.row, place.record
    if row.code == root:
        if row.parent:
            record.refuse("PACKAGE_ROOT_PARENT", "parent", value=row.parent)
        return
    if not row.parent:
        record.refuse("PACKAGE_VALUE_MISSING", "parent")
        return
    parent = placed.get(row.parent)
    if parent is None:
        record.refuse("PACKAGE_UNKNOWN_PARENT", "parent", value=row.parent)
        return
    above = levels.get(parent.row.level)
    if above is not None and above.position != levels[row.level].position - 1:
        record.refuse(
            "PACKAGE_PARENT_LEVEL",
            "parent",
            value=row.parent,
            level=above.name_zh,
            level_en=above.name_en,
        )
    elif not row.code.startswith(row.parent):
        record.refuse("PACKAGE_CODE_PREFIX", "code", value=row.code, parent=row.parent)
    if record.is_sound and parent.record.is_sound and not _lies_within(row, parent.row):
        record.refuse("PACKAGE_INTERVAL_PARENT", "valid_from", parent=row.parent)


def _lies_within(row: PlaceRow, parent: PlaceRow) -> bool:
    if row.valid_from < parent.valid_from:
        return False
    return parent.valid_to is None or (row.valid_to is not None and row.valid_to <= parent.valid_to)


def _warn_size(row: PlaceRow, record: Record, level: PlaceLevel) -> None:
    low, high = level.households_min, level.households_max
    if row.households is None:
        return
    if (low is not None and row.households < low) or (high is not None and row.households > high):
        record.findings.warning(
            "PACKAGE_PLACE_SIZE",
            record.file,
            record.row,
            "households",
            value=row.households,
            low=low,
            high=high,
            level=level.name_zh,
            level_en=level.name_en,
        )


def read_shapes(folder: PackageFolder, places: Sequence[PlaceRow]) -> tuple[PlaceShape, ...]:
    """The outlines, one GeoJSON feature a line. Siblings may touch, not overlap."""
    text = folder.text(SHAPES)
    if text is None:
        return ()
    rows = {place.code: place for place in places}
    shapes: dict[str, PlaceShape] = {}
    polygons: dict[str, Polygon] = {}
    lines: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        found = _ShapeLine(number, folder.findings).read(line)
        if found is None:
            continue
        shape, polygon = found
        if shape.place not in rows:
            folder.findings.problem(
                "PACKAGE_UNKNOWN_PLACE", SHAPES, number, "place", value=shape.place
            )
        elif shape.place in shapes:
            folder.findings.problem("PACKAGE_DUPLICATE", SHAPES, number, "place", value=shape.place)
        else:
            shapes[shape.place], polygons[shape.place] = shape, polygon
            lines[shape.place] = number
    _check_overlaps(rows, polygons, lines, folder.findings)
    return tuple(shapes.values())


@dataclass(frozen=True, slots=True)
class _ShapeLine:
    number: int
    findings: Findings

    def refuse(self, code: str, name: str, **params: object) -> None:
        self.findings.problem(code, SHAPES, self.number, name, **params)

    def read(self, line: str) -> tuple[PlaceShape, Polygon] | None:
        try:
            feature = json.loads(line)
        except (json.JSONDecodeError, RecursionError, ValueError) as error:
            self.refuse("PACKAGE_JSON", "geometry", reason=error)
            return None
        properties = feature.get("properties") if isinstance(feature, dict) else None
        geometry = feature.get("geometry") if isinstance(feature, dict) else None
        if not isinstance(properties, dict) or not isinstance(geometry, dict):
            self.refuse("PACKAGE_FEATURE", "geometry")
            return None
        place, source = properties.get("place"), properties.get("source")
        if not isinstance(place, str) or not isinstance(source, str):
            self.refuse("PACKAGE_FEATURE", "properties")
            return None
        rings = _rings(geometry)
        if rings is None:
            self.refuse("PACKAGE_GEOMETRY", "geometry", place=place)
            return None
        polygon = self._polygon(rings, place)
        return (PlaceShape(place, rings, source), polygon) if polygon is not None else None

    def _polygon(self, rings: tuple[Ring, ...], place: str) -> Polygon | None:
        polygon = Polygon(rings[0], rings[1:])
        if not polygon.is_valid or polygon.area == 0:
            reason = shapely.is_valid_reason(polygon)
            self.refuse("PACKAGE_POLYGON", "geometry", place=place, reason=reason)
            return None
        return polygon


def _rings(geometry: Mapping[str, object]) -> tuple[Ring, ...] | None:
    coordinates = geometry.get("coordinates")
    if geometry.get("type") != "Polygon" or not isinstance(coordinates, list) or not coordinates:
        return None
    rings = [_ring(item) for item in coordinates]
    sound = [ring for ring in rings if ring is not None]
    return tuple(sound) if len(sound) == len(rings) else None


def _ring(value: object) -> Ring | None:
    if not isinstance(value, list) or len(value) < 4:
        return None
    points: list[tuple[float, float]] = []
    for item in value:
        if not isinstance(item, list) or len(item) != 2:
            return None
        longitude, latitude = item
        if not is_position(longitude, latitude):
            return None
        points.append((float(longitude), float(latitude)))
    return tuple(points) if points[0] == points[-1] else None


def is_position(longitude: object, latitude: object) -> bool:
    """Whether both are numbers on land or sea of China: 73-136 °E, 3-54 °N."""
    return all(
        isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
        for value, low, high in ((longitude, 73, 136), (latitude, 3, 54))
    )


def _check_overlaps(
    rows: Mapping[str, PlaceRow],
    polygons: Mapping[str, Polygon],
    lines: Mapping[str, int],
    findings: Findings,
) -> None:
    if not polygons:
        return
    codes = list(polygons)
    shapes = [polygons[code] for code in codes]
    tree = shapely.STRtree(shapes)
    left, right = tree.query(shapes, predicate="intersects")
    for first, second in zip(left.tolist(), right.tolist(), strict=True):
        one, other = codes[first], codes[second]
        if first >= second or rows[one].level != rows[other].level:
            continue
        area = shapes[first].intersection(shapes[second]).area
        if area > OVERLAP_TOLERANCE and _are_valid_together(rows[one], rows[other]):
            findings.problem(
                "PACKAGE_OVERLAP", SHAPES, lines[other], "geometry", place=other, other=one
            )


def _are_valid_together(one: PlaceRow, other: PlaceRow) -> bool:
    return (one.valid_to is None or other.valid_from < one.valid_to) and (
        other.valid_to is None or one.valid_from < other.valid_to
    )
