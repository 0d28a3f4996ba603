"""Rules of meetings (例会制度) as data: what ``meetings.toml`` of a tenant's package says.

A tenant without the file has no series: nothing is planned, and nothing may be.
"""

import json
from collections.abc import Mapping
from datetime import time
from typing import Annotated, Any

import msgspec

from jingwei_core.events.deadlines import TimeLimit
from jingwei_core.rule_files import read_rule_file
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Invalid

NEVER = 0
Weekday = Annotated[int, msgspec.Meta(ge=1, le=7)]
Count = Annotated[int, msgspec.Meta(ge=0, le=520)]


class AgendaRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which open events of the place and below go on the agenda by themselves.

    An event goes on it for any of these reasons: its state is one of ``states``, its kind begins
    with one of ``kinds``, its limit has passed (``overdue``), or it was reported upward
    (``reported_up``, 双报告). Chiefs may put any other on it by hand.
    """

    states: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    overdue: bool = False
    reported_up: bool = False


class Series(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A series of meetings (例会): one at each place of ``level``, every week on ``weekday`` (ISO,
    Monday 1) at ``time``; on a day of rest it moves to the next working day.

    ``chair`` is a role held at the place. Expected are the holders of the roles ``expected`` at the
    place and below it, and with ``seconded`` those who are seconded there. ``limit`` is that of a
    decision which names none. An unsolved item that was carried ``carry_at_most`` times is for the
    chair to take over in person (亲自督办); 0 for never.
    """

    code: str
    name_zh: str
    name_en: str
    level: str
    weekday: Weekday
    time: time
    chair: str
    expected: tuple[str, ...] = ()
    seconded: bool = False
    carry_at_most: Count = NEVER
    limit: TimeLimit | None = None
    agenda: AgendaRule = AgendaRule()

    def roles(self) -> tuple[str, ...]:
        """The roles whose holders are expected, the chair's first."""
        return (self.chair, *(role for role in self.expected if role != self.chair))

    def name(self, language: str) -> str:
        """What the series is called."""
        return self.name_en if language == "en" else self.name_zh


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    source: str = ""
    series: tuple[Series, ...] = ()

    def document(self) -> dict[str, Any]:
        """The rules as they are stored; :func:`read_rules` reads them back."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built

    def of(self, code: str) -> Series:
        """The series; raises ``Invalid`` (``MEETING_SERIES_UNKNOWN``)."""
        for series in self.series:
            if series.code == code:
                return series
        raise Invalid("MEETING_SERIES_UNKNOWN", field="series", series=code)


NO_RULES = Rules()


def read_rules(document: Mapping[str, Any]) -> Rules:
    """The rules in a TOML or JSON document.

    Raises ``Invalid`` (``MEETING_RULES_INVALID``) with the field and the cause.
    """
    rules = read_rule_file(document, Rules, "MEETING_RULES_INVALID")
    codes = [series.code for series in rules.series]
    twice = next((code for code in codes if codes.count(code) > 1), None)
    if twice is not None:
        raise Invalid("MEETING_RULES_INVALID", field="series", cause=f"{twice} twice")
    return rules


async def rules_of(ctx: Context) -> Rules:
    """The tenant's rules; none where its package has no ``meetings.toml``."""
    stored = await ctx.data.fetchval("SELECT definition::text FROM core.meeting_rules")
    return NO_RULES if stored is None else read_rules(json.loads(stored))
