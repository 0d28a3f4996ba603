"""Telling names (字段名): which look personal, and which the platform has no field for.

Denied by default: a name is only a hint, so what looks personal must be declared, and what would
record somebody's belief or descent is refused whatever it is declared to be.
"""

import re
from itertools import pairwise

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[\u4e00-\u9fff]+")

_PERSONAL_WORDS = frozenset(
    {
        *("phone", "telephone", "cellphone", "mobile", "tel", "phonenumber", "fax"),
        *("email", "wechat", "weixin", "qq", "passport", "idcard", "idnumber", "sfz"),
        *("birthday", "birthdate", "dob", "gender", "sex", "shouji", "shenfenzheng"),
        *("fullname", "realname", "guardian", "fingerprint", "whereabouts"),
    }
)
_PERSONAL_PAIRS = frozenset(
    {
        *(("id", "number"), ("id", "card"), ("id", "no"), ("identity", "number")),
        *(("identity", "card"), ("identity", "no"), ("birth", "date"), ("birth", "year")),
        *(("date", "of", "birth"), ("full", "name"), ("real", "name"), ("person", "name")),
        *(("contact", "name"), ("resident", "name"), ("owner", "name"), ("actor", "name")),
        *(("home", "address"), ("bank", "account"), ("bank", "card"), ("face", "image")),
    }
)
_PERSONAL_CHINESE = ("手机", "电话", "身份证", "生日", "出生日期", "姓名", "住址", "银行卡")

_PERSONS = frozenset(
    {
        *("person", "people", "resident", "residents", "inhabitant", "householder", "occupant"),
        *("patient", "elder", "elderly", "child", "student", "pupil", "parent", "lodger"),
        *("visitor", "guest", "volunteer", "applicant", "complainant", "reporter", "caller"),
        *("worker", "employee", "staff", "caretaker", "keeper", "carer", "citizen", "villager"),
    }
)
_NAMES = frozenset(
    {
        *(("name",), ("surname",), ("forename",), ("nickname",), ("xingming",)),
        *(("first", "name"), ("last", "name"), ("given", "name"), ("family", "name")),
    }
)

_FORBIDDEN_WORDS = frozenset(
    {
        *("religion", "religions", "religious", "belief", "beliefs", "believer", "believers"),
        *("faith", "faiths", "creed", "cult", "cults", "sect", "sects", "zongjiao", "xiejiao"),
        *("ethnic", "ethnicity", "ethnicities", "minzu", "caste"),
    }
)
_FORBIDDEN_CHINESE = ("宗教", "信仰", "邪教", "信教", "教派", "种族")
_DESCENT = re.compile("民族(?![乡镇村路街区自])")  # 民族乡 is a level of division


def words_of(name: str) -> tuple[str, ...]:
    """The words of a name: ``contactPhone2`` and ``contact_phone`` both give contact, phone."""
    return tuple(word.lower() for word in _WORD.findall(name))


def looks_personal(name: str) -> bool:
    """Whether a column of this name most likely holds information about a person."""
    words = words_of(name)
    if _PERSONAL_WORDS & set(words) or any(term in name for term in _PERSONAL_CHINESE):
        return True
    return any(
        words[at : at + len(pair)] == pair for pair in _PERSONAL_PAIRS for at in range(len(words))
    )


def names_a_person(table: str, column: str, help_text: str = "") -> bool:
    """Whether a column is most likely the name of a person: it is called so in a table whose own
    name speaks of persons, or its help text says so (姓名)."""
    words = words_of(column)
    if words in _NAMES:
        return bool(_PERSONS & set(words_of(table))) or "姓名" in help_text
    return any(one in _PERSONS and two == "name" for one, two in pairwise(words))


def is_forbidden(name: str) -> bool:
    """Whether a field of this name would profile belief or descent (PIPL articles 28 and 29)."""
    return bool(_FORBIDDEN_WORDS & set(words_of(name))) or speaks_of_belief(name)


def speaks_of_belief(text: str) -> bool:
    """Whether a Chinese text, such as a column's help text, names belief or descent."""
    return bool(_DESCENT.search(text)) or any(term in text for term in _FORBIDDEN_CHINESE)
