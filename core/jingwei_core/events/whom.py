"""Whom (对谁): how a tenant's rules name people without naming a person.

The text is one of

- ``reporter`` (上报人), ``assigned`` (承办人, or the members of the assigned department while no
  person is named), ``department`` (members of the assigned department, 承办单位),
  ``first_receiver`` (首问责任人), ``seconded`` (下派人员: people seconded from the assigned or the
  kind's department whose host place covers the event), ``supervisor`` (督办人);
- ``role:<role>@<level>``: who holds the role at the event's place of that level;
- ``role:<role>``: who holds it at the nearest place upward where anybody does;
- ``department:<code>``: members of that department.

This module only reads the text; who that is at an instant, substitutes included, is answered by
:class:`jingwei_core.events.ports.Recipients`.
"""

import re
from enum import StrEnum
from functools import lru_cache

import msgspec

from jingwei_sdk.errors import Invalid


class Who(StrEnum):
    """What a text names people by."""

    REPORTER = "reporter"
    ASSIGNED = "assigned"
    DEPARTMENT = "department"
    FIRST_RECEIVER = "first_receiver"
    SECONDED = "seconded"
    SUPERVISOR = "supervisor"
    ROLE = "role"


class Whom(msgspec.Struct, frozen=True):
    """A text that was read; ``department`` is a code, empty for the assigned department."""

    who: Who
    role: str = ""
    level: str = ""
    """Level of the place where the role is held; empty for the nearest upward."""
    department: str = ""

    def __str__(self) -> str:
        """The text that reads as this."""
        if self.who is Who.ROLE:
            return f"role:{self.role}" + (f"@{self.level}" if self.level else "")
        return f"department:{self.department}" if self.department else self.who.value


_CODE = r"[a-z0-9]+(?:[-_.][a-z0-9]+)*"
_TEXT = re.compile(
    rf"(?:role:(?P<role>{_CODE})(?:@(?P<level>{_CODE}))?|department:(?P<department>{_CODE})"
    r"|(?P<word>reporter|assigned|department|first_receiver|seconded|supervisor))"
)
_TEXTS = 1024


@lru_cache(_TEXTS)
def read_whom(text: str) -> Whom:
    """The text as a value; raises ``Invalid`` (``WHOM_INVALID``) for any other text."""
    found = _TEXT.fullmatch(text)
    if found is None:
        raise Invalid("WHOM_INVALID", field="whom", value=text[:100])
    if found["role"]:
        return Whom(Who.ROLE, role=found["role"], level=found["level"] or "")
    if found["department"]:
        return Whom(Who.DEPARTMENT, department=found["department"])
    return Whom(Who(found["word"]))
