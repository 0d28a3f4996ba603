"""Workforce (人员在岗): who is away and who covers, who is seconded where, certificates, shifts."""

from piccolo.columns import JSONB, Array, Date, Integer, Text, Timestamptz
from piccolo.columns.base import OnDelete

from jingwei_core.access.tables import DUTY, LEAVING, Account, Department
from jingwei_core.workforce.states import LeaveState
from jingwei_sdk.personal import Mask, Personal, Sensitivity
from jingwei_sdk.tables import PlacedTable, TenantFK, TenantTable, choice


class WorkforceRules(TenantTable, tablename="workforce_rules", schema="core"):
    """在岗规则: one row a tenant; what its package says in ``workforce.toml``."""

    UNIQUE = ((),)
    IS_SMALL = True

    definition = JSONB(default=None, null=False, help_text="reads as workforce.toml")


class Leave(PlacedTable, tablename="leave", schema="core"):
    """请假: an account is away for ``[begins_at, ends_at)`` and another one stands in (顶岗).

    ``place_id`` is where the one who is away is on duty: it says whose approval is needed.
    """

    INDEXES = (("account", "ends_at"), ("substitute", "ends_at"))
    PERSONAL = {
        "reason": Personal(
            "批准请假",
            "deciding on a leave",
            DUTY,
            Sensitivity.SENSITIVE,
            "P1Y",
            counted_from="假期结束之日 end of the leave",
            unmasked_because="only for holders of leave.approve where the person is on duty",
        )
    }

    account = TenantFK(Account, null=False, on_delete=OnDelete.cascade)
    kind = Text(default=None, null=False, help_text="a kind of workforce.toml")
    begins_at = Timestamptz(default=None, null=False)
    ends_at = Timestamptz(default=None, null=False, help_text="earlier after an early return")
    asked_until = Timestamptz(default=None, null=False, help_text="the end as it was asked for")
    substitute = TenantFK(Account, null=False, on_delete=OnDelete.cascade)
    reason = Text(default="", null=False)
    state = choice(LeaveState, LeaveState.REQUESTED)
    approver = TenantFK(Account, null=True, on_delete=OnDelete.set_null)
    decided_at = Timestamptz(default=None, null=True)
    decision_note = Text(default="", null=False)
    closed_at = Timestamptz(default=None, null=True, help_text="reported back (销假)")


class Secondment(PlacedTable, tablename="secondment", schema="core"):
    """下派: an account of a home department serves at a host place on some days of the week."""

    account = TenantFK(Account, null=False, on_delete=OnDelete.cascade)
    department = TenantFK(Department, null=False, on_delete=OnDelete.restrict)
    weekdays = Array(base_column=Integer(), default=list, null=False, help_text="ISO, at the host")
    valid_from = Date(default=None, null=False)
    valid_to = Date(default=None, null=True, help_text="first day it no longer holds")


class Certificate(TenantTable, tablename="certificate", schema="core"):
    """执法证件: what entitles an account to a kind of work, for ``[valid_from, valid_to)``."""

    UNIQUE = (("kind", "number"),)
    PERSONAL = {
        "number": Personal(
            "核验执法资格",
            "proving the right to enforce",
            "行政执法人员持证上岗; " + DUTY,
            Sensitivity.GENERAL,
            "P1Y",
            mask=Mask.TEXT,
            counted_from=LEAVING,
        )
    }

    account = TenantFK(Account, null=False, on_delete=OnDelete.cascade)
    kind = Text(default=None, null=False, help_text="a kind of workforce.toml")
    number = Text(default=None, null=False)
    issuer = Text(default=None, null=False)
    valid_from = Date(default=None, null=False)
    valid_to = Date(default=None, null=True, help_text="first day it no longer holds")
    withdrawn_on = Date(default=None, null=True, help_text="first day it no longer counts")
    withdrawn_because = Text(default="", null=False)


class DutyShift(PlacedTable, tablename="duty_shift", schema="core"):
    """值班: an account is on duty at a place for ``[begins_at, ends_at)``."""

    INDEXES = (("account", "ends_at"),)

    account = TenantFK(Account, null=False, on_delete=OnDelete.cascade)
    duty = Text(default=None, null=False, help_text="a duty of workforce.toml")
    begins_at = Timestamptz(default=None, null=False)
    ends_at = Timestamptz(default=None, null=False)
    cancelled_at = Timestamptz(default=None, null=True)
