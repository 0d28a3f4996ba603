"""The register of residents (实有人口登记): who lives where, and nothing else of them.

There is no column for descent, belief, party, health, offences or a score. What a city keeps beyond
this, and has a ground for, a plugin keeps in a table of its own that refers to ``Person``.
"""

from piccolo.columns import Date, Text

from jingwei_core.people.states import DocumentType, NumberNote, PersonStatus, Residence, Sex
from jingwei_sdk.personal import Mask, Personal, Sensitivity
from jingwei_sdk.tables import PlacedTable, choice

_DUTY = "个人信息保护法 PIPL art. 13(1)(3), 34; 户口登记条例; 居住证暂行条例"
_IDENTITY = "个人信息保护法 PIPL art. 13(1)(3), 34; 居民身份证法 art. 13"
_CHILDREN = "个人信息保护法 PIPL art. 13(1)(3), 28, 31, 34"
_KEPT = "P2Y"
"""Two years: long enough for whoever comes back, or is asked for by the place they went to."""
_LEAVING = "迁出或死亡之日 moving away or death"
_SHOWN = "only for holders of person.read at the place"


def _told(purpose_zh: str, purpose_en: str, basis: str = _DUTY) -> Personal:
    """A column that is read as it is."""
    kind = Sensitivity.SENSITIVE if basis is _CHILDREN else Sensitivity.GENERAL
    said = (purpose_zh, purpose_en, basis, kind, _KEPT)
    return Personal(*said, unmasked_because=_SHOWN, counted_from=_LEAVING)


def _masked(purpose_zh: str, purpose_en: str, basis: str, mask: Mask) -> Personal:
    """A column of stars; a child's counts as sensitive, and the stricter rule is that of all."""
    said = (purpose_zh, purpose_en, basis, Sensitivity.SENSITIVE, _KEPT)
    return Personal(*said, mask=mask, counted_from=_LEAVING)


class Person(PlacedTable, tablename="person", schema="core"):
    """居民 (实有人口): somebody who lives, or lived, at a place."""

    UNIQUE = (("number_digest",),)
    PERSONAL = {
        "name": _told("称呼和识别居民", "addressing residents and telling them apart"),
        "search_text": _told("按姓名检索居民", "finding residents by name"),
        "document_type": _told("说明登记依据的证件", "saying which document was shown"),
        "document_country": _told("区分各国证件号码", "telling documents of countries apart"),
        "document_number": _masked(
            "核实身份，防止重复登记",
            "proving who somebody is, and entering everybody once",
            _IDENTITY,
            Mask.ID_NUMBER,
        ),
        "number_digest": _told("按证件号码查找", "finding somebody by a number", _IDENTITY),
        "birth_date": _told("按年龄提供服务", "services that depend on age", _CHILDREN),
        "sex": _told("识别居民", "telling residents apart"),
        "phone": _masked("办理事项时联系", "contact about a matter", _CHILDREN, Mask.PHONE),
        "residence": _told("按居住类别提供服务", "services by ground of residence"),
        "place_id": _told("以房找人、以人找房", "who lives where"),
        "moved_in_on": _told("记录居住起止", "since when somebody lives there"),
        "left_on": _told("记录居住起止", "until when somebody lived there"),
        "status": _told("区分在住和离开", "telling who lives there from who left"),
    }

    name = Text(default=None, null=False)
    document_type = choice(DocumentType, null=True)
    document_country = Text(default="", null=False, help_text="ISO 3166-1 alpha-3; empty: none")
    document_number = Text(default=None, null=True)
    number_digest = Text(default=None, null=True, secret=True, help_text="HMAC of the number")
    number_note = choice(NumberNote, NumberNote.NONE)
    birth_date = Date(default=None, null=True)
    sex = choice(Sex, Sex.UNKNOWN)
    phone = Text(default=None, null=True)
    residence = choice(Residence, Residence.REGISTERED)
    status = choice(PersonStatus, PersonStatus.PRESENT)
    moved_in_on = Date(default=None, null=True)
    left_on = Date(default=None, null=True)
    search_text = Text(default="", null=False)
