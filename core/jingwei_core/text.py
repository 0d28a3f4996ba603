"""Search text (检索文本): what a name can be found by."""


def search_text(name: str, *codes: str) -> str:
    """The name, its pinyin, its pinyin initials and the codes, lower-case and joined by spaces."""
    # Its dictionary takes a third of a second to import, and most processes never write a name.
    from pypinyin import lazy_pinyin

    # The library takes a list as well as it takes text, and keeps the run whole then.
    sounds: list[str] = lazy_pinyin(name, errors=lambda run: [_Foreign(run)])  # type: ignore[arg-type, return-value]
    initials = (sound if isinstance(sound, _Foreign) else sound[0] for sound in sounds)
    parts = (name, "".join(sounds), "".join(initials), *codes)
    return " ".join(part.lower() for part in parts if part)


class _Foreign(str):
    """A run of letters that have no pinyin; it stands among the initials as a whole."""

    __slots__ = ()
