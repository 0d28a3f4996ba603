"""Versions of the SDK: the one this package is, and those whose plugins it still serves.

A plugin names a range of the SDK's versions, never of the product. The current and the previous
major are served; what changes between them is told by :mod:`jingwei_sdk.deprecations`.
"""

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

SDK_VERSION = "1.0.0"
"""The version of this SDK."""

SERVED = ("0.1.0", SDK_VERSION)
"""The newest version of each major that is served, oldest first: the previous and the current."""


def is_range(text: str) -> bool:
    """Whether ``text`` is a version range such as ``>=1.0,<2``; an empty text is none."""
    try:
        return bool(text) and bool(str(SpecifierSet(text)))
    except InvalidSpecifier:
        return False


def served(wanted: str) -> str | None:
    """The newest served version inside the range ``wanted``, or ``None`` when there is none."""
    fits = SpecifierSet(wanted).filter(SERVED, prereleases=True)
    return max(fits, key=Version, default=None)


def fits(wanted: str, version: str) -> bool:
    """Whether ``version`` lies inside the range ``wanted``."""
    return SpecifierSet(wanted).contains(version, prereleases=True)
