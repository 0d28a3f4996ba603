"""Running the rules (检查报告): findings with place and next step, told as text or JSON."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jingwei_sdk.check.found import Found, Said
from jingwei_sdk.check.rules import RULES, Rule, Tier
from jingwei_sdk.check.subject import Subject
from jingwei_sdk.manifest import Exemption

NEEDS_NEXT_MAJOR = "JW-802"
"""The rule that only counts when a plugin is checked against the next major version."""
NEEDS_A_RUN = "JW-611"
"""The rule that runs the plugin's own tests, and therefore only when asked to."""
LAST_RESORT = "JW-901"
"""The rule that is told only when no other of its tier explains why a plugin is not loaded."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What breaks a rule, where, and what to do; ``exemption`` when the manifest excuses it."""

    rule: str
    file: str
    line: int
    message: str
    next_step: str
    exemption: Exemption | None = None

    def told(self) -> dict[str, Any]:
        """As a document for programs."""
        document: dict[str, Any] = {
            "rule": self.rule,
            "file": self.file,
            "line": self.line,
            "message": self.message,
            "next_step": self.next_step,
        }
        if self.exemption is not None:
            document["exemption"] = {
                "reason": self.exemption.reason,
                "issue": self.exemption.issue,
            }
        return document


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a check at a tier.

    ``findings`` count, ``exempted`` do not. ``holds`` is the highest tier whose rules are all kept,
    ``None`` when not even bronze is.
    """

    plugin: str
    tier: Tier
    findings: tuple[Finding, ...]
    exempted: tuple[Finding, ...]
    holds: Tier | None

    @property
    def is_passed(self) -> bool:
        """Whether every rule of the tier is kept or excused."""
        return not self.findings

    def document(self) -> dict[str, Any]:
        """The report for programs; the same content as :meth:`lines`."""
        return {
            "plugin": self.plugin,
            "tier": self.tier.label,
            "holds": None if self.holds is None else self.holds.label,
            "passed": self.is_passed,
            "findings": [finding.told() for finding in self.findings],
            "exempted": [finding.told() for finding in self.exempted],
        }

    def lines(self) -> Iterator[str]:
        """The report for people, a place and a next step for each finding."""
        for finding in self.findings:
            yield f"{finding.file}:{finding.line}: {finding.rule} {finding.message}"
            yield f"  → {finding.next_step}"
        for finding in self.exempted:
            excuse = finding.exemption
            assert excuse is not None
            yield f"{finding.file}:{finding.line}: {finding.rule} {finding.message}"
            yield f"  = {excuse.reason} ({excuse.issue})"
        holds = "-" if self.holds is None else self.holds.label
        verdict = "passed" if self.is_passed else f"{len(self.findings)} findings"
        yield f"{self.plugin}: {self.tier.label} {verdict}, holds {holds}"


def check(
    subject: Subject,
    tier: Tier | None = None,
    *,
    next_major: bool = False,
    runs_tests: bool = False,
    locale: str = "en",
) -> Report:
    """Run all rules up to ``tier``, which is the one that the manifest claims unless told.

    ``next_major`` counts what works today and is gone in the next major version of the SDK;
    ``runs_tests`` runs the plugin's tests, with their counts of statements and the other city that
    must see nothing.
    """
    manifest = subject.manifest
    if tier is None:
        tier = Tier.named(manifest.tier) if manifest is not None else Tier.BRONZE
    excuses = {each.rule: each for each in manifest.exemptions} if manifest is not None else {}
    seen: set[tuple[str, str, int, str]] = set()
    asked_for = {NEEDS_NEXT_MAJOR: next_major, NEEDS_A_RUN: runs_tests}
    left_out = {rule for rule, is_asked in asked_for.items() if not is_asked}
    failing: dict[Tier, list[Finding]] = {each: [] for each in Tier}
    exempted: list[Finding] = []
    for rule in RULES.values():
        if rule.id in left_out:
            continue
        for found in sorted(rule.run(subject), key=lambda each: (each.file, each.line)):
            excuse = excuses.get(rule.id)
            finding = _finding(rule, found, excuse, locale)
            # A text in parts is found in its parts and as a whole.
            place = (finding.rule, finding.file, finding.line, finding.message)
            if place in seen:
                continue
            seen.add(place)
            (failing[rule.tier] if excuse is None else exempted).append(finding)
    others = [finding for finding in failing[Tier.BRONZE] if finding.rule != LAST_RESORT]
    failing[Tier.BRONZE] = others or failing[Tier.BRONZE]
    asked = [finding for each in Tier if each <= tier for finding in failing[each]]
    return Report(
        plugin=_name(subject),
        tier=tier,
        findings=tuple(asked),
        exempted=tuple(finding for finding in exempted if RULES[finding.rule].tier <= tier),
        holds=_highest(failing),
    )


def _finding(rule: Rule, found: Found, excuse: Exemption | None, locale: str) -> Finding:
    params: Mapping[str, object] = {
        "file": found.file,
        **{
            name: value.in_language(locale) if isinstance(value, Said) else value
            for name, value in found.params.items()
        },
    }
    return Finding(
        rule=rule.id,
        file=found.file,
        line=found.line,
        message=rule.words.in_language("found", locale).format_map(params),
        next_step=rule.words.in_language("next", locale).format_map(params),
        exemption=excuse,
    )


def _highest(failing: Mapping[Tier, list[Finding]]) -> Tier | None:
    held = None
    for tier in Tier:
        if failing[tier]:
            break
        held = tier
    return held


def _name(subject: Subject) -> str:
    if subject.manifest is not None:
        return subject.manifest.id
    return next(iter(subject.entry), subject.package)
