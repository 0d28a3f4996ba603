"""Every reason to refuse a package, with the file, row and field it is told with."""

import dataclasses
import json
import unicodedata
from pathlib import Path

import pytest

from jingwei_core.tenants.package import PackageInvalid, Problem, load_package
from jingwei_sdk.errors import JingweiError
from tests.tenants.small_package import FILES, FORM, SHAPES, edit, square, write_package

T, G, D = "tenant.toml", "places/grids.csv", "places/divisions.csv"
S, K, L = "places/shapes.ndjson", "events/kinds.csv", "events/deadlines.csv"
W, F = "events/workflows/short.toml", "events/forms/damage.schema.json"
C, R, P, B = "calendar.toml", "roles.toml", "plugins.toml", "departments.csv"
A, E, N = "demo/accounts.csv", "demo/events.csv", "demo/organisations.csv"

# file edited, text, its replacement, then the problem: file, row, field, code
CASES: list[tuple[str, str, str, str, int | None, str | None, str]] = [
    (T, 'slug = "small"', 'slug = "Small City"', T, None, "tenant.slug", "PACKAGE_SLUG"),
    (T, 'id = "0195', 'id = "x', T, None, "tenant.id", "PACKAGE_UUID"),
    (T, "Asia/Shanghai", "Asia/Atlantis", T, None, "tenant.timezone", "PACKAGE_TIMEZONE"),
    (T, "Asia/Shanghai", "../etc/passwd", T, None, "tenant.timezone", "PACKAGE_TIMEZONE"),
    (T, '"zh-CN"', '"fr"', T, None, "tenant.locale", "PACKAGE_CHOICE"),
    (T, 'version = "1.0.0"', 'version = "1"', T, None, "tenant.version", "PACKAGE_VERSION"),
    (T, "demo = true", 'demo = "yes"', T, None, "tenant.demo", "PACKAGE_TYPE"),
    (T, 'name_zh = "小城"', "", T, None, "tenant.name_zh", "PACKAGE_VALUE_MISSING"),
    (T, 'name_zh = "小城"', "name_zh = 7", T, None, "tenant.name_zh", "PACKAGE_TYPE"),
    (T, '"prefecture"', '"planet"', T, None, "levels[1].division", "PACKAGE_CHOICE"),
    (T, 'code = "district"', 'code = "city"', T, None, "levels[2].code", "PACKAGE_DUPLICATE"),
    (
        T,
        "code_digits = 6",
        "code_digits = 4",
        T,
        None,
        "levels[2].code_digits",
        "PACKAGE_LEVEL_DIGITS",
    ),
    (T, "code_digits = 6", "code_digits = 0", T, None, "levels[2].code_digits", "PACKAGE_NUMBER"),
    (
        T,
        "capture_unit = true",
        "capture_unit = false",
        T,
        None,
        "levels",
        "PACKAGE_NO_CAPTURE_LEVEL",
    ),
    (
        T,
        "households_max = 300",
        "households_max = 100",
        T,
        None,
        "levels[5].households_max",
        "PACKAGE_BOUNDS",
    ),
    (
        T,
        'source = "law"',
        'source = "gossip"',
        T,
        None,
        "levels[5].source",
        "PACKAGE_UNKNOWN_SOURCE",
    ),
    (T, "enabled = false", "enabled = true", T, None, "switches[1].rule", "PACKAGE_SWITCH_RULE"),
    (T, 'code = "made"', 'code = "official"', T, None, "sources[2].code", "PACKAGE_DUPLICATE"),
    (T, "[tenant]", "[tenant", T, None, None, "PACKAGE_TOML"),
    (D, "420502001001,", "Ä20502,", D, 5, "code", "PACKAGE_CODE_FORM"),
    (D, "420502,4205,", "420500,4205,", D, 3, "code", "PACKAGE_DIVISION_CODE"),
    (D, "420502,4205,", "420519,4205,", D, 3, "code", "PACKAGE_DIVISION_CODE"),
    (D, "420502001,420502,", "420502000,420502,", D, 4, "code", "PACKAGE_DIVISION_CODE"),
    (D, "420502001,420502,", "420502999,420502,", D, 4, "code", "PACKAGE_DIVISION_CODE"),
    (D, "420502001,420502,", "42050201,420502,", D, 4, "code", "PACKAGE_CODE_LENGTH"),
    (D, "4205,,city", "4205,42,city", D, 2, "parent", "PACKAGE_ROOT_PARENT"),
    (D, "4205,,city", "4206,,city", "places", None, "code", "PACKAGE_ROOT_MISSING"),
    (D, "西陵区", "", D, 3, "name_zh", "PACKAGE_VALUE_MISSING"),
    (D, "2024-01-01,\n420502001,", "2024-13-01,\n420502001,", D, 3, "valid_from", "PACKAGE_DATE"),
    (
        G,
        "42050200100102,420502001001",
        "42050200100101,420502001001",
        G,
        3,
        "code",
        "PACKAGE_DUPLICATE",
    ),
    (G, ",420502001001,", ",420502001009,", G, 2, "parent", "PACKAGE_UNKNOWN_PARENT"),
    (G, ",420502001001,", ",,", G, 2, "parent", "PACKAGE_VALUE_MISSING"),
    (G, ",420502001001,", ",420502001,", G, 2, "parent", "PACKAGE_PARENT_LEVEL"),
    (G, "42050200100101,", "42050200200101,", G, 2, "code", "PACKAGE_CODE_PREFIX"),
    (G, "42050200100101,", "4205020010011,", G, 2, "code", "PACKAGE_CODE_LENGTH"),
    (G, ",grid,", ",cell,", G, 2, "level", "PACKAGE_UNKNOWN_LEVEL"),
    (G, ",250,", ",many,", G, 2, "households", "PACKAGE_NUMBER"),
    (G, ",250,", ",-1,", G, 2, "households", "PACKAGE_NUMBER"),
    (G, ",made,", ",hearsay,", G, 2, "source", "PACKAGE_UNKNOWN_SOURCE"),
    (G, "2024-01-01", "2024-02-30", G, 2, "valid_from", "PACKAGE_DATE"),
    (G, "2030-01-01", "2024-01-01", G, 2, "valid_to", "PACKAGE_INTERVAL"),
    (G, "2030-01-01", "2031-01-01", G, 2, "valid_from", "PACKAGE_INTERVAL_PARENT"),
    (G, "2024-01-01", "2023-12-31", G, 2, "valid_from", "PACKAGE_INTERVAL_PARENT"),
    (G, "households", "families", G, 1, "households", "PACKAGE_COLUMN_MISSING"),
    (G, "households", "families", G, 1, "families", "PACKAGE_COLUMN_UNKNOWN"),
    (G, "valid_to\n", "valid_to,code\n", G, 1, None, "PACKAGE_COLUMN_TWICE"),
    (G, "Grid 01,250", "Grid 01,x,250", G, 2, None, "PACKAGE_CELL_COUNT"),
    (G, "第01网格", '"第01网格', G, 3, None, "PACKAGE_CSV"),
    (G, "第02网格", "第\x0002网格", G, 3, None, "PACKAGE_NUL"),
    (S, "42050200100102", "42050200100199", S, 2, "place", "PACKAGE_UNKNOWN_PLACE"),
    (S, "42050200100102", "42050200100101", S, 2, "place", "PACKAGE_DUPLICATE"),
    (S, '"Polygon"', '"Point"', S, 1, "geometry", "PACKAGE_GEOMETRY"),
    (S, "111.301, 30.7]", "1" + "0" * 400 + ", 30.7]", S, 1, "geometry", "PACKAGE_GEOMETRY"),
    (
        T,
        "code_digits = 6",
        "code_digits = 0x" + "f" * 9000,
        T,
        None,
        "levels[2].code_digits",
        "PACKAGE_NUMBER",
    ),
    (L, ",2,hour", ",１,hour", L, 2, "amount", "PACKAGE_NUMBER"),
    (S, "111.301, 30.7]", "NaN, 30.7]", S, 1, "geometry", "PACKAGE_GEOMETRY"),
    (S, "[111.3, 30.7], ", "", S, 1, "geometry", "PACKAGE_GEOMETRY"),
    (S, "[111.3, 30.7], ", "[30.7, 111.3], ", S, 1, "geometry", "PACKAGE_GEOMETRY"),
    (
        S,
        "[111.301, 30.7], [111.301, 30.701]",
        "[111.301, 30.701], [111.301, 30.7]",
        S,
        1,
        "geometry",
        "PACKAGE_POLYGON",
    ),
    (S, '"place"', '"spot"', S, 1, "properties", "PACKAGE_FEATURE"),
    (S, '"geometry"', '"shape"', S, 1, "geometry", "PACKAGE_FEATURE"),
    (S, '{"type"', '"type"', S, 1, "geometry", "PACKAGE_JSON"),
    (B, "lamps,works", "works,works", B, 3, "code", "PACKAGE_DUPLICATE"),
    (B, "lamps,works", "lamps,moon", B, 3, "parent", "PACKAGE_UNKNOWN_PARENT"),
    (B, "works,,", "works,lamps,", B, 2, "parent", "PACKAGE_CYCLE"),
    (B, "city,4205\n", "street,4205\n", B, 2, "level", "PACKAGE_DEPARTMENT_LEVEL"),
    (B, "city,4205\n", "city,4299\n", B, 2, "place", "PACKAGE_UNKNOWN_PLACE"),
    (K, "city.road.lamp", "city.road.hole", K, 5, "code", "PACKAGE_DUPLICATE"),
    (K, "hole,city.road,", "hole,city,", K, 4, "parent", "PACKAGE_KIND_PARENT"),
    (K, "city.road,city,", "city.rail,city,", K, 4, "parent", "PACKAGE_UNKNOWN_PARENT"),
    (K, "city.road.hole,city.road", "city.hole,city", K, 4, "code", "PACKAGE_KIND_DEPTH"),
    (K, ",works,", ",moon,", K, 4, "department", "PACKAGE_UNKNOWN_DEPARTMENT"),
    (K, ",works,", ",,", K, 4, "department", "PACKAGE_VALUE_MISSING"),
    (K, ",short,", ",long,", K, 4, "workflow", "PACKAGE_UNKNOWN_WORKFLOW"),
    (K, ",damage,", ",loss,", K, 4, "form", "PACKAGE_UNKNOWN_FORM"),
    (K, ",quick,", ",slow,", K, 4, "deadline", "PACKAGE_UNKNOWN_DEADLINE"),
    (K, ",3,y,law", ",3,y,tale", K, 4, "source", "PACKAGE_UNKNOWN_SOURCE"),
    (K, ",3,y,", ",9,y,", K, 4, "grade", "PACKAGE_NUMBER"),
    (K, ",3,y,", ",3,yes,", K, 4, "photo_required", "PACKAGE_CHOICE"),
    (K, "坑洞", "宗教活动", K, 4, "name_zh", "PACKAGE_KIND_FORBIDDEN"),
    (L, ",2,hour", ",0,hour", L, 2, "amount", "PACKAGE_NUMBER"),
    (L, ",2,hour", ",NaN,hour", L, 2, "amount", "PACKAGE_NUMBER"),
    (L, ",2,hour", ",Infinity,hour", L, 2, "amount", "PACKAGE_NUMBER"),
    (L, ",hour,", ",fortnight,", L, 2, "unit", "PACKAGE_CHOICE"),
    (L, ",80,", ",100,", L, 2, "warn_at_percent", "PACKAGE_NUMBER"),
    (L, "registered", "dreamt", L, 2, "state", "PACKAGE_UNKNOWN_STATE"),
    (L, "quick,handled", "quick,registered", L, 3, "state", "PACKAGE_DUPLICATE"),
    (L, "law", "tale", L, 2, "source", "PACKAGE_UNKNOWN_SOURCE"),
    (W, 'code = "short"', 'code = "long"', W, None, "code", "PACKAGE_FILE_NAME"),
    (W, 'source = "law"', 'source = "tale"', W, None, "source", "PACKAGE_UNKNOWN_SOURCE"),
    (W, "version = 1", "version = 0", W, None, "version", "PACKAGE_NUMBER"),
    (W, 'kind = "start"', 'kind = "working"', W, None, "states", "PACKAGE_WORKFLOW_START"),
    (W, 'kind = "working"', 'kind = "start"', W, None, "states", "PACKAGE_WORKFLOW_START"),
    (W, 'kind = "final"', 'kind = "working"', W, None, "states", "PACKAGE_WORKFLOW_FINAL"),
    (W, 'kind = "final"', 'kind = "end"', W, None, "states[3].kind", "PACKAGE_CHOICE"),
    (
        W,
        'from = ["registered"]',
        'from = ["handled"]',
        W,
        None,
        "states.handled",
        "PACKAGE_STATE_UNREACHABLE",
    ),
    (W, 'to = "closed"', 'to = "registered"', W, None, "states.handled", "PACKAGE_STATE_NO_END"),
    (W, 'to = "closed"', 'to = "gone"', W, None, "actions[2].to", "PACKAGE_UNKNOWN_STATE"),
    (
        W,
        'from = ["handled"]',
        'from = ["gone"]',
        W,
        None,
        "actions[2].from",
        "PACKAGE_UNKNOWN_STATE",
    ),
    (W, 'from = ["handled"]', "from = []", W, None, "actions[2].from", "PACKAGE_VALUE_MISSING"),
    (W, 'from = ["handled"]', "from = [1]", W, None, "actions[2].from", "PACKAGE_TYPE"),
    (W, 'code = "close"', 'code = "handle"', W, None, "actions[2].code", "PACKAGE_DUPLICATE"),
    (W, '"event.close"', '"Event Close"', W, None, "actions[2].permission", "PACKAGE_PERMISSION"),
    (W, '"event.close"', '"event.*"', W, None, "actions[2].permission", "PACKAGE_PERMISSION"),
    (W, '"photo:after"', '"video"', W, None, "actions[1].requires", "PACKAGE_CHOICE"),
    (W, 'assigns = "clear"', 'assigns = "boss"', W, None, "actions[2].assigns", "PACKAGE_CHOICE"),
    (W, 'assigns = "clear"', 'by = "king"', W, None, "actions[2].by", "PACKAGE_CHOICE"),
    (R, '"place.*"', '"place.*.read"', R, None, "roles[1].permissions", "PACKAGE_PERMISSION"),
    (
        R,
        '["event.report", "place.*"]',
        "[]",
        R,
        None,
        "roles[1].permissions",
        "PACKAGE_VALUE_MISSING",
    ),
    (R, "[[roles]]", "[roles]", R, None, "roles", "PACKAGE_TYPE"),
    (C, "weekend = [6, 7]", "weekend = [0]", C, None, "weekend", "PACKAGE_NUMBER"),
    (C, 'begin = "08:30"', 'begin = "8:30"', C, None, "working_hours[1].begin", "PACKAGE_TIME"),
    (C, 'begin = "14:00"', 'begin = "11:00"', C, None, "working_hours[2].end", "PACKAGE_HOURS"),
    (C, "day = 2026-10-01", 'day = "2026-10-01"', C, None, "holidays[1].day", "PACKAGE_DATE"),
    (
        C,
        "day = 2026-10-10",
        "day = 2026-10-09",
        C,
        None,
        "make_up_days[1].day",
        "PACKAGE_MAKE_UP_DAY",
    ),
    (
        C,
        "day = 2026-10-10",
        "day = 2026-10-01",
        C,
        None,
        "make_up_days[1].day",
        "PACKAGE_DUPLICATE",
    ),
    (P, "enabled = true", "enabled = 1", P, None, "plugins[1].enabled", "PACKAGE_TYPE"),
    (
        P,
        "[plugins.settings]\ndays = 15",
        "settings = 3",
        P,
        None,
        "plugins[1].settings",
        "PACKAGE_TYPE",
    ),
    (A, ",worker,", ",king,", A, 2, "role", "PACKAGE_UNKNOWN_ROLE"),
    (A, "42050200100101", "42050200100177", A, 2, "place", "PACKAGE_UNKNOWN_PLACE"),
    (A, ",lamps,", ",moon,", A, 2, "department", "PACKAGE_UNKNOWN_DEPARTMENT"),
    (E, "city.road.hole", "city.road", E, 2, "kind", "PACKAGE_UNKNOWN_KIND"),
    (E, ",handled", ",dreamt", E, 2, "state", "PACKAGE_UNKNOWN_STATE"),
    (E, "111.3005", "111.3015", E, 2, "longitude", "PACKAGE_OUTSIDE"),
    (E, "111.3005", "30.7", E, 2, "longitude", "PACKAGE_NUMBER"),
    (N, "111.3015", "111.3005", N, 2, "longitude", "PACKAGE_OUTSIDE"),
    (N, "42050200100102", "42050200100177", N, 2, "place", "PACKAGE_UNKNOWN_PLACE"),
]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return write_package(tmp_path / "small")


def problems_of(folder: Path) -> tuple[Problem, ...]:
    with pytest.raises(PackageInvalid) as caught:
        load_package(folder)
    return caught.value.problems


def places_of(problems: tuple[Problem, ...]) -> list[tuple[str, int | None, str | None, str]]:
    return [(one.file, one.row, one.field, one.code) for one in problems]


def test_the_package_the_cases_break_is_valid(package: Path) -> None:
    loaded = load_package(package)
    assert [place.code for place in loaded.places] == [
        "4205",
        "420502",
        "420502001",
        "420502001001",
        "42050200100101",
        "42050200100102",
    ]
    assert loaded.warnings == ()


@pytest.mark.parametrize(
    ("edited", "old", "new", "file", "row", "field", "code"),
    CASES,
    ids=[f"{case[0]}-{case[6]}-{number}" for number, case in enumerate(CASES)],
)
def test_a_broken_rule_is_told_with_its_place(
    package: Path,
    edited: str,
    old: str,
    new: str,
    file: str,
    row: int | None,
    field: str | None,
    code: str,
) -> None:
    edit(package, edited, old, new)
    assert (file, row, field, code) in places_of(problems_of(package))


@pytest.mark.parametrize("file", sorted(FILES))
def test_a_missing_file_is_named(package: Path, file: str) -> None:
    (package / file).unlink()
    told = places_of(problems_of(package))
    if file.startswith(("places/divisions", "places/grids", "events/forms", "events/workflows")):
        assert told, "whatever pointed into the file is refused"
    else:
        assert (file, None, None, "PACKAGE_FILE_MISSING") in told


@pytest.mark.parametrize("folder", ["events/forms", "events/workflows", "places"])
def test_a_missing_folder_is_named(package: Path, folder: str) -> None:
    for path in (package / folder).iterdir():
        path.unlink()
    (package / folder).rmdir()
    assert (folder, None, None, "PACKAGE_FILE_MISSING") in places_of(problems_of(package))


def test_a_folder_that_is_not_there_is_one_error(tmp_path: Path) -> None:
    assert "tenant.toml" in {one.file for one in problems_of(tmp_path / "nowhere")}


def test_overlapping_siblings_are_refused_and_touching_ones_are_not(package: Path) -> None:
    wide = square("42050200100102", 111.3005, 111.302)
    (package / S).write_text(square("42050200100101", 111.3, 111.301) + wide, encoding="utf-8")
    told = problems_of(package)
    assert (S, 2, "geometry", "PACKAGE_OVERLAP") in places_of(told)
    (package / S).write_text(SHAPES, encoding="utf-8")
    assert len(load_package(package).shapes) == 2


def test_grids_may_overlap_when_one_ends_before_the_other_begins(package: Path) -> None:
    edit(package, G, "299,made,2024-01-01", "299,made,2027-01-01")
    edit(package, G, "250,made,2024-01-01,2030-01-01", "250,made,2024-01-01,2027-01-01")
    wide = square("42050200100102", 111.3, 111.302)
    (package / S).write_text(square("42050200100101", 111.3, 111.301) + wide, encoding="utf-8")
    assert len(load_package(package).shapes) == 2


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"type": "array"}, "type", "PACKAGE_FORM_OBJECT"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "$schema", "PACKAGE_FORM_DIALECT"),
        ({"required": "depth"}, "required", "PACKAGE_FORM_SCHEMA"),
        ({"x-title-en": ""}, "title", "PACKAGE_FORM_TITLE"),
        ({"properties": {"depth": {"title": "深度"}}}, "depth", "PACKAGE_FORM_TITLE"),
        ({"$defs": {"x": {"$ref": "https://example.test/x"}}}, "$ref", "PACKAGE_FORM_REFERENCE"),
        ({"required": ["width"]}, "width", "PACKAGE_FORM_REQUIRED"),
        (
            {"properties": {"religion": {"title": "宗教", "x-title-en": "R"}}, "required": []},
            "religion",
            "PACKAGE_FORM_FORBIDDEN",
        ),
    ],
)
def test_a_bad_form_is_told(
    package: Path, change: dict[str, object], field: str, code: str
) -> None:
    (package / F).write_text(json.dumps(FORM | change), encoding="utf-8")
    assert (F, None, field, code) in places_of(problems_of(package))


def test_text_in_another_encoding_is_named_with_its_line(package: Path) -> None:
    (package / G).write_bytes(FILES[G].encode("gb18030"))
    told = problems_of(package)
    problem = next(one for one in told if one.code == "PACKAGE_ENCODING")
    assert (problem.file, problem.row) == (G, 2)
    assert "GB18030" in problem.message_zh


def test_byte_order_mark_crlf_and_decomposed_text_are_tolerated(package: Path) -> None:
    composed = FILES[G].replace("Grid 01", "Café 01")
    decomposed = unicodedata.normalize("NFD", composed).replace("\n", "\r\n")
    (package / G).write_bytes(b"\xef\xbb\xbf" + decomposed.encode())
    loaded = load_package(package)
    assert loaded.places[4].name_en == "Café 01"


def test_an_odd_size_warns_and_does_not_refuse(package: Path) -> None:
    edit(package, G, ",299,", ",486,")
    (warning,) = load_package(package).warnings
    assert (warning.file, warning.row, warning.field, warning.code) == (
        G,
        3,
        "households",
        "PACKAGE_PLACE_SIZE",
    )
    assert warning.message_en == 'A "Grid" of 486 households; 200 to 300 are advised'


def test_a_state_without_limit_warns(package: Path) -> None:
    edit(package, L, "quick,handled,1.5,work_day,80,law\n", "")
    (warning,) = load_package(package).warnings
    assert (warning.file, warning.field, warning.code) == (L, "state", "PACKAGE_DEADLINE_GAP")


def test_all_problems_are_told_at_once_in_both_languages(package: Path) -> None:
    edit(package, G, ",250,", ",many,")
    edit(package, L, ",hour,", ",fortnight,")
    edit(package, T, 'version = "1.0.0"', 'version = "1"')
    told = problems_of(package)
    assert {one.code for one in told} == {"PACKAGE_NUMBER", "PACKAGE_CHOICE", "PACKAGE_VERSION"}
    assert all(
        one.message_zh and one.message_en and one.next_step_zh and one.next_step_en for one in told
    )
    assert all("{" not in one.message_zh + one.message_en for one in told)


def test_the_refusal_is_a_platform_error_with_a_count(package: Path) -> None:
    edit(package, G, ",250,", ",many,")
    with pytest.raises(JingweiError) as caught:
        load_package(package)
    assert (caught.value.code, caught.value.params["count"]) == ("PACKAGE_INVALID", 1)


def test_a_package_without_demo_rows_needs_no_demo_folder(package: Path) -> None:
    edit(package, T, "demo = true", "demo = false")
    for path in (package / "demo").iterdir():
        path.unlink()
    assert load_package(package).demo.accounts == ()


def test_the_rows_cannot_be_changed(package: Path) -> None:
    place = load_package(package).places[0]
    with pytest.raises(dataclasses.FrozenInstanceError):
        place.name_zh = "别处"  # type: ignore[misc]
