"""``workforce.toml`` of a package: read whole, refused with its place, applied and taken back."""

from pathlib import Path

import pytest

from jingwei_core.database.engine import Database
from jingwei_core.demo.workforce import seed_workforce
from jingwei_core.platform import assemble
from jingwei_core.session import system_context
from jingwei_core.tenants.apply import apply_package
from jingwei_core.tenants.package import load_package
from jingwei_core.workforce.rules import NO_RULES, rules_of
from tests.tenants.small_package import problems_of, write_plain_package

GOOD = """\
source = "law"
[leave]
covers_at_once = 2
[[leave.kinds]]
code = "sick"
name_zh = "病假"
name_en = "Sick leave"
longest_days = 30
[[leave.approvals]]
roles = ["worker"]
level = "grid"
approver = "role:worker@street"
[[certificates]]
code = "enforcement"
name_zh = "行政执法证"
name_en = "Enforcement"
"""
WRONG = {
    'source = "law"': ('source = "lore"', "PACKAGE_UNKNOWN_SOURCE", "source"),
    "covers_at_once = 2": ('covers_at_once = "two"', "PACKAGE_WORKFORCE", "leave.covers_at_once"),
    "longest_days = 30": ("longest = 30", "PACKAGE_WORKFORCE", "leave.kinds[1]"),
    'code = "sick"': ('code = "Sick!"', "PACKAGE_CODE_FORM", "leave.kinds[1].code"),
    'roles = ["worker"]': (
        'roles = ["nobody"]',
        "PACKAGE_UNKNOWN_ROLE",
        "leave.approvals[1].roles",
    ),
    'level = "grid"': ('level = "yard"', "PACKAGE_UNKNOWN_LEVEL", "leave.approvals[1].level"),
    '"role:worker@street"': ('"reporter"', "PACKAGE_APPROVER", "leave.approvals[1].approver"),
    "role:worker": ("role:nobody", "PACKAGE_UNKNOWN_ROLE", "leave.approvals[1].approver"),
    'approver = "role:worker@street"': (
        'approver = "role:worker@street"\ntold = ["role:nobody"]',
        "PACKAGE_UNKNOWN_ROLE",
        "leave.approvals[1].told",
    ),
    "@street": ("@yard", "PACKAGE_UNKNOWN_LEVEL", "leave.approvals[1].approver"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_plain_package(tmp_path / "small")


def with_rules(folder: Path, text: str) -> Path:
    (folder / "workforce.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("right", WRONG)
def test_what_is_wrong_is_told_with_its_place(folder: Path, right: str) -> None:
    wrong, code, field = WRONG[right]
    (problem,) = problems_of(with_rules(folder, GOOD.replace(right, wrong)))
    assert (problem.file, problem.code, problem.field) == ("workforce.toml", code, field)


PEOPLE = {
    "demo/secondments.csv": (
        "login,department,place,weekdays,valid_from,valid_to\n"
        "worker-01,lamps,42050200100101,1 2,2026-11-01,\n"
    ),
    "demo/certificates.csv": (
        "login,kind,number,issuer,valid_from,valid_to\n"
        "worker-01,enforcement,A-1,市司法局,2026-11-01,\n"
    ),
}
"""The demo rows of the workforce, as they may be."""


@pytest.mark.parametrize(
    ("file", "right", "wrong", "code", "field"),
    [
        ("secondments", "1 2", "7 8", "PACKAGE_WEEKDAYS", "weekdays"),
        ("secondments", "1 2", "0", "PACKAGE_WEEKDAYS", "weekdays"),
        ("secondments", "1 2", "2 2", "PACKAGE_WEEKDAYS", "weekdays"),
        ("secondments", "worker-01", "stranger", "PACKAGE_UNKNOWN_LOGIN", "login"),
        ("certificates", "worker-01", "stranger", "PACKAGE_UNKNOWN_LOGIN", "login"),
        ("certificates", "enforcement", "driving", "PACKAGE_UNKNOWN_CERTIFICATE", "kind"),
    ],
)
def test_a_wrong_demo_row_of_the_workforce_is_told_with_its_place(
    folder: Path, file: str, right: str, wrong: str, code: str, field: str
) -> None:
    for name, text in PEOPLE.items():
        (folder / name).write_text(text, encoding="utf-8")
    loaded = load_package(with_rules(folder, GOOD))
    assert (len(loaded.demo.secondments), len(loaded.demo.certificates)) == (1, 1)
    path = f"demo/{file}.csv"
    (folder / path).write_text(PEOPLE[path].replace(right, wrong), encoding="utf-8")
    (problem,) = problems_of(folder)
    assert (problem.file, problem.row, problem.field, problem.code) == (path, 2, field, code)


async def test_the_rules_are_applied_changed_and_taken_back(
    database: Database, folder: Path
) -> None:
    platform = assemble(database)
    assert load_package(folder).workforce == NO_RULES
    given = load_package(with_rules(folder, GOOD))
    await apply_package(platform, given)
    assert (await apply_package(platform, given)).is_empty
    tenant = await platform.tenant(given.tenant.slug)
    async with system_context(platform, tenant, "test") as ctx:
        assert await rules_of(ctx) == given.workforce
    (folder / "workforce.toml").unlink()
    await apply_package(platform, load_package(folder))
    async with system_context(platform, tenant, "test") as ctx:
        assert await rules_of(ctx) == NO_RULES
    assert await seed_workforce(platform, tenant, given) == 0
