"""The docs of the SDK say the same in both languages."""

import re
from pathlib import Path

import pytest

from tests.policy.project import ROOT

DOCS = ROOT / "docs" / "sdk"
PAGES = sorted(path.relative_to(DOCS / "zh") for path in (DOCS / "zh").rglob("*.md"))


def shape(path: Path) -> tuple[list[int], list[str]]:
    """The levels of its headings, and its blocks of code."""
    text = path.read_text(encoding="utf-8")
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return [len(mark) for mark in re.findall(r"^(#+) ", prose, re.MULTILINE)], blocks


def code_of(block: str) -> str:
    """A block without comments and sentences, which are for readers of one language."""
    without = re.sub(r"(?m)^(reason|description) = .*$", r"\1", block)
    return "\n".join(re.sub(r"\s*#.*", "", line) for line in without.splitlines())


def test_both_languages_have_the_same_pages() -> None:
    assert sorted(path.relative_to(DOCS / "en") for path in (DOCS / "en").rglob("*.md")) == PAGES
    assert {"index.md", "guide.md", "tutorial.md", "check.md"} <= {path.name for path in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_a_page_has_the_same_parts_in_both_languages(page: Path) -> None:
    (zh_heads, zh_blocks), (en_heads, en_blocks) = (
        shape(DOCS / "zh" / page),
        shape(DOCS / "en" / page),
    )
    assert zh_heads == en_heads
    assert [code_of(block) for block in zh_blocks] == [code_of(block) for block in en_blocks]
