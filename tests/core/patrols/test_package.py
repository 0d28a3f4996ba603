"""``patrols.toml`` of a package: refused with its place, applied, and taken back."""

from pathlib import Path

import pytest

from jingwei_core.database.engine import Database
from jingwei_core.platform import assemble
from jingwei_core.session import system_context
from jingwei_core.tenants.apply import apply_package
from jingwei_core.tenants.package import load_package
from tests.tenants.small_package import problems_of, write_plain_package

GOOD = """\
source = "law"
[[plans]]
code = "daily"
name_zh = "日巡查"
name_en = "Daily"
level = "grid"
role = "worker"
classes = ["school"]
valid_from = 2026-01-01
[[plans.check_points]]
code = "gate"
place = "42050200100101"
name_zh = "大门"
name_en = "Gate"
[[visits.levels]]
code = "high"
name_zh = "高"
name_en = "High"
rule = "办法"
per = "week"
"""
WRONG = {
    '"law"': ('"law"\nremind_days = 99', "PACKAGE_PATROLS", "remind_days"),
    'source = "law"': ('source = "lore"', "PACKAGE_UNKNOWN_SOURCE", "source"),
    'code = "daily"': ('code = "Daily!"', "PACKAGE_CODE_FORM", "plans[1].code"),
    'level = "grid"': ('level = "yard"', "PACKAGE_UNKNOWN_LEVEL", "plans[1].level"),
    '["school"]': ('[" "]', "PACKAGE_PATROLS", "plans[1].classes[1]"),
    'role = "worker"': ('role = "nobody"', "PACKAGE_UNKNOWN_ROLE", "plans[1].role"),
    "valid_from = 2026-01-01": (
        'valid_from = 2026-01-01\nasks_evidence = true\nevidence_rule = "x"',
        "PACKAGE_PATROL_EVIDENCE",
        "plans[1].asks_evidence",
    ),
    "valid_from = 2026-01-01\n[[plans.check_points]]": (
        'valid_from = 2026-01-01\nplace = "42050200100102"\n[[plans.check_points]]',
        "PACKAGE_PATROL_POINT",
        "plans[1].check_points[1].place",
    ),
    'rule = "办法"': ('rule = " "', "PACKAGE_PATROLS", "visits.levels[1].rule"),
    'place = "42050200100101"\n': ("", "PACKAGE_PATROL_POINT", "plans[1].check_points[1].place"),
    "42050200100101": ("nowhere", "PACKAGE_UNKNOWN_PLACE", "plans[1].check_points[1].place"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_plain_package(tmp_path / "small")


def with_rules(folder: Path, text: str) -> Path:
    (folder / "patrols.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("right", WRONG)
def test_what_is_wrong_is_told_with_its_place(folder: Path, right: str) -> None:
    wrong, code, field = WRONG[right]
    (problem,) = problems_of(with_rules(folder, GOOD.replace(right, wrong)))
    assert (problem.file, problem.code, problem.field) == ("patrols.toml", code, field)


async def test_plans_are_applied_and_end_when_they_leave_the_file(
    database: Database,
    folder: Path,
) -> None:
    platform = assemble(database)
    package = load_package(with_rules(folder, GOOD))
    await apply_package(platform, package)
    assert (await apply_package(platform, package)).is_empty
    tenant = (await platform.state(package.tenant.slug)).tenant
    asked = "SELECT (SELECT count(*) FROM core.patrol_plan WHERE valid_to IS NULL) AS plans"
    async with system_context(platform, tenant, "test") as ctx:
        assert await ctx.data.fetchval(asked) == 1
        assert await ctx.data.fetchval("SELECT code FROM core.check_point") == "gate"
        assert await ctx.data.fetchval("SELECT classes FROM core.patrol_plan") == ["school"]
    (folder / "patrols.toml").unlink()
    await apply_package(platform, load_package(folder))
    async with system_context(platform, tenant, "test") as ctx:
        assert await ctx.data.fetchval(asked) == 0
        assert await ctx.data.fetchval("SELECT count(*) FROM core.patrol_rules") == 0
