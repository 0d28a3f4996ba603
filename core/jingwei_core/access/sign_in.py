"""Signing in and out (登录与会话).

A sign-in gives a short access token and a refresh token. A refresh token works once and is replaced
by the next of its family; whoever presents a used one ends the family, because either side may be
the thief. There is no grace: of two refreshes at once one wins and the other ends the session, so a
client sends one refresh at a time.

What is decided about an account is decided while its row is locked, so attempts at the same
moment count one after the other. A failure is an outcome, not an exception, until it is committed.
Sign-ins, their failures, ends of sessions and reuse are in the audit log; plain refreshes are not,
they change nothing that anybody could do.
"""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from uuid_utils.compat import uuid7

from jingwei_core.access.loading import ACTIVE
from jingwei_core.access.passwords import (
    check_new_password,
    hash_password,
    is_outdated,
    verify_password,
)
from jingwei_core.access.tables import Account, RefreshToken
from jingwei_core.access.tokens import new_refresh_token, refresh_digest
from jingwei_core.audit.writing import append_audit
from jingwei_core.commands.data import Change, UnitData
from jingwei_core.session import CoreContext, Identity, Request, account_context, system_context
from jingwei_sdk.context import Actor, Tenant
from jingwei_sdk.errors import Invalid, NotFound, Unauthenticated

if TYPE_CHECKING:
    from jingwei_core.platform import Platform

ACTOR = "sign-in"
_REVOKE = """
UPDATE core.refresh_token SET revoked_at = $2, updated_at = $2, version = version + 1
 WHERE revoked_at IS NULL AND
"""
_NOBODY = "UPDATE core.account SET version = version + 1 WHERE id = $1"
# A transaction that wrote waits at its end for the disk; this leaves no row behind.
_WRITTEN = "SELECT pg_logical_emit_message(true, 'jingwei', '')"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a person signs in with; ``client_ip`` goes to the audit log."""

    login: str
    password: str
    client_ip: str = ""


@dataclass(frozen=True, slots=True)
class PasswordChange:
    """A person's present and new password; ``client_ip`` goes to the audit log."""

    current: str
    new: str
    client_ip: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session (会话): its tokens, and when they end."""

    account_id: uuid.UUID
    name: str
    access_token: str
    access_expires_at: datetime
    refresh_token: str
    refresh_expires_at: datetime


@dataclass(frozen=True, slots=True)
class _Checked:
    """A password judged outside the transaction, and against which stored hash."""

    stored: str | None
    fits: bool
    new_hash: str | None
    client_ip: str


async def sign_in(
    platform: "Platform", tenant: Tenant, given: Credentials, request: Request
) -> SignedIn:
    """Tokens for login and password.

    Raises ``Unauthenticated`` (``SIGN_IN_FAILED``), the same for an unknown login, a wrong
    password, a suspended and a locked account, and after the same work. ``sign_in_failures``
    failures in a row lock the account for ``sign_in_lock_s``, each further one doubles the lock.
    The count is committed.
    """
    login = given.login.strip().lower()
    async with platform.database.unit(tenant.id) as unit:
        row = await unit.fetchrow(
            "SELECT id, password_hash FROM core.account WHERE login = $1", login
        )
    stored = row["password_hash"] if row else None
    # Outside a transaction: hashing is slow on purpose and must not hold a connection.
    fits = await verify_password(stored, given.password)
    renew = fits and stored is not None and is_outdated(stored)
    new_hash = await hash_password(given.password) if renew else None
    checked = _Checked(stored, fits, new_hash, given.client_ip)
    async with system_context(platform, tenant, ACTOR, request) as ctx:
        session = await _settle_sign_in(ctx, row["id"] if row else uuid7(), checked)
    if session is None:
        raise Unauthenticated("SIGN_IN_FAILED")
    return session


async def refresh(platform: "Platform", tenant: Tenant, token: str, request: Request) -> SignedIn:
    """New tokens for a refresh token, which is used up by it.

    Raises ``Unauthenticated``: ``REFRESH_TOKEN_REUSED`` when it was used before (its family is
    revoked then, and nothing else), ``SESSION_ENDED`` when it is unknown, revoked or expired, or
    its account is suspended or was signed out everywhere.
    """
    async with system_context(platform, tenant, ACTOR, request) as ctx:
        outcome = await _settle_refresh(ctx, refresh_digest(token))
    if isinstance(outcome, str):
        raise Unauthenticated(outcome)
    return outcome


async def sign_out(platform: "Platform", tenant: Tenant, token: str, request: Request) -> None:
    """End the session that a refresh token belongs to; an unknown token is no error.

    Its access token stays good until it expires, at most ``access_token_s``;
    :func:`sign_out_everywhere` ends those at once.
    """
    async with system_context(platform, tenant, ACTOR, request) as ctx:
        found = await ctx.data.find(RefreshToken, digest=refresh_digest(token))
        if not found:
            return
        account = await ctx.data.lock(Account, _uuid(found[0].account))
        if await _revoke_family(ctx, found[0]):
            await append_audit(_as(ctx, account), "session.sign-out", account.id)


async def sign_out_everywhere(
    platform: "Platform", tenant: Tenant, identity: Identity, request: Request
) -> None:
    """End all sessions of the signed-in account, including this one.

    Raises ``Unauthenticated`` (``SESSION_ENDED``) when this session has ended already.
    """
    async with account_context(platform, tenant, identity, request) as ctx:
        account = await ctx.data.lock(Account, identity.account_id)
        await _end_all(ctx, account)
        await append_audit(ctx, "session.sign-out-everywhere", account.id)


async def change_password(
    platform: "Platform",
    tenant: Tenant,
    identity: Identity,
    change: PasswordChange,
    request: Request,
) -> SignedIn:
    """Set one's own password; ends every session of the account and gives a new one.

    Raises ``Unauthenticated`` (``SESSION_ENDED``), ``Invalid`` (``PASSWORD_WEAK``,
    ``PASSWORD_WRONG``). A wrong present password counts like a failed sign-in, so a stolen access
    token does not help to guess it.
    """
    async with account_context(platform, tenant, identity, request) as ctx:
        account = await ctx.data.get(Account, identity.account_id)
    check_new_password(change.new, account.login)
    stored: str | None = account.password_hash
    fits = await verify_password(stored, change.current)
    new_hash = await hash_password(change.new) if fits else None
    checked = _Checked(stored, fits, new_hash, change.client_ip)
    async with account_context(platform, tenant, identity, request) as ctx:
        session = await _settle_change(ctx, identity, checked)
    if session is None:
        raise Invalid("PASSWORD_WRONG", field="currentPassword")
    return session


async def _settle_sign_in(
    ctx: CoreContext, account_id: uuid.UUID, checked: _Checked
) -> SignedIn | None:
    try:
        account = await ctx.data.lock(Account, account_id)
    except NotFound:
        await _count_nothing(ctx)
        return None
    if account.status != ACTIVE or _is_locked(account, ctx.clock.now()):
        await _count_nothing(ctx)
        return None
    ctx = _as(ctx, account)
    if not _still_fits(account, checked):
        await _count_failure(ctx, account, checked.client_ip)
        return None
    changes: dict[str, object] = {}
    if account.failed_count or account.locked_until is not None:
        changes |= {"failed_count": 0, "locked_until": None}
    if checked.new_hash is not None:
        changes |= {"password_hash": checked.new_hash}
    if changes:
        account = await ctx.data.update(account, **changes)
    session = await _start_session(ctx, account, uuid7())
    _note_client(ctx, account.id, checked.client_ip)
    await append_audit(ctx, "session.sign-in", account.id)
    return session


async def _settle_refresh(ctx: CoreContext, digest: str) -> SignedIn | str:
    found = await ctx.data.find(RefreshToken, digest=digest)
    if not found:
        return "SESSION_ENDED"
    # The account's row is the lock of all its sessions: no link can be added to a family while
    # another request decides that the family is stolen.
    account = await ctx.data.lock(Account, _uuid(found[0].account))
    current = await ctx.data.find(RefreshToken, id=found[0].id)
    if not current:
        return "SESSION_ENDED"
    token, now = current[0], ctx.clock.now()
    alive = account.status == ACTIVE and token.session_epoch == account.session_epoch
    if not alive or _happened(token.revoked_at):
        return "SESSION_ENDED"
    if _happened(token.used_at):
        await _revoke_family(ctx, token)
        await append_audit(_as(ctx, account), "session.refresh-reused", account.id)
        return "REFRESH_TOKEN_REUSED"
    if token.expires_at <= now:
        return "SESSION_ENDED"
    await ctx.data.update(token, used_at=now)
    return await _start_session(ctx, account, token.family_id)


async def _settle_change(
    ctx: CoreContext, identity: Identity, checked: _Checked
) -> SignedIn | None:
    account = await ctx.data.lock(Account, identity.account_id)
    if account.status != ACTIVE or account.session_epoch != identity.epoch:
        raise Unauthenticated("SESSION_ENDED")
    if _is_locked(account, ctx.clock.now()):
        return None
    if not _still_fits(account, checked):
        await _count_failure(ctx, account, checked.client_ip)
        return None
    account = await _end_all(
        ctx, account, password_hash=checked.new_hash, failed_count=0, locked_until=None
    )
    session = await _start_session(ctx, account, uuid7())
    _note_client(ctx, account.id, checked.client_ip)
    await append_audit(ctx, "session.change-password", account.id)
    return session


async def _count_failure(ctx: CoreContext, account: Account, client_ip: str) -> None:
    failed = account.failed_count + 1
    changes: dict[str, object] = {"failed_count": failed}
    lock_s = lock_seconds(ctx, failed)
    if lock_s:
        changes["locked_until"] = ctx.clock.now() + timedelta(seconds=lock_s)
    await ctx.data.update(account, **changes)
    _note_client(ctx, account.id, client_ip)
    await append_audit(ctx, "session.sign-in-failed", account.id)


async def _count_nothing(ctx: CoreContext) -> None:
    """What :func:`_count_failure` sends, for nobody: time must not tell which logins exist."""
    await ctx.unit.execute(_NOBODY, uuid7())
    ctx.unit.at_the_end(_WRITTEN)


def lock_seconds(ctx: CoreContext, failed: int) -> int:
    """How long an account is locked after its ``failed``-th failure in a row; 0 for not at all."""
    settings = ctx.platform.settings
    beyond = failed - settings.sign_in_failures
    if beyond < 0:
        return 0
    longest = settings.sign_in_lock_max_s
    # The exponent is bounded because the count is not.
    return int(min(longest, settings.sign_in_lock_s << min(beyond, 32)))


async def _start_session(ctx: CoreContext, account: Account, family_id: uuid.UUID) -> SignedIn:
    now, settings, tokens = ctx.clock.now(), ctx.platform.settings, ctx.platform.tokens
    secret = new_refresh_token()
    expires_at = now + timedelta(seconds=settings.refresh_token_s)
    await ctx.data.insert(
        RefreshToken(
            account=account.id,
            family_id=family_id,
            digest=refresh_digest(secret),
            session_epoch=account.session_epoch,
            expires_at=expires_at,
        )
    )
    identity = Identity(account.id, account.session_epoch)
    return SignedIn(
        account_id=account.id,
        name=account.name,
        access_token=tokens.issue(ctx.tenant.id, identity, now),
        access_expires_at=now + tokens.lifetime,
        refresh_token=secret,
        refresh_expires_at=expires_at,
    )


async def _end_all(ctx: CoreContext, account: Account, **changes: object) -> Account:
    await ctx.unit.execute(f"{_REVOKE} account = $1", account.id, ctx.clock.now())
    return await ctx.data.update(account, session_epoch=account.session_epoch + 1, **changes)


async def _revoke_family(ctx: CoreContext, token: RefreshToken) -> bool:
    tag = await ctx.unit.execute(f"{_REVOKE} family_id = $1", token.family_id, ctx.clock.now())
    count = int(tag.rsplit(" ", 1)[1])
    state = {"family_id": str(token.family_id), "revoked": count}
    _writer(ctx).changes.append(Change("refresh_token", token.id, None, state, None))
    return count > 0


def _note_client(ctx: CoreContext, account_id: uuid.UUID, client_ip: str) -> None:
    if client_ip:
        state = {"client_ip": client_ip}
        _writer(ctx).changes.append(Change("session", account_id, None, state, None))


def _writer(ctx: CoreContext) -> UnitData:
    assert isinstance(ctx.data, UnitData)
    return ctx.data


def _as(ctx: CoreContext, account: Account) -> CoreContext:
    """The same context with the account as the one who acts, for the audit log."""
    return replace(ctx, actor=Actor("account", account.name, account.id))


def _still_fits(account: Account, checked: _Checked) -> bool:
    # The hash may have been replaced since it was read; then the check says nothing.
    return checked.fits and account.password_hash == checked.stored


def _is_locked(account: Account, now: datetime) -> bool:
    until: datetime | None = account.locked_until
    return until is not None and until > now


def _happened(instant: datetime | None) -> bool:
    return instant is not None


def _uuid(value: object) -> uuid.UUID:
    assert isinstance(value, uuid.UUID)
    return value
