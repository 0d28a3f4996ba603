"""Secondments, certificates, shifts (下派, 证件, 值班): who may do which work, where and when."""

import uuid
from datetime import date, datetime
from typing import Annotated

import msgspec

from jingwei_core.access.guards import check_not_oneself, hold_policy
from jingwei_core.access.loading import ACTIVE
from jingwei_core.access.tables import Account
from jingwei_core.workforce.records import CERTIFICATE, DUTY_SHIFT, SECONDMENT
from jingwei_core.workforce.rules import named, rules_of
from jingwei_core.workforce.tables import Certificate, DutyShift, Secondment
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, Invalid
from jingwei_sdk.personal import refuse_masked

AccountId = Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Account"})]
PlaceId = Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Place"})]
DepartmentId = Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Department"})]
Name = Annotated[str, msgspec.Meta(pattern=r"\S", max_length=200)]
Weekdays = Annotated[list[int], msgspec.Meta(max_length=7, description="ISO: Monday 1, Sunday 7.")]

_IS_MEMBER = """
SELECT EXISTS (SELECT 1 FROM core.post
 WHERE account = $1 AND department = $2 AND covers IS NULL AND (valid_to IS NULL OR valid_to > $3))
"""
_SHARES_DAYS = """
SELECT EXISTS (SELECT 1 FROM core.secondment
 WHERE account = $1 AND weekdays && $2::integer[]
   AND valid_from < coalesce($4::date, 'infinity') AND coalesce(valid_to, 'infinity') > $3::date)
"""
_MEETS = """
SELECT EXISTS (SELECT 1 FROM core.duty_shift
        WHERE account = $1 AND cancelled_at IS NULL AND begins_at < $3 AND ends_at > $2) AS on_duty,
       EXISTS (SELECT 1 FROM core.leave
        WHERE account = $1 AND state IN ('requested', 'approved')
          AND begins_at < $3 AND ends_at > $2) AS away
"""


class NewSecondment(msgspec.Struct, frozen=True):
    """A secondment to declare: on ``weekdays`` the account serves at the place, on the others of
    the week at home ("4+1": four days there, one at home); for ``[valid_from, valid_to)``."""

    account_id: AccountId
    department_id: DepartmentId
    place_id: PlaceId
    weekdays: Weekdays
    valid_from: date | None = None
    valid_to: date | None = None


class SecondmentEnd(msgspec.Struct, frozen=True):
    """The first day on which it no longer holds; today unless said otherwise."""

    on: date | None = None


class NewCertificate(msgspec.Struct, frozen=True):
    """A certificate to enter, valid for ``[valid_from, valid_to)``."""

    account_id: AccountId
    kind: str
    number: Name
    issuer: Name
    valid_from: date
    valid_to: date | None = None


class CertificateWithdrawal(msgspec.Struct, frozen=True):
    """Why a certificate no longer counts, from today on."""

    reason: Name


class NewShift(msgspec.Struct, frozen=True):
    """A shift to enter in the roster, for ``[begins_at, ends_at)``."""

    place_id: PlaceId
    account_id: AccountId
    duty: str
    begins_at: datetime
    ends_at: datetime


@command("secondment.declare", permission="secondment.manage", at="place_id", returns=SECONDMENT)
async def declare_secondment(ctx: Context, new: NewSecondment) -> Secondment:
    """下派: say on which days of the week somebody of a department serves at a place."""
    weekdays = sorted(set(new.weekdays))
    if not weekdays or len(weekdays) < len(new.weekdays) or not {*weekdays} <= set(range(1, 8)):
        raise Invalid("SECONDMENT_WEEKDAYS", field="weekdays")
    begins = new.valid_from or ctx.today()
    _check_days(begins, new.valid_to)
    await _active(ctx, new.account_id)
    # One after the other: two overlapping ones cannot each find the days free.
    await hold_policy(ctx)
    if not await ctx.data.fetchval(_IS_MEMBER, new.account_id, new.department_id, ctx.clock.now()):
        raise Conflict("SECONDMENT_NOT_MEMBER", field="departmentId")
    if await ctx.data.fetchval(_SHARES_DAYS, new.account_id, weekdays, begins, new.valid_to):
        raise Conflict("SECONDMENT_OVERLAPS", field="weekdays")
    stored = await ctx.data.insert(
        Secondment(
            account=new.account_id,
            department=new.department_id,
            place_id=new.place_id,
            weekdays=weekdays,
            valid_from=begins,
            valid_to=new.valid_to,
        )
    )
    await ctx.signals.changed("Secondment", stored.id, stored.place_path)
    return stored


@command("secondment.end", permission="secondment.manage", on=SECONDMENT)
async def end_secondment(ctx: Context, target: Secondment, end: SecondmentEnd) -> Secondment:
    """结束下派: it no longer holds from a day on."""
    on, ends = end.on or ctx.today(), target.valid_to
    if on < ctx.today():
        raise Invalid("SECONDMENT_END_PAST", field="on")
    if _is_over(ends, on):
        raise Conflict("SECONDMENT_ENDED")
    stored = await ctx.data.update(target, valid_to=max(on, target.valid_from))
    await ctx.signals.changed("Secondment", stored.id, stored.place_path)
    return stored


@command("certificate.add", permission="certificate.manage", tenant_wide=True, returns=CERTIFICATE)
async def add_certificate(ctx: Context, new: NewCertificate) -> Certificate:
    """登记证件: enter what entitles somebody else to a kind of work."""
    check_not_oneself(ctx, new.account_id)
    rules = await rules_of(ctx)
    if named(rules.certificates, new.kind) is None:
        raise Invalid("CERTIFICATE_KIND_UNKNOWN", field="kind", kind=new.kind)
    _check_days(new.valid_from, new.valid_to)
    refuse_masked(Certificate.PERSONAL["number"], new.number, "number")
    await ctx.data.get(Account, new.account_id)
    stored = await ctx.data.insert(
        Certificate(
            account=new.account_id,
            kind=new.kind,
            number=new.number.strip(),
            issuer=new.issuer.strip(),
            valid_from=new.valid_from,
            valid_to=new.valid_to,
        )
    )
    await ctx.signals.changed("Certificate", stored.id, None)
    return stored


@command("certificate.withdraw", permission="certificate.manage", on=CERTIFICATE)
async def withdraw_certificate(
    ctx: Context, target: Certificate, given: CertificateWithdrawal
) -> Certificate:
    """注销证件: it counts no longer from today on; the row stays."""
    check_not_oneself(ctx, _uuid(target.account))
    withdrawn: date | None = target.withdrawn_on
    if withdrawn is not None:
        raise Conflict("CERTIFICATE_WITHDRAWN")
    stored = await ctx.data.update(
        target, withdrawn_on=ctx.today(), withdrawn_because=given.reason.strip()
    )
    await ctx.signals.changed("Certificate", stored.id, None)
    return stored


@command("duty.assign", permission="duty.manage", at="place_id", returns=DUTY_SHIFT)
async def assign_duty(ctx: Context, new: NewShift) -> DutyShift:
    """排班: put somebody on the duty roster of a place."""
    rules = await rules_of(ctx)
    if named(rules.duties, new.duty) is None:
        raise Invalid("DUTY_UNKNOWN", field="duty", duty=new.duty)
    for field, instant in (("beginsAt", new.begins_at), ("endsAt", new.ends_at)):
        if instant.tzinfo is None:
            raise Invalid("INSTANT_NAIVE", field=field)
    if new.begins_at >= new.ends_at:
        raise Invalid("DUTY_INTERVAL", field="endsAt")
    if new.ends_at <= ctx.clock.now():
        raise Invalid("DUTY_PAST", field="endsAt")
    await _active(ctx, new.account_id)
    await hold_policy(ctx)
    (met,) = await ctx.data.fetch(_MEETS, new.account_id, new.begins_at, new.ends_at)
    if met["on_duty"]:
        raise Conflict("DUTY_OVERLAPS", field="beginsAt")
    if met["away"]:
        raise Conflict("DUTY_ON_LEAVE", field="accountId")
    stored = await ctx.data.insert(
        DutyShift(
            account=new.account_id,
            place_id=new.place_id,
            duty=new.duty,
            begins_at=new.begins_at,
            ends_at=new.ends_at,
        )
    )
    await ctx.signals.changed("DutyShift", stored.id, stored.place_path)
    return stored


@command("duty.cancel", permission="duty.manage", on=DUTY_SHIFT)
async def cancel_duty(ctx: Context, target: DutyShift) -> DutyShift:
    """取消值班: take a shift that is not over off the roster."""
    cancelled: datetime | None = target.cancelled_at
    now = ctx.clock.now()
    if cancelled is not None or target.ends_at <= now:
        raise Conflict("DUTY_OVER")
    stored = await ctx.data.update(target, cancelled_at=now)
    await ctx.signals.changed("DutyShift", stored.id, stored.place_path)
    return stored


async def _active(ctx: Context, account_id: uuid.UUID) -> None:
    account = await ctx.data.get(Account, account_id)
    if account.status != ACTIVE:
        raise Conflict("ACCOUNT_SUSPENDED", field="accountId", name=account.name)


def _check_days(begins: date, ends: date | None) -> None:
    if ends is not None and ends <= begins:
        raise Invalid("VALID_DAYS", field="validTo")


def _is_over(ends: date | None, on: date) -> bool:
    return ends is not None and ends <= on


def _uuid(value: object) -> uuid.UUID:
    assert isinstance(value, uuid.UUID)
    return value


COMMANDS = (
    declare_secondment,
    end_secondment,
    add_certificate,
    withdraw_certificate,
    assign_duty,
    cancel_duty,
)
