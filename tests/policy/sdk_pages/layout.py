"""How a generated page is laid out: a heading, what it is made from, tables."""

from collections.abc import Iterable, Sequence

_NOTE = {
    "zh": "本页由声明生成，请勿手改；`python -m tests.policy.sdk_pages` 重新写出。",
    "en": "Made from the declarations, not by hand; `python -m tests.policy.sdk_pages` writes it.",
}


def page(locale: str, title: str, *parts: str) -> str:
    """A whole page; ``parts`` are paragraphs, tables or headings."""
    return "\n\n".join([f"# {title}", _NOTE[locale], *parts]) + "\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; line breaks and bars inside a cell are told so that they stay inside."""
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|") or "–"
