"""``notifications.toml`` of a tenant's package: optional, checked whole, applied as one row."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from jingwei_core.notifications.rules import read_rules
from jingwei_core.tenants.desired import desired_sections
from jingwei_core.tenants.package import load_package
from tests.tenants.small_package import problems_of

TENANTS = Path(__file__).resolve().parents[3] / "tenants"
INVALID = "PACKAGE_NOTIFICATIONS"


def copied(to: Path) -> Path:
    """A package that may be changed."""
    return Path(shutil.copytree(TENANTS / "zhengzhou", to / "zhengzhou"))


def text_of(code: str, zh: str) -> str:
    """A file with a text of the tenant's own."""
    return f'source = "package-default"\n[texts.{code}]\nzh = "{zh}"'


def test_a_package_says_how_its_people_are_told() -> None:
    package = load_package(TENANTS / "zhengzhou")
    assert package.notifications is not None
    assert package.notifications.quiet.ends == "07:30"
    sections = desired_sections(package, date(2026, 11, 23))
    (section,) = [one for one in sections if one.name == "notification_rules"]
    assert read_rules(section.rows[()]["definition"]) == package.notifications


def test_without_the_file_the_defaults_hold(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    (folder / "notifications.toml").unlink()
    package = load_package(folder)
    assert package.notifications is None
    sections = desired_sections(package, date(2026, 11, 23))
    (section,) = [one for one in sections if one.name == "notification_rules"]
    assert section.rows == {}


@pytest.mark.parametrize(
    ("text", "field", "code"),
    [
        ('source = "package-default"\n[quiet]\nbegins = "25:00"', "quiet.begins", INVALID),
        ('source = "package-default"\n[bundle]\nmost = 0', "bundle.most", INVALID),
        ('source = "package-default"\nsms = true', "", INVALID),
        ('source = "hearsay"', "source", "PACKAGE_UNKNOWN_SOURCE"),
        (text_of("EVENT_LATE", "迟"), "texts.EVENT_LATE", INVALID),
        (text_of("EVENT_ASSIGNED", "{title}"), "texts.EVENT_ASSIGNED.zh", INVALID),
        (text_of("EVENT_ASSIGNED", "{number.real}"), "texts.EVENT_ASSIGNED.zh", INVALID),
        (text_of("EVENT_ASSIGNED", "{number:>99}"), "texts.EVENT_ASSIGNED.zh", INVALID),
        (text_of("EVENT_ASSIGNED", "{}"), "texts.EVENT_ASSIGNED.zh", INVALID),
        (text_of("EVENT_ASSIGNED", "{number"), "texts.EVENT_ASSIGNED.zh", INVALID),
    ],
)
def test_what_does_not_fit_is_refused_with_its_field(
    tmp_path: Path, text: str, field: str, code: str
) -> None:
    folder = copied(tmp_path)
    (folder / "notifications.toml").write_text(text + "\n", encoding="utf-8")
    (problem,) = problems_of(folder)
    assert (problem.code, problem.field or "") == (code, field)
    assert problem.file == "notifications.toml"
