"""What the register says of residents, checked (登记项校验)."""

import re
from datetime import date

from jingwei_core.people.documents import Proven
from jingwei_core.people.states import Sex
from jingwei_core.people.tables import Person
from jingwei_sdk.errors import Invalid
from jingwei_sdk.personal import refuse_masked

CHILD = 14
"""PIPL article 28: what is known of somebody under 14 is sensitive."""
# 电信网编号计划 (工信部 2017): mobile numbers of the mainland have 11 digits, the first is 1.
_MOBILE = re.compile(r"(?:\+86|0086)?(1[3-9][0-9]{9})")
# ITU-T E.164: 15 digits at most; old people often have a landline, foreigners a number of home.
_OTHER = re.compile(r"\+?[0-9]{7,15}")
_SPACING = re.compile(r"[\s()-]")


def is_child(birth_date: date | None, today: date) -> bool:
    """Whether somebody is under 14; years are full from the day after the birthday on. Of whom no
    birth date is known it is not."""
    if birth_date is None:
        return False
    is_before = (today.month, today.day) <= (birth_date.month, birth_date.day)
    return today.year - birth_date.year - is_before < CHILD


def checked_phone(given: str | None) -> str | None:
    """The number without spacing; one of a mainland mobile as 11 digits.

    Raises ``Invalid``: ``MASKED_VALUE_WRITTEN``, ``PERSON_PHONE_INVALID``.
    """
    if given is None:
        return None
    refuse_masked(Person.PERSONAL["phone"], given, "phone")
    bare = _SPACING.sub("", given)
    mobile = _MOBILE.fullmatch(bare)
    if mobile is not None:
        return mobile[1]
    if not _OTHER.fullmatch(bare):
        raise Invalid("PERSON_PHONE_INVALID", field="phone")
    return bare


def agreed(found: Proven | None, birth: date | None, sex: Sex | None) -> tuple[date | None, Sex]:
    """Birth date and sex: what the number says, else what was given.

    Raises ``Invalid`` (``PERSON_CONTRADICTS``) for what was given against the number.
    """
    if found is None or found.birth_date is None or found.sex is None:
        return birth, sex or Sex.UNKNOWN
    if birth not in (None, found.birth_date):
        raise Invalid("PERSON_CONTRADICTS", field="birthDate")
    if sex not in (None, Sex.UNKNOWN, found.sex):
        raise Invalid("PERSON_CONTRADICTS", field="sex")
    return found.birth_date, found.sex


def check_days(today: date, **days: date | None) -> None:
    """The days, by the name of their field in the order of a life, none of them in the future.

    Raises ``Invalid``: ``PERSON_DAY_FUTURE``, ``PERSON_DAYS_ORDER``.
    """
    before: date | None = None
    for field, day in days.items():
        if day is None:
            continue
        if day > today:
            raise Invalid("PERSON_DAY_FUTURE", field=field, day=day.isoformat())
        if before is not None and day < before:
            raise Invalid("PERSON_DAYS_ORDER", field=field, day=before.isoformat())
        before = day
