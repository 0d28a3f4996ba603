"""Search text (检索文本): what a name can be found by."""


def search_text(name: str, *codes: str) -> str:
    """The name, its pinyin, its pinyin initials and the codes, lower-case and joined by spaces."""
    # Its dictionary takes a third of a second to import, and most processes never write a name.
    from pypinyin import Style, lazy_pinyin

    syllables = lazy_pinyin(name)
    initials = lazy_pinyin(name, style=Style.FIRST_LETTER)
    parts = (name, "".join(syllables), "".join(initials), *codes)
    return " ".join(part.lower() for part in parts if part)
