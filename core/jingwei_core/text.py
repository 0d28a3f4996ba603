"""Search text (检索文本): what a name can be found by."""

from functools import lru_cache


def search_text(name: str, *codes: str) -> str:
    """The name, its pinyin, its pinyin initials and the codes, lower-case and joined by spaces."""
    # Its dictionary takes a third of a second to import, and most processes never write a name.
    from pypinyin.seg.simpleseg import seg

    spoken = [_spoken(word) for word in seg(name)]
    sounds, initials = ("".join(word[part] for word in spoken) for part in (0, 1))
    return " ".join(part.lower() for part in (name, sounds, initials, *codes) if part)


@lru_cache(maxsize=8_192)
def _spoken(word: str) -> tuple[str, str]:
    """Pinyin and initials of a word: names have few, and the library is slow with each."""
    from pypinyin import lazy_pinyin

    # The library takes a list as well as it takes text, and keeps the run whole then.
    sounds: list[str] = lazy_pinyin([word], errors=lambda run: [_Foreign(run)])  # type: ignore[arg-type, return-value]
    initials = (sound if isinstance(sound, _Foreign) else sound[:1] for sound in sounds)
    return "".join(sounds), "".join(initials)


class _Foreign(str):
    """A run of letters that have no pinyin; it stands among the initials as a whole."""

    __slots__ = ()
