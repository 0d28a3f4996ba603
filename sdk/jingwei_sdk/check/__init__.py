"""Checking a plugin (插件检查): the rules of bronze, silver and gold, and what breaks them.

    report = check(Subject.of(Path("my-plugin")))
    print(report.is_passed, [finding.rule for finding in report.findings])

``jingwei-plugin check PATH`` and ``jingwei plugin check PATH|ID`` tell the same report.
"""

from jingwei_sdk.check.report import Finding, Report, check
from jingwei_sdk.check.rules import RULES, Rule, Tier
from jingwei_sdk.check.subject import Source, Subject

__all__ = ["RULES", "Finding", "Report", "Rule", "Source", "Subject", "Tier", "check"]
