"""The rules of routing of a package: read whole, and each wrong cell told with its place."""

from pathlib import Path

import pytest

from jingwei_core.tenants.package import load_package
from tests.tenants.small_package import problems_of, write_package

ROUTES = "kind,level,place,department,source\n"
HANDLINGS = "handling,kind,workflow,source\n"
RUNGS = "kind,state,rung,amount,unit,whom,does,answer_amount,answer_unit,source\n"
EXTENSIONS = "kind,most,amount,unit,source\n"
FILES = {"routing": ROUTES, "handling": HANDLINGS, "escalation": RUNGS, "extension": EXTENSIONS}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return write_package(tmp_path / "small")


def put(package: Path, name: str, *rows: str) -> None:
    text = FILES[name] + "".join(f"{row}\n" for row in rows)
    (package / f"events/{name}.csv").write_text(text, encoding="utf-8")


def test_a_package_may_leave_all_of_them_out(package: Path) -> None:
    rules = load_package(package).routing
    assert (rules.routes, rules.handlings, rules.rungs, rules.extensions) == ((), (), (), ())


def test_what_is_written_is_read(package: Path) -> None:
    put(package, "routing", "city.road,street,,lamps,law", ",,4205,lamps,law")
    put(package, "handling", "emergency,,short,law")
    rung = "city,registered,1,1.5,work_hour,role:worker@grid,supervise,1,work_day,law"
    put(package, "escalation", rung, ",*,2,0,day,supervisor,notify,,,law")
    put(package, "extension", ",2,3,work_day,law")
    rules = load_package(package).routing
    assert [(row.kind, row.level, row.place) for row in rules.routes] == [
        ("city.road", "street", ""),
        ("", "", "4205"),
    ]
    assert (rules.handlings[0].handling, rules.handlings[0].workflow) == ("emergency", "short")
    assert (float(rules.rungs[0].amount), rules.rungs[0].does) == (1.5, "supervise")
    assert (rules.rungs[1].answer_amount, rules.rungs[1].answer_unit) == (0, "")
    assert (rules.extensions[0].most, rules.extensions[0].unit) == (2, "work_day")


@pytest.mark.parametrize(
    ("name", "row", "field", "code"),
    [
        ("routing", "city.sky,,,lamps,law", "kind", "PACKAGE_UNKNOWN_KIND_PREFIX"),
        ("routing", ",galaxy,,lamps,law", "level", "PACKAGE_UNKNOWN_LEVEL"),
        ("routing", ",,9999,lamps,law", "place", "PACKAGE_UNKNOWN_PLACE"),
        ("routing", ",,,navy,law", "department", "PACKAGE_UNKNOWN_DEPARTMENT"),
        ("routing", ",,,,law", "department", "PACKAGE_VALUE_MISSING"),
        ("routing", ",street,4205,lamps,law", "level", "PACKAGE_ROUTE_BOTH"),
        ("routing", ",,,lamps,rumour", "source", "PACKAGE_UNKNOWN_SOURCE"),
        ("handling", "fancy,,short,law", "handling", "PACKAGE_CHOICE"),
        ("handling", "general,,long,law", "workflow", "PACKAGE_UNKNOWN_WORKFLOW"),
        ("escalation", ",gone,1,1,hour,supervisor,notify,,,law", "state", "PACKAGE_UNKNOWN_STATE"),
        ("escalation", ",*,0,1,hour,supervisor,notify,,,law", "rung", "PACKAGE_NUMBER"),
        ("escalation", ",*,1,0.5,day,supervisor,notify,,,law", "amount", "PACKAGE_NUMBER"),
        ("escalation", ",*,1,1,week,supervisor,notify,,,law", "unit", "PACKAGE_CHOICE"),
        ("escalation", ",*,1,1,hour,the mayor,notify,,,law", "whom", "PACKAGE_WHOM"),
        ("escalation", ",*,1,1,hour,role:mayor,notify,,,law", "whom", "PACKAGE_UNKNOWN_ROLE"),
        (
            *("escalation", ",*,1,1,hour,role:worker@moon,notify,,,law"),
            *("whom", "PACKAGE_UNKNOWN_LEVEL"),
        ),
        (
            *("escalation", ",*,1,1,hour,department:navy,notify,,,law"),
            *("whom", "PACKAGE_UNKNOWN_DEPARTMENT"),
        ),
        # It asks for a photo, which nobody brings.
        (
            *("escalation", ",registered,1,1,hour,supervisor,handle,,,law"),
            *("does", "PACKAGE_ESCALATION_ACTION"),
        ),
        (
            *("escalation", ",registered,1,1,hour,supervisor,close,,,law"),
            *("does", "PACKAGE_ESCALATION_ACTION"),
        ),
        (
            "escalation",
            ",*,1,1,hour,supervisor,supervise,2,,law",
            "answer_unit",
            "PACKAGE_VALUE_MISSING",
        ),
        ("extension", ",many,1,day,law", "most", "PACKAGE_NUMBER"),
        ("extension", ",1,0,hour,law", "amount", "PACKAGE_NUMBER"),
    ],
)
def test_each_wrong_cell_is_told_with_its_place(
    package: Path, name: str, row: str, field: str, code: str
) -> None:
    put(package, name, row)
    (problem,) = problems_of(package)
    told = (problem.file, problem.row, problem.field, problem.code)
    assert told == (f"events/{name}.csv", 2, field, code)
    assert problem.message_zh
    assert "{" not in problem.message_zh + problem.message_en


def test_a_workflow_for_another_handling_type_and_a_row_twice_are_refused(package: Path) -> None:
    short = package / "events/workflows/short.toml"
    text = short.read_text(encoding="utf-8")
    short.write_text(text.replace("version = ", 'handling = "approval"\nversion = ', 1), "utf-8")
    put(package, "handling", "general,,short,law", "approval,,short,law")
    put(package, "extension", ",1,1,day,law", ",2,1,day,law")
    assert {(one.row, one.code) for one in problems_of(package)} == {
        (2, "PACKAGE_HANDLING_OTHER"),
        (3, "PACKAGE_DUPLICATE"),
    }
