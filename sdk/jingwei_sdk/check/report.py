"""Running the rules (检查报告): findings with place and next step, told as text or JSON."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jingwei_sdk.check.found import CouldNotRun, Found, Said
from jingwei_sdk.check.rules import RULES, Rule, Tier
from jingwei_sdk.check.subject import Subject
from jingwei_sdk.manifest import Exemption

NEEDS_NEXT_MAJOR = "JW-802"
"""The rule that only counts when a plugin is checked against the next major version."""
NEEDS_A_RUN = "JW-611"
"""The rule that runs the plugin's own tests, and therefore only when asked to."""
_NOT_ASKED = Said("只在 --run 时运行", "runs with --run only")
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
class Unrun:
    """A rule that was not run, and why: whether it is kept is not known."""

    rule: str
    why: str


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a check at a tier.

    ``findings`` count, ``exempted`` do not; ``unrun`` are the rules of the tier that were not run.
    ``holds`` is the highest tier whose rules were all run and are all kept, ``None`` when not even
    those of bronze.
    """

    plugin: str
    tier: Tier
    findings: tuple[Finding, ...]
    exempted: tuple[Finding, ...]
    unrun: tuple[Unrun, ...]
    holds: Tier | None

    @property
    def is_passed(self) -> bool:
        """Whether every rule of the tier that was run is kept or excused."""
        return not self.findings

    @property
    def is_held(self) -> bool:
        """Whether the plugin holds the tier: all its rules were run, and are kept or excused."""
        return self.holds is not None and self.holds >= self.tier

    def document(self) -> dict[str, Any]:
        """The report for programs; the same content as :meth:`lines`."""
        return {
            "plugin": self.plugin,
            "tier": self.tier.label,
            "holds": None if self.holds is None else self.holds.label,
            "passed": self.is_passed,
            "findings": [finding.told() for finding in self.findings],
            "exempted": [finding.told() for finding in self.exempted],
            "unrun": [{"rule": each.rule, "why": each.why} for each in self.unrun],
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
        for each in self.unrun:
            yield f"{each.rule} ? {each.why}"
        holds = "-" if self.holds is None else self.holds.label
        verdict = "passed" if self.is_passed else f"{len(self.findings)} findings"
        if self.unrun:
            verdict += f", {len(self.unrun)} rules not run"
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
    failing, exempted, unrun = _run(subject, excuses, locale, _skipped(next_major, runs_tests))
    others = [finding for finding in failing[Tier.BRONZE] if finding.rule != LAST_RESORT]
    failing[Tier.BRONZE] = others or failing[Tier.BRONZE]
    asked = [finding for each in Tier if each <= tier for finding in failing[each]]
    return Report(
        plugin=_name(subject),
        tier=tier,
        findings=tuple(asked),
        exempted=tuple(finding for finding in exempted if RULES[finding.rule].tier <= tier),
        unrun=tuple(each for each in unrun if RULES[each.rule].tier <= tier),
        holds=_highest(failing, {RULES[each.rule].tier for each in unrun}),
    )


def _skipped(next_major: bool, runs_tests: bool) -> dict[str, Said | None]:
    """The rules that were not asked for, and why that leaves a tier open; ``None`` where it does
    not."""
    skipped: dict[str, Said | None] = {} if next_major else {NEEDS_NEXT_MAJOR: None}
    return skipped if runs_tests else {**skipped, NEEDS_A_RUN: _NOT_ASKED}


def _run(
    subject: Subject,
    excuses: Mapping[str, Exemption],
    locale: str,
    skipped: Mapping[str, Said | None],
) -> tuple[dict[Tier, list[Finding]], list[Finding], list[Unrun]]:
    """What all rules find, by tier; what is excused; and which of them were not run."""
    seen: set[tuple[str, str, int, str]] = set()
    failing: dict[Tier, list[Finding]] = {each: [] for each in Tier}
    exempted: list[Finding] = []
    unrun: list[Unrun] = []
    for rule in RULES.values():
        excuse = excuses.get(rule.id)
        try:
            places = _places(rule, subject, skipped)
        except CouldNotRun as problem:
            if excuse is None:
                unrun.append(Unrun(rule.id, problem.why.in_language(locale)))
            continue
        for found in places:
            finding = _finding(rule, found, excuse, locale)
            # A text in parts is found in its parts and as a whole.
            place = (finding.rule, finding.file, finding.line, finding.message)
            if place in seen:
                continue
            seen.add(place)
            (failing[rule.tier] if excuse is None else exempted).append(finding)
    return failing, exempted, unrun


def _places(rule: Rule, subject: Subject, skipped: Mapping[str, Said | None]) -> list[Found]:
    if rule.id not in skipped:
        return sorted(rule.run(subject), key=lambda each: (each.file, each.line))
    why = skipped[rule.id]
    if why is not None:
        raise CouldNotRun(why)
    return []


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


def _highest(failing: Mapping[Tier, list[Finding]], open_: Collection[Tier]) -> Tier | None:
    held = None
    for tier in Tier:
        if failing[tier] or tier in open_:
            break
        held = tier
    return held


def _name(subject: Subject) -> str:
    if subject.manifest is not None:
        return subject.manifest.id
    return next(iter(subject.entry), subject.package)
