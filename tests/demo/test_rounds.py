"""Demo patrols and visits: each on its day, by who walks there, and once."""

from dataclasses import replace
from pathlib import Path

from jingwei_core.demo.rounds import DAYS
from jingwei_core.demo.seeding import Progress, seed
from jingwei_core.patrols.rules import read_patrol_file
from jingwei_core.tenants.apply import apply_package
from jingwei_core.tenants.package_model import TenantPackage
from tests.tenants.small_city import GRID, LOOK_ALIKE
from tests.tenants.small_world import TwoCities

NAMED = {"name_zh": "名", "name_en": "Name"}
WALKED = {"role": "worker", "level": "grid", "valid_from": "2026-01-01", **NAMED}
RULES = {
    "source": "law",
    "plans": [
        {"code": "each-day", **WALKED, "check_points": [{"code": "gate", "place": GRID, **NAMED}]},
        {"code": "each-week", **WALKED, "per": "week"},
    ],
    "visits": {
        "topics": [{"code": "water", **NAMED}],
        "levels": [{"code": "high", **NAMED, "rule": "办法", "per": "week"}],
    },
}
MORE = {"worker": ("patrol.log", "visit.log"), "chief": ("visit.plan",)}


def _unseen(progress: Progress) -> None:
    """Progress is not looked at."""


def walked(package: TenantPackage) -> TenantPackage:
    """The package with plans, and who may do what they ask."""
    roles = [
        replace(role, permissions=(*role.permissions, *MORE.get(role.code, ())))
        for role in package.roles
    ]
    return replace(package, roles=tuple(roles), patrols=read_patrol_file(RULES))


async def test_those_who_walk_have_walked_and_a_second_run_adds_nothing(
    two_cities: TwoCities, tmp_path: Path
) -> None:
    city = two_cities.first
    package = walked(city.package)
    await apply_package(city.platform, package)
    city.platform.forget()
    done = await seed(city.platform, package, tmp_path / "accounts.json", _unseen)
    assert done.rounds == 2 * (DAYS + 1) + 2 * 2
    rows = await city.fetch(
        "SELECT pl.code AS plan, l.code AS place, a.login, count(DISTINCT t.day) AS days,"
        " max(cardinality(t.seen)) AS seen FROM core.patrol t"
        " JOIN core.patrol_plan pl ON pl.id = t.plan JOIN core.place l ON l.id = t.place_id"
        " JOIN core.account a ON a.id = t.account GROUP BY 1, 2, 3 ORDER BY 1, 2"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("each-day", GRID, "worker", DAYS, 1),
        ("each-day", LOOK_ALIKE, "worker-37", DAYS, 0),
        ("each-week", GRID, "worker", 1, 0),
        ("each-week", LOOK_ALIKE, "worker-37", 1, 0),
    ]
    visits = await city.fetch(
        "SELECT n.level, n.last_visit_on = v.day AS answered FROM core.visit v"
        " JOIN core.visit_need n ON n.id = v.need"
    )
    assert [tuple(row.values()) for row in visits] == [("high", True), ("high", True)]
    again = await seed(city.platform, package, tmp_path / "accounts.json", _unseen)
    assert again.rounds == 0
    assert await two_cities.second.fetch("SELECT 1 FROM core.patrol") == []
