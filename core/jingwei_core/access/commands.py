"""Managing staff: accounts, posts and roles."""

import re
import uuid
from datetime import datetime
from typing import Annotated, Any

import msgspec

from jingwei_core.access.call_limits import checked_limits
from jingwei_core.access.contact import COMMANDS as CONTACT_COMMANDS
from jingwei_core.access.contact import Phone, checked_phone
from jingwei_core.access.guards import (
    administrators,
    check_may_give,
    check_may_manage,
    check_may_staff,
    check_may_widen,
    check_not_oneself,
    check_still_administered,
    hold_policy,
    interval_is_empty,
)
from jingwei_core.access.loading import ACTIVE, SUSPENDED
from jingwei_core.access.passwords import check_new_password, hash_password
from jingwei_core.access.permissions import GRANT
from jingwei_core.access.records import ACCOUNT, POST, ROLE
from jingwei_core.access.tables import Account, Post, Role
from jingwei_core.workforce.cover_posts import follow_post
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, Invalid

Name = Annotated[str, msgspec.Meta(pattern=r"\S", max_length=200)]
Password = Annotated[str, msgspec.Meta(max_length=1024, extra={"secret": True})]
PlaceId = Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Place"})]
AccountId = Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Account"})]
RoleId = Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Role"})]
DepartmentId = Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Department"})]

LOGIN = re.compile(r"[a-z0-9][a-z0-9._@-]{2,63}")
CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")


class NewAccount(msgspec.Struct, frozen=True):
    """An account to create; without a password it cannot sign in until one is set."""

    login: str
    name: Name
    password: Password | None = None
    phone: Phone | None = None


class NewPassword(msgspec.Struct, frozen=True):
    """A password set by an administrator."""

    password: Password


class NewPost(msgspec.Struct, frozen=True):
    """A post to grant; from now on and without an end unless said otherwise."""

    account_id: AccountId
    role_id: RoleId
    place_id: PlaceId
    department_id: DepartmentId | None = None
    is_primary: bool = False
    valid_from: datetime | None = None
    valid_to: datetime | None = None


class PostEnd(msgspec.Struct, frozen=True):
    """When a post ends; now unless said otherwise."""

    at: datetime | None = None


class RoleLimits(msgspec.Struct, frozen=True):
    """Limits on calls that a role states; those left out come from the deployment."""

    max_cost: int | None = None
    max_rows: int | None = None
    max_depth: int | None = None
    max_aliases: int | None = None
    max_root_fields: int | None = None
    cost_per_minute: int | None = None


class RoleContent(msgspec.Struct, frozen=True):
    """A role as it should be; its code says which. Without ``limits`` those it has stay.

    ``version`` is that of the role the change began from: if somebody saved it meanwhile, nothing
    is replaced. Without it the last one to save wins.
    """

    code: str
    name: Name
    permissions: Annotated[list[str], msgspec.Meta(max_length=500)]
    name_en: Annotated[str, msgspec.Meta(max_length=200)] = ""
    version: int | None = None
    limits: RoleLimits | None = None


@command("account.create", permission="account.manage", tenant_wide=True, returns=ACCOUNT)
async def create_account(ctx: Context, new: NewAccount) -> Account:
    """新建账号: create an account, without any post yet."""
    login = new.login.strip().lower()
    if not LOGIN.fullmatch(login):
        raise Invalid("LOGIN_INVALID", field="login")
    password_hash = await _hashed(new.password, login) if new.password is not None else None
    row = Account(
        login=login,
        name=new.name.strip(),
        password_hash=password_hash,
        phone=checked_phone(new.phone),
    )
    stored = await ctx.data.insert(row)
    await ctx.signals.changed("Account", stored.id, None)
    return stored


@command("account.suspend", permission="account.manage", on=ACCOUNT)
async def suspend_account(ctx: Context, target: Account) -> Account:
    """停用账号: it loses every access with its next request, and its sessions end for good."""
    check_not_oneself(ctx, target.id)
    await hold_policy(ctx)
    await check_may_manage(ctx, target.id)
    before = await administrators(ctx)
    stored = await _end_sessions(ctx, target, status=SUSPENDED)
    check_still_administered(before, await administrators(ctx))
    await ctx.signals.changed("Account", stored.id, None)
    return stored


@command("account.resume", permission="account.manage", on=ACCOUNT)
async def resume_account(ctx: Context, target: Account) -> Account:
    """恢复账号: a suspended or locked account may sign in again."""
    await check_may_manage(ctx, target.id)
    await hold_policy(ctx)
    stored = await ctx.data.update(target, status=ACTIVE, failed_count=0, locked_until=None)
    await ctx.signals.changed("Account", stored.id, None)
    return stored


@command("account.set-password", permission="account.manage", on=ACCOUNT)
async def set_password(ctx: Context, target: Account, new: NewPassword) -> Account:
    """重置口令: set a password, lift a lock, and end every session of the account."""
    check_not_oneself(ctx, target.id)
    await check_may_manage(ctx, target.id)
    hashed = await _hashed(new.password, target.login)
    return await _end_sessions(ctx, target, password_hash=hashed, failed_count=0, locked_until=None)


@command("account.sign-out-everywhere", permission="account.manage", on=ACCOUNT)
async def sign_out_account(ctx: Context, target: Account) -> Account:
    """强制下线: end every session of the account."""
    await check_may_manage(ctx, target.id)
    return await _end_sessions(ctx, target)


@command("post.grant", permission="post.manage", at="place_id", returns=POST)
async def grant_post(ctx: Context, new: NewPost) -> Post:
    """任命岗位: give an account a role at a place for ``[valid_from, valid_to)``."""
    check_not_oneself(ctx, new.account_id)
    await hold_policy(ctx)
    role = await ctx.data.get(Role, new.role_id)
    await ctx.data.get(Account, new.account_id)
    start = new.valid_from or ctx.clock.now()
    _check_aware(valid_from=start, valid_to=new.valid_to)
    if interval_is_empty(start, new.valid_to):
        raise Invalid("POST_INTERVAL", field="validTo")
    stored = await ctx.data.insert(
        Post(
            account=new.account_id,
            role=new.role_id,
            place_id=new.place_id,
            department=new.department_id,
            is_primary=new.is_primary,
            valid_from=start,
            valid_to=new.valid_to,
        )
    )
    # Checked on the stored path: the database sets it, whatever the caller named.
    ctx.require("post.manage", stored.place_path)
    check_may_give(ctx, role.permissions, stored.place_path)
    await check_may_staff(ctx, new.department_id)
    await follow_post(ctx, stored)
    await ctx.signals.changed("Post", stored.id, stored.place_path)
    return stored


@command("post.end", permission="post.manage", on=POST)
async def end_post(ctx: Context, target: Post, end: PostEnd) -> Post:
    """免去岗位: the post no longer holds from ``at`` on; it stays in the records."""
    check_not_oneself(ctx, _id(target.account))
    leave: uuid.UUID | None = target.covers
    if leave is not None:
        raise Conflict("POST_COVERS")
    await hold_policy(ctx)
    ctx.require("post.manage", target.place_path)
    role = await ctx.data.get(Role, _id(target.role))
    check_may_give(ctx, role.permissions, target.place_path)
    now = ctx.clock.now()
    at = end.at or now
    _check_aware(at=at)
    if at < now:
        raise Invalid("POST_END_PAST", field="at")
    if _ends_by(target.valid_to, at):
        raise Conflict("POST_ENDED")
    before = await administrators(ctx)
    # A post that was to begin later ends before it began: an empty interval is never valid.
    stored = await ctx.data.update(target, valid_to=at)
    await follow_post(ctx, stored)
    check_still_administered(before, await administrators(ctx))
    await ctx.signals.changed("Post", stored.id, stored.place_path)
    return stored


@command("role.save", permission="role.manage", tenant_wide=True, returns=ROLE)
async def save_role(ctx: Context, content: RoleContent) -> Role:
    """保存角色: create the role with this code, or replace what it lists."""
    if not CODE.fullmatch(content.code):
        raise Invalid("ROLE_CODE", field="code")
    wrong = sorted({p for p in content.permissions if not GRANT.fullmatch(p)})
    if wrong:
        raise Invalid("ROLE_PERMISSION", field="permissions", permissions=", ".join(wrong))
    await hold_policy(ctx)
    values: dict[str, Any] = {
        "name": content.name.strip(),
        "name_en": content.name_en,
        "permissions": sorted(set(content.permissions)),
        # A plugin's role that somebody changed is the tenant's own from then on.
        "owner_plugin": "",
    }
    if content.limits is not None:
        stated = {k: v for k, v in msgspec.to_builtins(content.limits).items() if v is not None}
        values["limits"] = checked_limits(stated).stated()
    found = await ctx.data.find(Role, code=content.code)
    role = await ctx.data.lock(Role, found[0].id) if found else None
    if content.version not in (None, role.version if role else 0):
        raise Conflict("ROW_CHANGED", field="version", record="Role")
    await check_may_widen(ctx, role, content.permissions)
    if role is None:
        stored = await ctx.data.insert(Role(code=content.code, **values))
    else:
        before = await administrators(ctx)
        stored = await ctx.data.update(role, **values)
        check_still_administered(before, await administrators(ctx))
    await ctx.signals.changed("Role", stored.id, None)
    return stored


async def _end_sessions(ctx: Context, account: Account, **changes: object) -> Account:
    """Every token issued before is worthless: access and refresh tokens carry the epoch."""
    return await ctx.data.update(account, session_epoch=account.session_epoch + 1, **changes)


async def _hashed(password: str, login: str) -> str:
    check_new_password(password, login)
    return await hash_password(password)


def _check_aware(**instants: datetime | None) -> None:
    for field, instant in instants.items():
        if instant is not None and instant.tzinfo is None:
            raise Invalid("INSTANT_NAIVE", field=field)


def _ends_by(end: datetime | None, at: datetime) -> bool:
    return end is not None and end <= at


def _id(reference: object) -> uuid.UUID:
    value = reference.id if isinstance(reference, (Account, Role)) else reference
    assert isinstance(value, uuid.UUID)
    return value


COMMANDS = (
    create_account,
    suspend_account,
    resume_account,
    set_password,
    sign_out_account,
    grant_post,
    end_post,
    save_role,
    *CONTACT_COMMANDS,
)
