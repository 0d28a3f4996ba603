"""What ``patrols.toml`` of a tenant's package says: plans, topics of visits, levels of need.

The levels and their cadence are the tenant's, each with the rule that it relies on.
"""

import json
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

import msgspec

from jingwei_core.patrols.states import Per, VisitPer
from jingwei_core.rule_files import read_rule_file
from jingwei_core.workforce.rules import Named
from jingwei_sdk.context import Context

MOST_TIMES = 50
FORCED_PHOTOS = "forced_photos"
"""The practice that has to be switched on, with its rule, before a plan may ask for photos: 国办函
〔2026〕12号 forbids forced uploads that are not needed."""

Times = Annotated[int, msgspec.Meta(ge=1, le=MOST_TIMES)]
Classes = Annotated[
    tuple[Annotated[str, msgspec.Meta(pattern=r"\S", max_length=60)], ...],
    msgspec.Meta(max_length=50),
]
RemindDays = Annotated[int, msgspec.Meta(ge=0, le=14)] | None
Text = Annotated[str, msgspec.Meta(pattern=r"\S", max_length=200)]

_SWITCHED_ON = "SELECT true FROM core.practice_switch WHERE code = $1 AND is_enabled AND rule <> ''"


class NeedLevel(Named, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A level of need (需要等级): visited at least ``times`` in each ``per``.

    ``rule`` names what the level relies on. ``first_days`` is within how many days the first visit
    falls due after the need was entered or its level changed; ``None`` for that of the cadence.
    After ``review_months`` somebody asks whether it is still so.
    """

    per: VisitPer
    rule: Text
    times: Times = 1
    first_days: Annotated[int, msgspec.Meta(ge=0, le=366)] | None = None
    review_months: Annotated[int, msgspec.Meta(ge=1, le=24)] = 12


class VisitRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What visits are about, and who is visited how often."""

    topics: tuple[Named, ...] = ()
    levels: tuple[NeedLevel, ...] = ()

    def document(self) -> dict[str, Any]:
        """The rules as they are stored; :func:`read_rules` reads them back."""
        stored: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        return stored


class Rules(VisitRules, frozen=True, forbid_unknown_fields=True):
    """The tenant's rules as they are stored.

    ``remind_days`` is how many days before a visit falls due, or the last chance of a weekly or
    monthly patrol passes, its people are reminded; ``None``: nobody is.
    """

    remind_days: RemindDays = None


class PackagePoint(Named, frozen=True, forbid_unknown_fields=True):
    """A check point of a package; an empty ``place`` is the plan's."""

    place: str = ""
    look_at: str = ""


class PackagePlan(Named, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A plan of a package; an empty ``place`` is the tenant's root."""

    role: str
    valid_from: date
    valid_to: date | None = None
    place: str = ""
    level: str = ""
    classes: Classes = ()
    times: Times = 1
    per: Per = Per.DAY
    asks_evidence: bool = False
    evidence_rule: str = ""
    check_points: tuple[PackagePoint, ...] = ()


class PatrolFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    source: str = ""
    remind_days: RemindDays = None
    plans: tuple[PackagePlan, ...] = ()
    visits: VisitRules = VisitRules()

    def rules(self) -> Rules:
        """What is stored of it besides the plans."""
        return Rules(self.visits.topics, self.visits.levels, self.remind_days)


NO_RULES = Rules()
NO_PATROLS = PatrolFile()
_REFUSED = "PATROL_RULES_INVALID"


def read_patrol_file(document: Mapping[str, Any]) -> PatrolFile:
    """The file; raises ``Invalid`` (``PATROL_RULES_INVALID``) with the field and the cause."""
    return read_rule_file(document, PatrolFile, _REFUSED)


def read_rules(document: Mapping[str, Any]) -> Rules:
    """What is stored of it; raises as :func:`read_patrol_file`."""
    return read_rule_file(document, Rules, _REFUSED)


async def rules_of(ctx: Context) -> Rules:
    """The tenant's rules; none where its package has no ``patrols.toml``."""
    stored = await ctx.data.fetchval("SELECT definition::text FROM core.patrol_rules")
    return NO_RULES if stored is None else read_rules(json.loads(stored))


async def may_ask_photos(ctx: Context) -> bool:
    """Whether the tenant has switched forced photos on and named the rule it relies on."""
    return bool(await ctx.data.fetchval(_SWITCHED_ON, FORCED_PHOTOS))
