"""Documents of residents (证件): whether a number can be right, what it says, how it is found."""

import hashlib
import hmac
import re
import uuid
from dataclasses import dataclass
from datetime import date
from typing import Annotated

import msgspec

from jingwei_core.people.states import DocumentType, NumberNote, Sex
from jingwei_core.people.tables import Person
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Invalid
from jingwei_sdk.personal import refuse_masked

_BY_GB_11643 = (DocumentType.RESIDENT_ID, DocumentType.RESIDENCE_PERMIT)
_ABROAD = (DocumentType.PASSPORT, DocumentType.PERMANENT_RESIDENT)
_HOME = "CHN"
_SPACING = re.compile(r"[\s\u00b7.-]")
_OTHER = re.compile(r"[A-Z0-9()/]{4,40}")
_LENGTH = 18
_SINCE = re.compile(r"\[\d*-(?P<until>\d*)\]")
Number = Annotated[str, msgspec.Meta(min_length=1, max_length=60)]


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was shown; ``country`` is who issued it, by ISO 3166-1 alpha-3, asked for of passports
    and of permits of permanent residents."""

    type: DocumentType
    number: Number
    country: Annotated[str, msgspec.Meta(pattern=r"^([A-Z]{3})?$", description="CHN, …")] = ""


@dataclass(frozen=True, slots=True)
class Proven:
    """A document as it is kept, and what its number says; ``birth_date`` and ``sex`` are ``None``
    for numbers that say nothing."""

    type: DocumentType
    number: str
    country: str
    note: NumberNote = NumberNote.NONE
    birth_date: date | None = None
    sex: Sex | None = None


def proven(document: Document) -> Proven:
    """What is kept of a document.

    18 digits are read by GB 11643-1999: area, birth, order (odd for men) and the check character of
    ISO 7064 MOD 11-2. Divisions are abolished while numbers stay, so these only leave a note.

    Raises ``Invalid``: ``MASKED_VALUE_WRITTEN``, ``PERSON_NUMBER_SHAPE``, ``PERSON_NUMBER_CHECK``,
    ``PERSON_NUMBER_BIRTH``, ``PERSON_COUNTRY_MISSING``.
    """
    refuse_masked(Person.PERSONAL["document_number"], document.number, "document.number")
    number = _SPACING.sub("", document.number).upper()
    if document.type in _BY_GB_11643:
        return _by_gb_11643(document.type, number)
    if document.type in _ABROAD and not document.country:
        raise Invalid("PERSON_COUNTRY_MISSING", field="document.country")
    if not _OTHER.fullmatch(number):
        raise Invalid("PERSON_NUMBER_SHAPE", field="document.number")
    return Proven(document.type, number, document.country or _HOME)


def number_digest(ctx: Context, found: Proven) -> str:
    """Under which a number is found in this tenant: without the deployment's secret nobody can tell
    from it which number it is, and the same number gives another in each tenant."""
    assert isinstance(ctx, CoreContext)
    return digest_of(ctx.platform.person_secret, ctx.tenant.id, found)


def digest_of(secret: bytes, tenant: uuid.UUID, found: Proven) -> str:
    """The keyed digest (HMAC-SHA256, hex) of a number that was proven."""
    # A permit of a resident from Hong Kong is no resident's id, though both have 18 digits.
    told = msgspec.json.encode((tenant, found.type, found.country, found.number))
    return hmac.new(secret, told, hashlib.sha256).hexdigest()


def _by_gb_11643(kind: DocumentType, number: str) -> Proven:
    from stdnum.cn import ric
    from stdnum.exceptions import ValidationError as NumberError

    field = "document.number"
    # isascii: other digits would pass for digits, and not for the same number.
    if len(number) != _LENGTH or not (number.isascii() and number[:-1].isdigit()):
        raise Invalid("PERSON_NUMBER_SHAPE", field=field)
    if number[-1] != ric.calc_check_digit(number):
        raise Invalid("PERSON_NUMBER_CHECK", field=field)
    try:
        birth = ric.get_birth_date(number)
    except NumberError as error:
        raise Invalid("PERSON_NUMBER_BIRTH", field=field) from error
    sex = Sex.MALE if int(number[16]) % 2 else Sex.FEMALE
    return Proven(kind, number, _HOME, _note(number[:6]), birth, sex)


def _note(area: str) -> NumberNote:
    """What GB/T 2260 and its changes, as python-stdnum keeps them, say of the first six digits."""
    from stdnum import numdb

    told = {key: text for _, part in numdb.get("cn/loc").info(area) for key, text in part.items()}
    county = told.get("county")
    if county is None:
        return NumberNote.AREA_UNKNOWN
    # "[1987-1997]枝城市,[1998-]宜都市": with no years, or none after the last, it is in force.
    for one in county.split(","):
        until = _SINCE.match(one)
        if until is None or not until["until"]:
            return NumberNote.NONE
    return NumberNote.AREA_ABOLISHED
