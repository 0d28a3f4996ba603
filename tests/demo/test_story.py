"""The parts of a demo event that need no database: its way, its times, its form, its picture."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from PIL import Image

from jingwei_api.demo.frontend import without_secrets
from jingwei_api.demo.walk import inside
from jingwei_core.demo.forms import filled
from jingwei_core.demo.pictures import Shot, railing
from jingwei_core.demo.story import FROM_GRID, instants, path_to
from jingwei_core.events.forms import check_form
from jingwei_core.events.workflow import StateKind
from jingwei_core.evidence.exif import position as position_of
from jingwei_core.evidence.exif import taken_at
from jingwei_core.tenants.package import load_package
from jingwei_core.tenants.package_model import TenantPackage

TENANTS = Path(__file__).resolve().parents[2] / "tenants"
SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 22, 18, 0, tzinfo=SHANGHAI)


@pytest.fixture(scope="module", params=["yichang", "changzhi"])
def package(request: pytest.FixtureRequest) -> TenantPackage:
    return load_package(TENANTS / request.param)


@pytest.fixture(
    scope="module", params=sorted(path.parent.name for path in TENANTS.glob("*/tenant.toml"))
)
def any_package(request: pytest.FixtureRequest) -> TenantPackage:
    return load_package(TENANTS / request.param)


def test_the_shortest_way_through_the_standard_loop(package: TenantPackage) -> None:
    (standard,) = [row for row in package.workflows if row.code == "standard"]
    closed = path_to(standard, "closed")
    assert closed is not None
    assert [action.code for action in closed] == [
        *("file", "verify", "dispatch", "handle", "check", "close")
    ]
    escalated = path_to(standard, "escalated")
    assert escalated is not None
    assert [action.code for action in escalated] == ["file", "verify", "escalate"]
    assert path_to(standard, "registered") == ()
    assert path_to(standard, "nowhere") is None


def test_every_state_of_every_demo_event_can_be_reached(any_package: TenantPackage) -> None:
    workflows = {row.code: row for row in any_package.workflows}
    kinds = {row.code: row for row in any_package.kinds}
    for row in any_package.demo.events:
        assert path_to(workflows[kinds[row.kind].workflow], row.state) is not None, row.code


def test_what_the_platform_takes_at_once_is_no_step_of_a_story(
    any_package: TenantPackage,
) -> None:
    for workflow in any_package.workflows:
        taken = workflow.intake_of(FROM_GRID)
        ends = [state.code for state in workflow.states if state.kind is StateKind.FINAL]
        paths = [path for end in ends if (path := path_to(workflow, end)) is not None]
        assert paths
        for path in paths:
            assert not {action.code for action in path} & set(taken)
            assert all(action.serves(FROM_GRID) for action in path)


def test_every_department_of_a_demo_event_has_a_handler(package: TenantPackage) -> None:
    kinds = {row.code: row for row in package.kinds}
    wanted = {kinds[row.kind].department for row in package.demo.events}
    found = {a.department for a in package.demo.accounts if a.role == "department_handler"}
    assert wanted - found == set()


@pytest.mark.parametrize("turn", range(5))
def test_a_filled_form_is_a_valid_one(any_package: TenantPackage, turn: int) -> None:
    for form in any_package.forms:
        given = filled(form.schema, NOW, turn)
        assert set(given) == set(form.schema["required"])
        assert check_form(form.schema, given) == given
    assert filled(None, NOW, turn) == {}


@pytest.mark.parametrize(("days_ago", "steps"), [(0, 0), (0, 6), (1, 6), (90, 1)])
def test_steps_follow_one_another_and_lie_in_the_past(days_ago: int, steps: int) -> None:
    for number in range(20):
        times = instants(f"demo-{number}", days_ago, steps, NOW)
        assert len(times) == steps + 1
        assert list(times) == sorted(set(times))
        assert times[-1] < NOW
        assert timedelta(days=days_ago - 1) < NOW - times[0] < timedelta(days=days_ago + 1)
    assert instants("demo-1", days_ago, steps, NOW) == instants("demo-1", days_ago, steps, NOW)


def test_a_picture_says_where_and_when_it_was_taken() -> None:
    at = datetime(2026, 11, 22, 16, 30, 5, tzinfo=SHANGHAI)
    data = railing(broken=True, shot=Shot(111.274421, 30.735791, at))
    exif = Image.open(io.BytesIO(data)).getexif()
    found = taken_at(exif, ZoneInfo("UTC"))
    assert found is not None
    assert found[0].astimezone(UTC) == at.astimezone(UTC)
    position = position_of(exif)
    assert position is not None
    assert (position.lon, position.lat) == pytest.approx((111.274421, 30.735791), abs=1e-6)
    assert position.crs == "EPSG:4326"


def test_pictures_differ_by_what_they_show_and_say() -> None:
    pictures = {railing(broken=b, mark=m) for b in (True, False) for m in ("1", "2")}
    assert len(pictures) == 4
    assert b"Exif" not in railing(broken=True)


def test_the_middle_of_a_cell() -> None:
    ring = "[[111.0,30.0],[111.2,30.0],[111.2,30.4],[111.0,30.4],[111.0,30.0]]"
    assert inside(f'{{"type":"Polygon","coordinates":[{ring}]}}') == (111.1, 30.2)


def test_secrets_are_left_out_wherever_they_stand() -> None:
    told = {
        "password": "x",
        "data": [{"accessToken": "y", "fields": [{"name": "signature", "value": "z"}]}],
        "input": {"name": "key", "value": "kept"},
    }
    assert without_secrets(told) == {
        "password": "…",
        "data": [{"accessToken": "…", "fields": [{"name": "signature", "value": "…"}]}],
        "input": {"name": "key", "value": "kept"},
    }
