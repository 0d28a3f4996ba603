"""Demo accounts and posts (演示账号与岗位), made by the commands an administrator uses."""

import asyncio
import uuid
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from jingwei_core.access.commands import create_account, grant_post, set_password
from jingwei_core.access.loading import load_access
from jingwei_core.access.permissions import PermissionSet
from jingwei_core.access.tables import Department, Post, Role
from jingwei_core.commands.bus import Call, run
from jingwei_core.demo.passwords import DemoLogin, keep_logins, read_logins
from jingwei_core.places.tables import Place
from jingwei_core.platform import Platform
from jingwei_core.session import CoreContext, Identity, Request, system_context
from jingwei_core.tenants.package_model import DemoAccount, TenantPackage
from jingwei_sdk.commands import declaration
from jingwei_sdk.context import Tenant

ACTOR = "demo"
POSTS_SINCE = timedelta(days=400)
"""Posts begin before the oldest demo event, so that its steps were taken by people in office."""


@dataclass(frozen=True, slots=True)
class Member:
    """A demo account as it may act: its path is that of its post."""

    identity: Identity
    login: str
    path: str
    department_ids: frozenset[uuid.UUID]
    permissions: PermissionSet


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody who may take a step in a demo event (演示角色)."""

    members: tuple[Member, ...]

    def able(self, permission: str, path: str) -> list[Member]:
        """The members who hold the permission at the place, the nearest to it first."""
        able = [one for one in self.members if one.permissions.allows(permission, path)]
        return sorted(able, key=lambda member: -len(member.path))

    def who_may(self, permission: str, path: str) -> Member | None:
        """The member nearest to the place that holds the permission there, or ``None``."""
        return next(iter(self.able(permission, path)), None)

    def staffs(self, department: uuid.UUID) -> bool:
        """Whether anybody of them belongs to the department."""
        return any(department in member.department_ids for member in self.members)


async def seed_people(
    platform: Platform, tenant: Tenant, package: TenantPackage, secrets_path: Path
) -> int:
    """Make the package's demo accounts with their posts; how many were new.

    An account that is there keeps its password, unless the file lost it: then it gets a new one.
    Raises ``Unavailable`` (``DEMO_ACCOUNTS_UNREADABLE``).
    """
    known = await asyncio.to_thread(read_logins, secrets_path, tenant.slug)
    logins = await asyncio.to_thread(keep_logins, secrets_path, tenant.slug, package.demo.accounts)
    made = 0
    async with platform.database.unit(tenant.id) as unit:
        accounts = {
            r["login"]: r["id"] for r in await unit.fetch("SELECT id, login FROM core.account")
        }
    for row in package.demo.accounts:
        login, account_id = logins[row.login], accounts.get(row.login)
        request = Request(request_id=f"seed:{row.login}")
        async with system_context(platform, tenant, ACTOR, request) as ctx:
            if account_id is None:
                account_id = await _create(ctx, login)
                made += 1
            elif row.login not in known:
                new = {"password": login.password}
                await run(ctx, Call(declaration(set_password), new, account_id))
            await _place(ctx, row, account_id)
    return made


async def load_cast(platform: Platform, tenant: Tenant, package: TenantPackage) -> Cast:
    """The demo accounts of the package that are there, with what they may do now."""
    members = []
    async with platform.database.unit(tenant.id) as unit:
        rows = await unit.fetch(
            "SELECT id FROM core.account WHERE login = ANY($1::text[]) ORDER BY login",
            [row.login for row in package.demo.accounts],
        )
        for row in rows:
            now = platform.clock.now()
            access = await load_access(unit, row["id"], now, platform.permission_sets)
            if access is not None and access.active:
                members.append(
                    Member(
                        Identity(row["id"], access.epoch),
                        access.login,
                        access.primary_path or "",
                        access.department_ids,
                        access.permissions,
                    )
                )
    return Cast(tuple(members))


async def _create(ctx: CoreContext, login: DemoLogin) -> uuid.UUID:
    new = {"login": login.login, "name": login.name, "password": login.password}
    answer = await run(ctx, Call(declaration(create_account), new))
    assert answer.row_id is not None
    return answer.row_id


async def _place(ctx: CoreContext, row: DemoAccount, account_id: uuid.UUID) -> None:
    """Give the account its post, unless it has had one."""
    if await ctx.data.find(Post, account=account_id):
        return
    (role,) = await ctx.data.find(Role, code=row.role)
    (place,) = await ctx.data.find(Place, code=row.place)
    departments = await ctx.data.find(Department, code=row.department) if row.department else []
    new = {
        "account_id": account_id,
        "role_id": role.id,
        "place_id": place.id,
        "department_id": departments[0].id if departments else None,
        "is_primary": row.is_primary,
        "valid_from": ctx.clock.now() - POSTS_SINCE,
    }
    await run(ctx, Call(declaration(grant_post), new))
