"""The register of rules (规则登记): what each demands, why, from which tier, with an example each.

The words lie in ``rules.toml`` in both languages, the code in the modules ``*_rules``; a rule is
both. A generated page lists them all: docs/sdk/en/check.md.
"""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from types import MappingProxyType

import msgspec

from jingwei_sdk.check import (
    code_rules,
    data_rules,
    deprecation_rules,
    graphql_rules,
    manifest_rules,
    permission_rules,
    platform_rules,
    room_rules,
    text_rules,
    trust_rules,
    upkeep_rules,
)
from jingwei_sdk.check.found import Found
from jingwei_sdk.check.subject import Subject

Run = Callable[[Subject], Iterable[Found]]
_WORDS = Path(__file__).with_name("rules.toml")
_MODULES = (
    *(manifest_rules, room_rules, code_rules, permission_rules, data_rules, graphql_rules),
    *(text_rules, upkeep_rules, trust_rules, deprecation_rules, platform_rules),
)


class Tier(IntEnum):
    """How much a plugin promises (等级); each tier holds the rules of those below it."""

    BRONZE = 1
    SILVER = 2
    GOLD = 3

    @classmethod
    def named(cls, name: str) -> "Tier":
        """The tier called ``bronze``, ``silver`` or ``gold``; raises ``KeyError``."""
        return cls[name.upper()]

    @property
    def label(self) -> str:
        """Its name in manifests and on the command line."""
        return self.name.lower()


class Example(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An edit of the sample plugin: in ``file``, ``text`` takes the place of ``replaces``.

    Without ``replaces`` it is put at the end, and the file is made when there is none; without
    ``text`` what it replaces is taken away, or the whole file.
    """

    file: str
    text: str = ""
    replaces: str = ""


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a rule says to its readers; ``found`` and ``next`` are filled with the finding."""

    tier: str
    zh: str
    en: str
    reason_zh: str
    reason_en: str
    found_zh: str
    found_en: str
    next_zh: str
    next_en: str
    bad: Example
    good: Example | None = None

    def in_language(self, part: str, locale: str) -> str:
        """One of ``title``, ``reason``, ``found``, ``next`` in ``zh`` or ``en``."""
        name = locale if part == "title" else f"{part}_{locale}"
        value: str = getattr(self, name)
        return value


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: ``run(subject)`` yields what breaks it; ``id`` is stable."""

    id: str
    tier: Tier
    words: Words
    run: Run

    @property
    def group(self) -> int:
        """Which part it belongs to: 1 manifest, 2 rooms, 3 permissions, 4 data, …"""
        return int(self.id[3])


def _register() -> Mapping[str, Rule]:
    words = msgspec.convert(tomllib.loads(_WORDS.read_text(encoding="utf-8")), dict[str, Words])
    runs: dict[str, Run] = {}
    for module in _MODULES:
        runs |= module.RULES
    if set(words) != set(runs):
        raise LookupError(f"rules with words or code only: {sorted(set(words) ^ set(runs))}")
    return MappingProxyType(
        {
            code: Rule(code, Tier.named(words[code].tier), words[code], runs[code])
            for code in sorted(runs)
        }
    )


RULES = _register()
"""Every rule by its id, in order."""
