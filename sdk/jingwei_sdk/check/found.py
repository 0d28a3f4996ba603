"""What a rule yields (发现): where, and the words that fill the rule's text."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Said(NamedTuple):
    """A part of a finding that reads differently in the two languages."""

    zh: str
    en: str

    def in_language(self, locale: str) -> str:
        """The text in ``zh`` or ``en``."""
        return self.zh if locale == "zh" else self.en


@dataclass(frozen=True, slots=True)
class Found:
    """One place that breaks a rule; ``params`` fill the rule's text in either language."""

    file: str
    line: int = 1
    params: Mapping[str, object] = field(default_factory=dict)


def at(file: str, line: int = 1, **params: object) -> Found:
    """A place in a file, with the words of the finding."""
    return Found(file, line, params)


class CouldNotRun(Exception):
    """A rule has no word on this plugin: what it looks at is not here. Its tier is not held."""

    def __init__(self, why: Said) -> None:
        super().__init__(why.en)
        self.why = why
