"""Values that trip over carelessness: texts, days and instants at the edges."""

from datetime import UTC, date, datetime
from typing import Any

TEXTS = (
    "宜昌市西陵区学院街道",
    "伍家岗区",
    "路灯不亮，井盖缺失！",
    'O\'Brien "quoted" `ticked`',
    "back\\slash \\u0041 \\n \\",
    "tab\tnew\nline\r\n",
    "\u0001\u001f control \u007f",
    "𠮷野家 👩‍👩‍👧 🇨🇳",
    "\ufffd before the astral",
    "\ue000 private",
    "\U0010ffff last",
    "",
    " ",
    "  padded  ",
    "50% _off_ $1 {0} ?",
    "caf\u00e9",
    "cafe\u0301",
    "İstanbul Straße ŉ",
    "\u202eright to left",
    "\ufeffbom",
    "line\u2028paragraph\u2029",
    "null",
    "NULL",
    "0",
    "true",
    "A",
    "a",
    "Ab",
    "aB",
    "Z",
    "ａ",
    "é",
    "一",
    "/1/2/",
    "<script>alert('x')</script>&amp;",
    "]]>--/*;",
    "x" * 300,
    "\u200b",
    "Ⅷ",
    "﷽",
)
UNKNOWN_TEXTS = (*TEXTS, "宜", "学院", "caf", "\\", '"', "'", "%", "_", "\U0001f600", "A" * 1000)
"""What may be asked for besides what is stored: beginnings, single signs, nothing at all."""

DAYS = (
    date(2026, 1, 1),
    date(2026, 6, 14),
    date(2026, 6, 15),
    date(2026, 6, 16),
    date(1999, 12, 31),
    date(9999, 12, 31),
)
NOW = datetime(2026, 6, 15, 4, 30, 0, 120_000, tzinfo=UTC)
INSTANTS = (
    datetime(2026, 6, 15, 4, 30, 0, tzinfo=UTC),
    datetime(2026, 6, 15, 4, 30, 0, 100_000, tzinfo=UTC),
    datetime(2026, 6, 15, 4, 29, 59, 999_999, tzinfo=UTC),
    datetime(2026, 6, 14, 16, 0, 0, 1, tzinfo=UTC),
    datetime(2026, 6, 14, 15, 59, 59, 120_000, tzinfo=UTC),
    datetime(2026, 6, 10, tzinfo=UTC),
    datetime(2026, 6, 9, 1, 2, 3, 456_789, tzinfo=UTC),
    datetime(2025, 12, 31, 16, 0, tzinfo=UTC),
    datetime(2024, 2, 29, 12, 0, 0, 10, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
)
"""Few, so that many rows share one: ties in every order by time."""

FORMS: tuple[dict[str, Any], ...] = (
    {},
    {"说明": "破损", 'quote"d': "back\\slash"},
    {"n": 1, "f": 1.5, "small": 1e-7, "big": 10**21, "yes": True, "none": None},
    {"list": [1, "二", [], {}, None, False], "deep": {"a": {"b": ["\u0001\u2028"]}}},
    {"": "", " ": " ", "𠮷": "👩‍👩‍👧"},
    {"b": 1, "a": 2, "aa": 3},
)
