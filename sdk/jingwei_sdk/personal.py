"""Personal information (个人信息): what a column of a person must say, and how it is shown masked.

Every column that holds information about a person is declared beside its table: what it is for,
on which legal basis, how sensitive it is, how long it is kept (个人信息保护法, PIPL, articles
6, 13, 17, 19, 28). A masked value is a type of its own and is refused wherever something is
written, so that a form sent back unchanged cannot put stars over a number.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import msgspec

from jingwei_sdk.errors import Invalid, Refused

if TYPE_CHECKING:
    from jingwei_sdk.tables import TenantTable

_DURATION = re.compile(r"^P(?=\d)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?\Z")
_SIGN = re.compile(r"[*＊×●]")
_RUN_OF_SIGNS = re.compile(r"[*＊×●]{2}")
HIDDEN = "****"
REVEALED_FOR = timedelta(seconds=60)
"""How long a client may show what was revealed to it."""


class Sensitivity(StrEnum):
    """敏感程度: sensitive is what PIPL article 28 names: whereabouts, health, accounts."""

    GENERAL = "general"
    SENSITIVE = "sensitive"


class Mask(StrEnum):
    """掩码方式: how much of a value is shown."""

    PHONE = "phone"
    NAME = "name"
    ID_NUMBER = "id_number"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Personal:
    """What a personal column (个人信息字段) says of itself.

    ``retention`` is an ISO 8601 duration in years, months, weeks or days, counted from
    ``counted_from``. A column without ``mask`` is read as it is and says in ``unmasked_because``
    why that is lawful. Raises ``Refused`` (``PERSONAL_INCOMPLETE``) for what is left empty.
    """

    purpose_zh: str
    purpose_en: str
    basis: str
    sensitivity: Sensitivity
    retention: str
    mask: Mask | None = None
    unmasked_because: str = ""
    counted_from: str = "收集之日 collection"

    def __post_init__(self) -> None:
        needed = ["purpose_zh", "purpose_en", "basis", "counted_from"]
        if self.mask is None:
            needed.append("unmasked_because")
        missing = [name for name in needed if not str(getattr(self, name)).strip()]
        if self.sensitivity not in tuple(Sensitivity):
            missing.append("sensitivity")
        if not _DURATION.match(self.retention):
            missing.append("retention")
        if missing:
            raise Refused("PERSONAL_INCOMPLETE", missing=", ".join(missing))


@dataclass(frozen=True, slots=True)
class Masked:
    """A value that was hidden (已掩码); it cannot be stored."""

    shown: str
    is_masked: bool = True


class RevealPurpose(msgspec.Struct, frozen=True):
    """Why a masked value has to be seen; it goes into the audit log."""

    purpose: Annotated[
        str, msgspec.Meta(min_length=2, max_length=200, description="Goes into the audit log.")
    ]


class Revealed(msgspec.Struct, frozen=True):
    """A value in clear (明文); clients hide it again at ``expires_at`` and never keep it."""

    value: str | None
    expires_at: datetime


def revealed(value: object, now: datetime) -> Revealed:
    """The answer of a reveal command: the value and when to hide it again."""
    return Revealed(None if value is None else str(value), now + REVEALED_FOR)


def masked_columns(table: "type[TenantTable]") -> Mapping[str, Personal]:
    """The columns of a table that are shown masked, with their declarations."""
    return {name: told for name, told in table.PERSONAL.items() if told.mask is not None}


def mask_value(mask: Mask, value: object) -> Masked:
    """The value as it is shown: ``138****5678`` for a phone, ``张**`` for a name."""
    text = str(value)
    if mask is Mask.PHONE and len(text) >= 11:
        return Masked(f"{text[:3]}{HIDDEN}{text[-4:]}")
    if mask is Mask.ID_NUMBER and len(text) >= 15:
        return Masked(f"{text[:3]}{'*' * (len(text) - 5)}{text[-2:]}")
    if mask is Mask.NAME and text:
        return Masked(f"{text[0]}**")
    return Masked(HIDDEN)


def refuse_masked(told: Personal, value: object, field: str) -> None:
    """Raise ``Invalid`` (``MASKED_VALUE_WRITTEN``) for a value that was masked before."""
    signs = _RUN_OF_SIGNS if told.mask is Mask.TEXT else _SIGN
    if isinstance(value, Masked) or (isinstance(value, str) and signs.search(value)):
        raise Invalid("MASKED_VALUE_WRITTEN", field=field)
