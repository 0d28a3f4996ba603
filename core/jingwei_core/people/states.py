"""What is said of a resident by a word of a list (人口登记代码)."""

from enum import StrEnum


class DocumentType(StrEnum):
    """证件类型: what proves who somebody is."""

    BIRTH_CERTIFICATE = "birth_certificate"
    """出生医学证明"""
    RESIDENT_ID = "resident_id"
    """居民身份证, GB 11643: 18 digits."""
    RESIDENCE_PERMIT = "residence_permit"
    """港澳台居民居住证: 18 digits by GB 11643, too."""
    PERMANENT_RESIDENT = "permanent_resident"
    """外国人永久居留身份证"""
    PASSPORT = "passport"
    """护照"""
    TRAVEL_PERMIT = "travel_permit"
    """来往内地（大陆）通行证"""
    OTHER = "other"
    """其他证件"""


class NumberNote(StrEnum):
    """号码提示: what is odd about an 18-digit number that is right otherwise; it warns, no more."""

    NONE = "none"
    AREA_ABOLISHED = "area_abolished"
    """区划已撤销: its first six digits are those of a division that is no more."""
    AREA_UNKNOWN = "area_unknown"
    """区划查无: no division with these digits is known."""


class Sex(StrEnum):
    """性别, as GB/T 2261.1 knows it; nobody is asked where a document says it."""

    UNKNOWN = "unknown"
    MALE = "male"
    FEMALE = "female"


class Residence(StrEnum):
    """居住类别 (实有人口): on which ground somebody lives here."""

    REGISTERED = "registered"
    """户籍人口: in the household register of the place."""
    FLOATING = "floating"
    """流动人口: in that of another county, and lives here."""
    LODGING = "lodging"
    """寄住人口: in that of another place of this county, and lives here."""
    UNREGISTERED = "unregistered"
    """未落户人口: in none yet, such as a newborn."""
    OVERSEAS = "overseas"
    """境外人员: from Hong Kong, Macao, Taiwan or abroad."""


class PersonStatus(StrEnum):
    """在住状态: whether somebody lives where the register says."""

    PRESENT = "present"
    MOVED_AWAY = "moved_away"
    DECEASED = "deceased"
