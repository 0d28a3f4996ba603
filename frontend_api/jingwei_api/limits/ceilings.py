"""Ceilings (上限): which limits hold for one caller."""

import math
from functools import lru_cache

import msgspec

from jingwei_api.settings import ApiSettings
from jingwei_core.access.call_limits import CallLimits

NO_BUDGET = 0


class Ceiling(msgspec.Struct, frozen=True):
    """The limits of one caller; a budget of 0 a minute is none."""

    max_cost: int
    max_rows: int
    max_depth: int
    max_aliases: int
    max_root_fields: int
    cost_per_minute: int


def default_ceiling(settings: ApiSettings) -> Ceiling:
    """What holds where neither role nor tenant state anything."""
    return Ceiling(
        settings.max_cost,
        settings.max_rows,
        settings.max_depth,
        settings.max_aliases,
        settings.max_root_fields,
        settings.cost_per_minute,
    )


@lru_cache(maxsize=4096)
def ceiling_of(default: Ceiling, tenant: CallLimits, roles: frozenset[CallLimits]) -> Ceiling:
    """The best of the caller's roles, and no more than the tenant may have.

    A role that states nothing has the default; so has a tenant: without a word of whoever runs the
    deployment no role reaches beyond it.
    """

    def best(name: str) -> int:
        usual = getattr(default, name)
        cap = _or(getattr(tenant, name), usual)
        return min(cap, max((_or(getattr(role, name), usual) for role in roles), default=usual))

    def budget() -> int:
        usual = default.cost_per_minute
        cap = _unbounded(_or(tenant.cost_per_minute, usual))
        stated = (_unbounded(_or(role.cost_per_minute, usual)) for role in roles)
        found = min(cap, max(stated, default=_unbounded(usual)))
        return NO_BUDGET if math.isinf(found) else int(found)

    minute = budget()
    cost = best("max_cost")
    return Ceiling(
        # What the budget can never hold could never run.
        cost if minute == NO_BUDGET else min(cost, minute),
        best("max_rows"),
        best("max_depth"),
        best("max_aliases"),
        best("max_root_fields"),
        minute,
    )


def _or(stated: int | None, usual: int) -> int:
    return usual if stated is None else stated


def _unbounded(budget: int) -> float:
    return math.inf if budget == NO_BUDGET else budget
