"""The pages: each is in the list of them, and no link of theirs leads nowhere."""

import re
from pathlib import Path

import pytest

from tests.policy.project import ROOT

DOCS = ROOT / "docs"
LIST = DOCS / "architecture.md"
PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md")])
_LINK = re.compile(r"\]\((?!https?://)([^)#\s]+)(#[^)\s]+)?\)")


def linked(page: Path) -> list[Path]:
    """What a page's links lead to, those in blocks of code left out."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    return [(page.parent / target).resolve() for target, _ in _LINK.findall(text)]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_link_leads_nowhere(page: Path) -> None:
    assert [path for path in linked(page) if not path.exists()] == []


def test_each_page_is_in_the_list() -> None:
    pages = {path for path in DOCS.glob("*.md") if path != LIST}
    assert len(pages) > 10
    assert sorted(pages - set(linked(LIST))) == []
    assert LIST in linked(ROOT / "README.md")
