"""Every reason to refuse a package, with the file, row and field it is told with."""

import dataclasses
import json
import unicodedata
from pathlib import Path

import pytest

from jingwei_core.tenants.package import Problem, load_package
from jingwei_sdk.errors import JingweiError
from tests.tenants.refusal_cases import CASES, F, G, L, S, T
from tests.tenants.small_package import (
    FILES,
    FORM,
    SHAPES,
    edit,
    problems_of,
    square,
    write_package,
)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return write_package(tmp_path / "small")


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
    edit(package, L, "quick,handled,1.5,work_hour,80,law\n", "")
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
