"""The plugin keeps the rules of its tier."""

from pathlib import Path

from jingwei_sdk.check import Subject, check

PROJECT = Path(__file__).resolve().parents[1]


def test_the_rules_of_its_tier_are_kept() -> None:
    report = check(Subject.of(PROJECT))
    assert [f"{found.file}:{found.line}: {found.message}" for found in report.findings] == []
