"""Rules of public reports (公众上报规则) as data: ``public.toml`` of a tenant's package.

A tenant without the file takes no reports of the public. The numbers below are the platform's own
defaults: no document sets them.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from jingwei_core.presence.often import LOOKS_PER_MINUTE, PHOTOS_PER_HOUR, USES_PER_HOUR
from jingwei_core.rule_files import read_rule_file
from jingwei_sdk.context import Context
from jingwei_sdk.errors import NotFound
from jingwei_sdk.presence import MOST_PHOTOS

Code = Annotated[str, msgspec.Meta(pattern=r"\S", max_length=200)]
Words = Annotated[str, msgspec.Meta(max_length=1000)]
Often = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often: by the prefix of an address (IPv4 /24, IPv6 /56), in the whole tenant, by code."""

    reports_per_hour: Often = 20
    """Reports sent from one prefix."""
    reports_per_day: Often = 2000
    """Reports in the whole tenant."""
    photos_per_hour: Often = PHOTOS_PER_HOUR
    """Photos from one prefix."""
    looks_per_minute: Often = LOOKS_PER_MINUTE
    """Tracking codes tried, and what is done with them, from one prefix."""
    uses_per_hour: Often = USES_PER_HOUR
    """Uses of one tracking code."""
    searches_per_minute: Often = 60
    """Places looked for from one prefix."""


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    source: str = ""
    enabled: bool = False
    kind: str = ""
    """The general kind of what the resident does not classify."""
    kinds: tuple[Code, ...] = ()
    """Kinds that may be chosen; ``kind`` may be chosen too."""
    levels: tuple[Code, ...] = ()
    """Levels whose places may be chosen; none for those where events are captured."""
    notice_zh: Words = ""
    notice_en: Words = ""
    """What stands above the form, for example which number to call in an emergency."""
    photos: Annotated[int, msgspec.Meta(ge=1, le=MOST_PHOTOS)] = MOST_PHOTOS
    """How many photos a report may have."""
    contact_days: Annotated[int, msgspec.Meta(ge=0, le=365)] = 30
    """A contact is removed so many days after the event was closed."""
    contact_longest_days: Annotated[int, msgspec.Meta(ge=1, le=730)] = 365
    """And in any case so many days after it was left, closed or not."""
    reopen: str = ""
    """The action by which a resident has a closed event reopened; none where it is empty. It has to
    be guarded by ``within``."""
    reopen_most: Annotated[int, msgspec.Meta(ge=1, le=20)] = 3
    fill_seconds: Annotated[int, msgspec.Meta(ge=0, le=60)] = 3
    """Nobody fills the form in faster."""
    form_hours: Annotated[int, msgspec.Meta(ge=1, le=72)] = 12
    """For so long a form that was opened may be sent."""
    limits: Limits = Limits()

    @property
    def choices(self) -> tuple[str, ...]:
        """The codes of the kinds that a resident may name, the general one last."""
        return (*(code for code in self.kinds if code != self.kind), self.kind)

    def document(self) -> dict[str, Any]:
        """The rules as they are stored; :func:`read_rules` reads them back."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built


OFF = Rules()
"""No reports of the public."""


def read_rules(document: Mapping[str, Any]) -> Rules:
    """The rules in a TOML or JSON document.

    Raises ``Invalid`` (``PUBLIC_REPORT_RULES_INVALID``) with the field and the cause.
    """
    return read_rule_file(document, Rules, "PUBLIC_REPORT_RULES_INVALID")


async def rules_of(ctx: Context) -> Rules:
    """The tenant's rules, if it takes reports of the public.

    Raises ``NotFound`` (``PUBLIC_REPORT_OFF``) otherwise.
    """
    stored = await ctx.data.fetchval("SELECT definition::text FROM core.public_report_rules")
    rules = OFF if stored is None else read_rules(json.loads(stored))
    if not rules.enabled:
        raise NotFound("PUBLIC_REPORT_OFF")
    return rules
