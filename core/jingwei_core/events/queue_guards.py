"""Guards of the queue (待办守卫): what a workflow asks of who leads on, as conditions on events.

:class:`jingwei_core.events.guarding.GuardBook` judges one event and one actor; these are the same
rules for all events of a queue, as parts of its one statement. What depends on the actor alone is
looked up once in a statement, not for each event.
"""

import uuid
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from jingwei_core.events.guarding import DUTY_COLUMNS
from jingwei_core.events.work_clock import WorkClock
from jingwei_core.events.workflow_guards import (
    ON_STANDING,
    AcknowledgedGuard,
    CertificateGuard,
    DepartmentGuard,
    Guard,
    OtherThanGuard,
    PostGuard,
    RoleGuard,
    Since,
    TasksDoneGuard,
    WithinGuard,
)
from jingwei_core.events.workflow_walk import ASSIGNED
from jingwei_sdk.context import Actor
from jingwei_sdk.narrowing import AnyOf, AtLeast, Condition, Equal, OneOf, Written

NEVER = AnyOf(())
LONGEST_WINDOW = timedelta(days=3660)
"""Windows that began longer ago are over."""
_HELD = """
{row}.place_path ^@ ANY (ARRAY(
SELECT held.place_path FROM core.post AS held
  JOIN core.role AS role ON role.tenant_id = held.tenant_id AND role.id = held.role
  JOIN core.place AS place ON place.tenant_id = held.tenant_id AND place.id = held.place_id
  JOIN core.place_level AS level ON level.tenant_id = place.tenant_id AND level.code = place.level
 WHERE held.account = {me}::uuid AND role.code = ANY({roles}::text[])
   AND held.valid_from <= {now}::timestamptz
   AND (held.valid_to IS NULL OR held.valid_to > {now}::timestamptz)"""
_ROLE = f"{_HELD}))"
_POST = f"""{_HELD}
   AND level.rank <= (
       SELECT asked.rank FROM core.place_level AS asked WHERE asked.code = {{level}}::text)))"""
_DEPARTMENT = """
EXISTS (SELECT 1 FROM core.department AS mine
 WHERE mine.code = {department}::text AND mine.id = ANY({departments}::uuid[]))"""
# As jingwei_core.workforce.certificates answers the port of events.
_CERTIFICATE = """
EXISTS (SELECT 1 FROM core.certificate AS held
 WHERE held.account = {me}::uuid AND held.kind = {kind}::text AND held.valid_from <= {today}::date
   AND (held.valid_to IS NULL OR held.valid_to > {today}::date)
   AND (held.withdrawn_on IS NULL OR held.withdrawn_on > {today}::date))"""
# As jingwei_core.routing.reports_up answers the port of events.
_ACKNOWLEDGED = """
NOT EXISTS (SELECT 1 FROM core.event_report_up AS sent
 WHERE sent.event = {row}.id AND sent.acknowledged_at IS NULL)"""


@dataclass(frozen=True, slots=True)
class Standing:
    """Who asks for a queue, and when by the tenant's clock and calendar."""

    actor: Actor
    now: datetime
    today: date
    clock: Callable[[], WorkClock]
    """Asked for only where a guard has a window: a tenant may be without a calendar."""


def on_standing(guards: Sequence[Guard]) -> tuple[Guard, ...]:
    """Those of the guards that do not depend on what a step brings."""
    return tuple(guard for guard in guards if isinstance(guard, ON_STANDING))


def conditions_of(guards: Sequence[Guard], standing: Standing) -> tuple[Condition, ...]:
    """The conditions on ``Event`` under which the guards let the actor through."""
    return tuple(_condition(guard, standing) for guard in guards)


def _condition(guard: Guard, standing: Standing) -> Condition:
    match guard:
        case TasksDoneGuard():
            return Equal("open_tasks", 0)
        case AcknowledgedGuard():
            return Written(_ACKNOWLEDGED)
        case WithinGuard():
            # What is open was not closed, or is open again.
            return NEVER if guard.since is Since.CLOSED else _since(guard, standing)
        case DepartmentGuard(department=department) if department == ASSIGNED:
            return OneOf("assigned_department", tuple(standing.actor.department_ids))
    return _personal(guard, standing)


def _personal(guard: Guard, standing: Standing) -> Condition:
    me: uuid.UUID | None = standing.actor.account_id
    match guard:
        case RoleGuard():
            return Written(_ROLE, {"me": me, "roles": list(guard.roles), "now": standing.now})
        case PostGuard():
            values = {"me": me, "roles": list(guard.roles), "now": standing.now}
            return Written(_POST, {**values, "level": guard.level})
        case DepartmentGuard():
            mine = list(standing.actor.department_ids)
            return Written(_DEPARTMENT, {"department": guard.department, "departments": mine})
        case CertificateGuard():
            return Written(_CERTIFICATE, {"me": me, "kind": guard.kind, "today": standing.today})
        case OtherThanGuard():
            column = DUTY_COLUMNS[guard.duty]
            return Written(f"{{row}}.{column} IS DISTINCT FROM {{me}}::uuid", {"me": me})
    raise AssertionError(guard)


def _since(guard: WithinGuard, standing: Standing) -> Condition:
    """Registered so late that the window is open: it ends the later the later it began."""
    amount, now = Decimal(str(guard.amount)), standing.now
    begin, clock = now - LONGEST_WINDOW, standing.clock()
    seconds = range(int(LONGEST_WINDOW.total_seconds()) + 1)

    def is_open(second: int) -> bool:
        registered = begin + timedelta(seconds=second)
        return now <= clock.add(registered, amount, guard.unit)

    first = bisect_left(seconds, 1, key=is_open)
    return AtLeast("created_at", begin + timedelta(seconds=first))
