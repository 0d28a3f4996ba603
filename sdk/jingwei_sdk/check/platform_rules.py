"""Rules of the platform (平台, JW-9xx): what an installed platform itself has against a plugin."""

from collections.abc import Iterator

from jingwei_sdk.check.found import Found, at
from jingwei_sdk.check.subject import MANIFEST_FILE, Subject


def loaded_by_the_platform(subject: Subject) -> Iterator[Found]:
    """A platform that is installed here would load the plugin."""
    for objection in subject.objections:
        yield at(subject.path_of(MANIFEST_FILE), cause=objection)


RULES = {"JW-901": loaded_by_the_platform}
