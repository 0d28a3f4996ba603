"""Rules of the workforce (在岗规则) as data: what ``workforce.toml`` of a tenant's package says.

Kinds of leave, who approves whose, kinds of certificates and duties. A tenant without the file has
none of them: whatever would need one is refused.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from jingwei_core.rule_files import read_rule_file
from jingwei_sdk.context import Context

ANYBODY = "*"


class Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A code with its names."""

    code: str
    name_zh: str
    name_en: str


class LeaveKind(Named, frozen=True, forbid_unknown_fields=True):
    """A kind of leave (假别).

    ``ahead_hours`` is how long before its beginning it must be asked for (提前请假), 0 for until it
    begins; ``longest_days`` bounds its length, 0 for no bound.
    """

    ahead_hours: float = 0
    longest_days: float = 0


class Approval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who approves whose leave: of those whose primary post has one of the ``roles`` (``*``: any)
    at a place of ``level`` (empty: any), the ``approver``, a ``role:…`` of the whom-grammar.

    ``told`` hear of an approved one besides (告知), each such a ``role:…`` too.
    """

    roles: tuple[str, ...]
    approver: str
    level: str = ""
    told: tuple[str, ...] = ()

    def concerns(self, role: str, level: str) -> bool:
        """Whether the rule is about a person of that role at a place of that level."""
        return (ANYBODY in self.roles or role in self.roles) and self.level in ("", level)


class LeaveRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How leave is asked for and approved. ``approvals`` are tried in order, the first that
    concerns a person counts. ``covers_at_once`` is how many one substitute may stand in for at a
    time; with ``must_close_first`` nobody asks anew before reporting back (事后销假)."""

    kinds: tuple[LeaveKind, ...] = ()
    approvals: tuple[Approval, ...] = ()
    covers_at_once: int = 1
    must_close_first: bool = True


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    source: str = ""
    leave: LeaveRules = LeaveRules()
    certificates: tuple[Named, ...] = ()
    duties: tuple[Named, ...] = ()

    def document(self) -> dict[str, Any]:
        """The rules as they are stored; :func:`read_rules` reads them back."""
        stored: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        return stored


NO_RULES = Rules()


def read_rules(document: Mapping[str, Any]) -> Rules:
    """The rules in a TOML or JSON document.

    Raises ``Invalid`` (``WORKFORCE_RULES_INVALID``) with the field and the cause.
    """
    return read_rule_file(document, Rules, "WORKFORCE_RULES_INVALID")


async def rules_of(ctx: Context) -> Rules:
    """The tenant's rules; none where its package has no ``workforce.toml``."""
    stored = await ctx.data.fetchval("SELECT definition::text FROM core.workforce_rules")
    return NO_RULES if stored is None else read_rules(json.loads(stored))


def named(known: Iterable[Named], code: str) -> Named | None:
    """The one with this code."""
    return next((each for each in known if each.code == code), None)
