"""Reaching staff (联系方式): a work phone that reads masked, and is revealed to who says why."""

import re
from typing import Annotated

import msgspec

from jingwei_core.access.guards import check_may_manage, check_may_reveal
from jingwei_core.access.records import ACCOUNT
from jingwei_core.access.tables import Account
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Invalid
from jingwei_sdk.personal import Revealed, RevealPurpose, refuse_masked, revealed

Phone = Annotated[str, msgspec.Meta(max_length=30, description="Mainland mobile; +86 may lead.")]

# 电信网编号计划 (工信部 2017): mobile numbers of the mainland have 11 digits, the first is 1.
_MOBILE = re.compile(r"(?:\+86|0086)?(1[3-9][0-9]{9})")
# What every mail server takes: no quoted names, no comments (RFC 5321 §4.1.2, RFC 1035 §2.3.1).
_MAILBOX = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}")
_SPACING = re.compile(r"[\s-]")


class NewPhone(msgspec.Struct, frozen=True):
    """The phone of an account; null takes it away."""

    phone: Phone | None


class NewEmail(msgspec.Struct, frozen=True):
    """The e-mail address of an account; null takes it away."""

    email: Annotated[str, msgspec.Meta(max_length=254)] | None


@command("account.set-phone", permission="account.manage", on=ACCOUNT)
async def set_phone(ctx: Context, target: Account, new: NewPhone) -> Account:
    """设置联系电话: set or remove the phone on which an account is reached on duty."""
    await check_may_manage(ctx, target.id)
    stored = await ctx.data.update(target, phone=checked_phone(new.phone))
    await ctx.signals.changed("Account", stored.id, None)
    return stored


@command("account.reveal-phone", permission="staff.reveal", on=ACCOUNT, reveals="phone")
async def reveal_phone(ctx: Context, target: Account, why: RevealPurpose) -> Revealed:
    """查看联系电话: the phone in clear for 60 seconds; the purpose goes into the audit log."""
    await check_may_reveal(ctx, target.id)
    return revealed(target.phone, ctx.clock.now())


@command("account.set-email", permission="account.manage", on=ACCOUNT)
async def set_email(ctx: Context, target: Account, new: NewEmail) -> Account:
    """设置工作邮箱: set or remove the address to which an account's notifications are sent."""
    await check_may_manage(ctx, target.id)
    stored = await ctx.data.update(target, email=checked_email(new.email))
    await ctx.signals.changed("Account", stored.id, None)
    return stored


@command("account.reveal-email", permission="staff.reveal", on=ACCOUNT, reveals="email")
async def reveal_email(ctx: Context, target: Account, why: RevealPurpose) -> Revealed:
    """查看工作邮箱: the address in clear for 60 seconds; the purpose goes into the audit log."""
    await check_may_reveal(ctx, target.id)
    return revealed(target.email, ctx.clock.now())


def checked_email(given: str | None) -> str | None:
    """The address without spaces around it, its domain in lower case.

    Raises ``Invalid``: ``MASKED_VALUE_WRITTEN`` for an address that was masked, ``EMAIL_INVALID``.
    """
    if given is None:
        return None
    refuse_masked(Account.PERSONAL["email"], given, "email")
    name, at, domain = given.strip().rpartition("@")
    if not (at and _MAILBOX.fullmatch(name) and _DOMAIN.fullmatch(domain)):
        raise Invalid("EMAIL_INVALID", field="email")
    return f"{name}@{domain.lower()}"


def checked_phone(given: str | None) -> str | None:
    """The number as 11 digits.

    Raises ``Invalid``: ``MASKED_VALUE_WRITTEN`` for a number that was masked, ``PHONE_INVALID``.
    """
    if given is None:
        return None
    refuse_masked(Account.PERSONAL["phone"], given, "phone")
    found = _MOBILE.fullmatch(_SPACING.sub("", given))
    if found is None:
        raise Invalid("PHONE_INVALID", field="phone")
    return found[1]


COMMANDS = (set_phone, reveal_phone, set_email, reveal_email)
