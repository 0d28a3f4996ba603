"""Rules of the time ahead (弃用, JW-8xx): what later versions of the SDK take away."""

from collections.abc import Iterator

from jingwei_sdk.check.found import Found, at
from jingwei_sdk.check.subject import Subject
from jingwei_sdk.deprecations import Use, gone_in, next_major, uses


def deprecated_today(subject: Subject) -> Iterator[Found]:
    """Nothing is used that has a successor."""
    for use in _uses(subject):
        yield _told(subject, use)


def gone_in_next_major(subject: Subject) -> Iterator[Found]:
    """Nothing is used that the next major version does not have."""
    gone = gone_in(next_major())
    for use in _uses(subject):
        if use.deprecation in gone:
            yield _told(subject, use)


def _uses(subject: Subject) -> Iterator[Use]:
    # A manifest that cannot be read is found by its own rule.
    if subject.manifest is not None:
        yield from uses(subject.package_dir)


def _told(subject: Subject, use: Use) -> Found:
    deprecation = use.deprecation
    return at(
        subject.path_of(use.file),
        use.line,
        name=deprecation.name,
        removed_in=deprecation.removed_in,
        not_before=deprecation.not_before,
        zh=deprecation.zh,
        en=deprecation.en,
    )


RULES = {"JW-801": deprecated_today, "JW-802": gone_in_next_major}
