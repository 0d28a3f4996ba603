"""The reader's language (语言), from ``Accept-Language``."""

from functools import lru_cache

from jingwei_sdk.messages import LOCALES

_LONGEST = 256


def preferred(header: str | None) -> str:
    """``zh`` or ``en``, whichever the header prefers; Chinese when it says nothing we have."""
    return _preferred((header or "")[:_LONGEST])


@lru_cache(maxsize=1024)
def _preferred(header: str) -> str:
    best, chosen = 0.0, LOCALES[0]
    for part in header.split(","):
        tag, _, parameters = part.strip().partition(";")
        language = tag.strip().split("-")[0].lower()
        weight = _weight(parameters)
        if language in LOCALES and weight > best:
            best, chosen = weight, language
    return chosen


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
