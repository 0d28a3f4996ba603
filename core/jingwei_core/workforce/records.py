"""How the workforce is read."""

from collections.abc import Mapping, Sequence
from typing import Any

from jingwei_core.workforce.states import LeaveState
from jingwei_core.workforce.tables import (
    Certificate,
    DutyShift,
    Leave,
    Secondment,
    WorkforceRules,
)
from jingwei_sdk.context import Context
from jingwei_sdk.records import AtPlace, Computed, OfDepartment, One, OwnedBy, Record, TenantWide

Rows = Sequence[Mapping[str, Any]]


async def is_covering_now(ctx: Context, rows: Rows) -> list[bool]:
    """Whether the substitute stands in at this instant."""
    now = ctx.clock.now()
    return [
        row["state"] == LeaveState.APPROVED and row["begins_at"] <= now < row["ends_at"]
        for row in rows
    ]


async def is_at_host_today(ctx: Context, rows: Rows) -> list[bool]:
    """Whether the person serves at the host place on the tenant's day, and not at home ("4+1")."""
    today = ctx.today()
    return [
        row["valid_from"] <= today
        and (row["valid_to"] is None or today < row["valid_to"])
        and today.isoweekday() in row["weekdays"]
        for row in rows
    ]


async def is_valid_today(ctx: Context, rows: Rows) -> list[bool]:
    """Whether the certificate entitles to anything on the tenant's day."""
    today = ctx.today()
    return [
        row["valid_from"] <= today
        and all(end is None or today < end for end in (row["valid_to"], row["withdrawn_on"]))
        for row in rows
    ]


WORKFORCE_RULES = Record(
    WorkforceRules,
    read="department.read",
    scope=(TenantWide(),),
    plural="workforceRulesInForce",
    description="Kinds of leave, who approves whose, certificates and duties (在岗规则).",
)
LEAVE = Record(
    Leave,
    read="leave.read",
    scope=(AtPlace(), OwnedBy("account"), OwnedBy("substitute")),
    plural="leaves",
    filters=("account", "substitute", "state", "kind", "place_id", "begins_at", "ends_at"),
    sort=("begins_at", "created_at"),
    hidden=frozenset({"place_path"}),
    guarded={"reason": "leave.approve"},
    relations={
        "account": One("account", "Account"),
        "substitute": One("substitute", "Account"),
        "approver": One("approver", "Account"),
        "place": One("place_id", "Place"),
    },
    computed={
        "is_covering_now": Computed(
            bool,
            ("state", "begins_at", "ends_at"),
            is_covering_now,
            description="the substitute stands in at this instant",
        )
    },
)
SECONDMENT = Record(
    Secondment,
    read="staff.read",
    scope=(AtPlace(), OwnedBy("account"), OfDepartment("department")),
    filters=("account", "department", "place_id", "valid_from", "valid_to"),
    sort=("valid_from", "created_at"),
    hidden=frozenset({"place_path"}),
    relations={
        "account": One("account", "Account"),
        "department": One("department", "Department"),
        "place": One("place_id", "Place"),
    },
    computed={
        "is_at_host_today": Computed(
            bool,
            ("weekdays", "valid_from", "valid_to"),
            is_at_host_today,
            description="at the host place today, not at home",
        )
    },
)
CERTIFICATE = Record(
    Certificate,
    read="certificate.read",
    scope=(TenantWide(),),
    filters=("account", "kind", "valid_from", "valid_to"),
    sort=("valid_from", "created_at"),
    relations={"account": One("account", "Account")},
    computed={
        "is_valid_today": Computed(
            bool,
            ("valid_from", "valid_to", "withdrawn_on"),
            is_valid_today,
            description="entitles to its kind of work today",
        )
    },
)
DUTY_SHIFT = Record(
    DutyShift,
    read="staff.read",
    scope=(AtPlace(), OwnedBy("account")),
    filters=("account", "duty", "place_id", "begins_at", "ends_at"),
    sort=("begins_at", "created_at"),
    hidden=frozenset({"place_path"}),
    relations={"account": One("account", "Account"), "place": One("place_id", "Place")},
)

RECORDS = (WORKFORCE_RULES, LEAVE, SECONDMENT, CERTIFICATE, DUTY_SHIFT)
