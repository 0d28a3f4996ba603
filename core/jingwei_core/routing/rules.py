"""Rules of routing (分流督办规则) as a tenant's package says them, in files of ``events/``."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from jingwei_core.events.work_clock import TimeUnit


class HandlingType(StrEnum):
    """The four handling types (四种处理机制)."""

    GENERAL = "general"
    COORDINATED = "coordinated"
    EMERGENCY = "emergency"
    APPROVAL = "approval"


@dataclass(frozen=True, slots=True)
class RouteRow:
    """A route (分流规则); ``kind`` is empty for any, and so are ``level`` and ``place``."""

    kind: str
    level: str
    place: str
    department: str


@dataclass(frozen=True, slots=True)
class HandlingRow:
    """The workflow of a handling type (处理机制)."""

    handling: HandlingType
    kind: str
    workflow: str


@dataclass(frozen=True, slots=True)
class RungRow:
    """A rung of the ladder (升级阶梯), so long after the limit; ``answer_amount`` 0 is no date."""

    kind: str
    state: str
    rung: int
    amount: Decimal
    unit: TimeUnit
    whom: str
    does: str
    answer_amount: Decimal
    answer_unit: str


@dataclass(frozen=True, slots=True)
class ExtensionRow:
    """How often, and by how much at a time, limits may be extended (延期规则)."""

    kind: str
    most: int
    amount: Decimal
    unit: TimeUnit


@dataclass(frozen=True, slots=True)
class RoutingRules:
    """All of them; a package may leave any out."""

    routes: tuple[RouteRow, ...] = ()
    handlings: tuple[HandlingRow, ...] = ()
    rungs: tuple[RungRow, ...] = ()
    extensions: tuple[ExtensionRow, ...] = ()


NO_ROUTING = RoutingRules()
