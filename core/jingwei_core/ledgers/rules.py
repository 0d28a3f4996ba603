"""Ledgers (台账) as data: what ``ledgers.toml`` of a tenant's package says.

A ledger is a view: a record, which of its rows, and which columns. Nothing is typed into one.
"""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from jingwei_core.patrols.states import VisitOutcome
from jingwei_core.rule_files import read_rule_file
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Invalid


class Source(StrEnum):
    """The records that a ledger may be a view of."""

    EVENT = "event"
    """问题台账"""
    ORGANISATION = "organisation"
    """驻区单位台账"""
    STAFF = "staff"
    """工作人员台账"""
    VISIT = "visit"
    """联系走访台账: which places were visited and what came of it, without who went and what was
    said there."""


COLUMNS: Mapping[Source, Mapping[str, tuple[str, str]]] = {
    Source.EVENT: {
        "number": ("编号", "Number"),
        "title": ("问题", "Problem"),
        "kind": ("类别", "Kind"),
        "place": ("地点", "Place"),
        "state": ("状态", "State"),
        "found_by": ("发现人", "Found by"),
        "reported_by": ("报告人", "Reported by"),
        "owned_by": ("负责人", "Owned by"),
        "owned_department": ("负责单位", "Department"),
        "solved_by": ("解决人", "Solved by"),
        "checked_by": ("督查人", "Checked by"),
        "reported_at": ("报告时间", "Reported"),
        "due_at": ("办理时限", "Due"),
        "closed_at": ("结案时间", "Closed"),
        "evidence_before": ("处置前证据数", "Evidence before"),
        "evidence_after": ("处置后证据数", "Evidence after"),
        "links_before": ("处置前证据", "Links before"),
        "links_after": ("处置后证据", "Links after"),
        "struck_off_at": ("销号时间", "Struck off"),
        "struck_off_by": ("销号人", "Struck off by"),
    },
    Source.ORGANISATION: {
        "name": ("名称", "Name"),
        "kind": ("类别", "Kind"),
        "credit_code": ("统一社会信用代码", "Credit code"),
        "address": ("地址", "Address"),
        "place": ("网格", "Place"),
    },
    Source.STAFF: {
        "name": ("姓名", "Name"),
        "role": ("岗位", "Post"),
        "department": ("单位", "Department"),
        "place": ("管辖区域", "Area"),
        "since": ("任职时间", "Since"),
    },
    Source.VISIT: {
        "place": ("地点", "Place"),
        "day": ("走访日期", "Day"),
        "outcome": ("结果", "Outcome"),
        "found": ("是否上报事项", "Something was reported"),
    },
}
"""The columns that there are, with their headings in Chinese and English."""

WORDS: Mapping[str, Mapping[object, tuple[str, str]]] = {
    "outcome": {
        VisitOutcome.HELD: ("已走访", "Visited"),
        VisitOutcome.REFUSED: ("谢绝走访", "Declined"),
        VisitOutcome.ABSENT: ("无人在家", "Nobody there"),
    },
    "found": {True: ("是", "Yes"), False: ("否", "No")},
}
"""What stands in columns whose values are not words themselves, in Chinese and English."""


class Ledger(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A ledger. ``kinds`` are beginnings of codes of event kinds, or kinds of organisations;
    ``roles`` those of staff; empty for all. ``open_only`` leaves out what is closed.

    ``struck_off`` names the states in which an event counts as struck off (销号).
    """

    code: str
    title_zh: str
    title_en: str
    source: Source
    columns: tuple[str, ...]
    kinds: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    open_only: bool = False
    struck_off: tuple[str, ...] = ()

    def title(self, language: str) -> str:
        """What the ledger is called."""
        return self.title_en if language == "en" else self.title_zh

    def headings(self, language: str) -> list[str]:
        """The headings of its columns."""
        at = 1 if language == "en" else 0
        return [COLUMNS[self.source][name][at] for name in self.columns]


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    source: str = ""
    ledgers: tuple[Ledger, ...] = ()

    def document(self) -> dict[str, Any]:
        """The rules as they are stored; :func:`read_rules` reads them back."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built

    def of(self, code: str) -> Ledger:
        """The ledger; raises ``Invalid`` (``LEDGER_UNKNOWN``)."""
        for ledger in self.ledgers:
            if ledger.code == code:
                return ledger
        raise Invalid("LEDGER_UNKNOWN", field="ledger", ledger=code)


NO_RULES = Rules()


def read_rules(document: Mapping[str, Any]) -> Rules:
    """The rules in a TOML or JSON document.

    Raises ``Invalid`` (``LEDGER_RULES_INVALID``) with the field and the cause.
    """
    rules = read_rule_file(document, Rules, "LEDGER_RULES_INVALID")
    known: set[str] = set()
    for at, ledger in enumerate(rules.ledgers, start=1):
        missing = sorted(set(ledger.columns) - set(COLUMNS[ledger.source]))
        if missing or not ledger.columns:
            cause = f"no column {', '.join(missing)}" if missing else "no columns"
            raise Invalid("LEDGER_RULES_INVALID", field=f"ledgers[{at}].columns", cause=cause)
        if ledger.code in known:
            cause = f"{ledger.code} twice"
            raise Invalid("LEDGER_RULES_INVALID", field=f"ledgers[{at}].code", cause=cause)
        known.add(ledger.code)
    return rules


async def rules_of(ctx: Context) -> Rules:
    """The tenant's ledgers; none where its package has no ``ledgers.toml``."""
    stored = await ctx.data.fetchval("SELECT definition::text FROM core.ledger_rules")
    return NO_RULES if stored is None else read_rules(json.loads(stored))
