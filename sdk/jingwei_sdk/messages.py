"""The message catalogue (消息目录): every text a user may read, in Chinese and English.

A package ships ``messages.toml``::

    [EVENT_NOT_FOUND]
    zh = "没有找到该事件"
    en = "No such event"
    next_zh = "请刷新列表后再试"
    next_en = "Reload the list and try again"
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from jingwei_sdk.errors import JingweiError, Refused

LOCALES = ("zh", "en")


@dataclass(frozen=True, slots=True)
class Message:
    """A text and the next step for its reader; ``next_step`` may be empty."""

    text: str
    next_step: str


class Catalogue:
    """Texts of all loaded packages by code; a code may be defined once."""

    def __init__(self) -> None:
        self._entries: dict[str, Mapping[str, str]] = {}

    def load(self, path: Path) -> None:
        """Add a package's ``messages.toml``.

        Raises ``Refused`` (``MESSAGE_INCOMPLETE``, ``MESSAGE_DUPLICATE``) before anything is added.
        """
        entries = _parsed(path.read_text(encoding="utf-8"))
        for code, texts in entries.items():
            missing = [locale for locale in LOCALES if not texts.get(locale)]
            if missing:
                raise Refused("MESSAGE_INCOMPLETE", file=path.name, message=code, missing=missing)
            if self._entries.get(code, texts) != texts:
                raise Refused("MESSAGE_DUPLICATE", file=path.name, message=code)
        self._entries.update(entries)

    def codes(self) -> frozenset[str]:
        """Every code that has a text."""
        return frozenset(self._entries)

    def message(self, code: str, locale: str, params: Mapping[str, object]) -> Message:
        """The text of ``code`` in ``locale`` (``zh`` or ``en``; others read Chinese)."""
        entry = self._entries.get(code)
        if entry is None:
            return Message(code, "")
        locale = locale if locale in LOCALES else LOCALES[0]
        return Message(
            _fill(entry[locale], params),
            _fill(entry.get(f"next_{locale}", ""), params),
        )

    def describe(self, error: JingweiError, locale: str) -> Message:
        """The text of an error for its reader."""
        params = {
            "field": error.field,
            "row": error.row,
            "file": error.file,
            **error.params,
        }
        return self.message(error.code, locale, params)


@lru_cache(maxsize=256)
def _parsed(text: str) -> Mapping[str, Mapping[str, str]]:
    """The entries of a file's text: every platform of a process reads the same texts, and parsing
    them takes longer than all else that makes it."""
    return tomllib.loads(text)


class _Missing(dict[str, object]):
    """Leaves an unknown placeholder visible instead of failing while an error is being told."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


def _fill(template: str, params: Mapping[str, object]) -> str:
    told = {name: _told(value) for name, value in params.items()}
    try:
        return template.format_map(_Missing(told))
    except (ValueError, LookupError, AttributeError, TypeError):
        return template  # braces are better than another error in place of the one that is told


def _told(value: object) -> object:
    """Several values as people list them; the brackets and quotes of Python are not for them."""
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
