"""``errors.md``: every code a plugin's author, user or operator may meet, by package."""

import tomllib
from collections.abc import Iterator

from tests.policy.project import Source, sources
from tests.policy.sdk_pages.layout import page, table

PACKAGES = {
    "sdk/": "jingwei-sdk",
    "core/": "jingwei-core",
    "frontend_api/": "jingwei-api",
    "plugins/": "plugins",
}
_TITLE = {"zh": "错误码", "en": "Errors"}
_HEADS = {"zh": ("代码", "含义", "下一步"), "en": ("code", "meaning", "next step")}


def codes() -> dict[str, dict[str, str]]:
    """Every code that a shipped catalogue holds, with its texts and its ``package``."""
    found: dict[str, dict[str, str]] = {}
    for source in _catalogues():
        package = next(name for start, name in PACKAGES.items() if source.path.startswith(start))
        for code, texts in tomllib.loads(source.text).items():
            found[code] = {**texts, "package": package}
    return found


def errors(locale: str) -> str:
    """The page."""
    known = codes()
    parts = []
    for package in PACKAGES.values():
        lines = [
            (f"`{code}`", texts[locale], texts.get(f"next_{locale}", ""))
            for code, texts in sorted(known.items())
            if texts["package"] == package
        ]
        parts += [f"## {package}", table(_HEADS[locale], lines)]
    return page(locale, _TITLE[locale], *parts)


def _catalogues() -> Iterator[Source]:
    for source in sources("messages.toml"):
        if source.path.startswith(tuple(PACKAGES)) and "/scaffold/" not in source.path:
            yield source
