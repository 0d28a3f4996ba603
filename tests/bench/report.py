"""``docs/performance.md``: a section for each series; a run replaces those that it measured."""

import platform
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path

_PYTHON = f"Python {platform.python_version()}"
PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
_HEAD = """# Performance

Written by `make bench`: two cores, embedded PostgreSQL with its data in memory, load generator
and servers on the same machine. Absolute figures move with the machine; read ratios, and only
within one table: contenders take turns within each round, and a ratio is the median of the rounds'
ratios, with the lowest and the highest beside it.
"""
_ORDER = (
    "Against the peers and the limit",
    "As data grows",
    "Lifecycle",
    "Workers and servers",
    "Where a list's time goes",
    "Subscriptions",
    "Plugins",
    "National tree",
)


def write_sections(sections: Mapping[str, str], day: date) -> Path:
    """Put the sections into the page, each with its day; the others stay as they are."""
    kept = _sections(PAGE.read_text(encoding="utf-8")) if PAGE.exists() else {}
    for title, text in sections.items():
        kept[title] = f"Measured on {day.isoformat()}, with {_PYTHON}.\n\n{text.strip()}"
    parts = [_HEAD.strip()]
    parts += [f"## {title}\n\n{kept[title]}" for title in _ORDER if title in kept]
    PAGE.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return PAGE


def _sections(page: str) -> dict[str, str]:
    pieces = re.split(r"^## (.+)$", page, flags=re.MULTILINE)[1:]
    return {
        title.strip(): text.strip() for title, text in zip(pieces[::2], pieces[1::2], strict=True)
    }
