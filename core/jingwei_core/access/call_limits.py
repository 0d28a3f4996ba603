"""Limits on calls (调用限额): how much one operation, and one account in a minute, may ask for.

A role and a tenant may each state some of them; what nobody states comes from the deployment's
settings. The API works out what holds for a caller.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from jingwei_sdk.errors import Invalid

RANGES: Mapping[str, tuple[int, int]] = {
    "max_cost": (100, 10_000_000),
    "max_rows": (100, 1_000_000),
    "max_depth": (3, 50),
    "max_aliases": (0, 2_000),
    "max_root_fields": (1, 200),
    "cost_per_minute": (0, 1_000_000_000),
}
"""The smallest and largest value of each limit; ``cost_per_minute`` 0 is no budget."""


class CallLimits(msgspec.Struct, frozen=True):
    """What a role or a tenant states; ``None`` is not stated."""

    max_cost: int | None = None
    max_rows: int | None = None
    max_depth: int | None = None
    max_aliases: int | None = None
    max_root_fields: int | None = None
    cost_per_minute: int | None = None

    def stated(self) -> dict[str, int]:
        """The stated limits by name, as they are stored."""
        values = msgspec.structs.asdict(self)
        return {name: value for name, value in values.items() if value is not None}


UNSTATED = CallLimits()


def checked_limits(stated: Mapping[str, Any]) -> CallLimits:
    """The limits that a role or tenant states.

    Raises ``Invalid``: ``LIMIT_UNKNOWN``, ``LIMIT_OUT_OF_RANGE``.
    """
    for name, value in stated.items():
        if name not in RANGES:
            raise Invalid("LIMIT_UNKNOWN", field=f"limits.{name}", name=name, known=_known())
        low, high = RANGES[name]
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise Invalid(
                "LIMIT_OUT_OF_RANGE", field=f"limits.{name}", value=value, low=low, high=high
            )
    return CallLimits(**stated)


def stored_limits(stored: Mapping[str, Any]) -> CallLimits:
    """What was stored; names of a newer version are left out, for a limit that is not understood
    must not lock a city out."""
    return CallLimits(**{name: value for name, value in stored.items() if name in RANGES})


def _known() -> str:
    return ", ".join(RANGES)
