"""Guards against escalation and lock-out (越权与失控防护) for whoever manages staff.

Changes of access in one tenant happen one after the other: each first holds the tenant's policy
version, whose row lock is kept until the transaction ends. So two administrators cannot remove each
other at the same moment.
"""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime

from jingwei_core.access.permissions import wider_grants
from jingwei_core.access.tables import Role
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, Denied

BIND = "role.bind"
"""Held at a place, it lets its holder staff that subtree with roles they do not hold themselves.

Like the verb ``bind`` of Kubernetes RBAC: without it an administrator would have to hold, and could
use, every permission of everybody. It never lets anyone change their own posts.
"""

REVEAL = "staff.reveal"
"""Held at a place, it lets its holder see masked contact data of who has a post there."""

ADMINISTERS = ("account.manage", "post.manage")
"""Whoever holds these at the root of the tenant, without an end, is an administrator of it."""

_ADMINISTRATORS = """
SELECT DISTINCT a.id
  FROM core.account a
  JOIN core.post p ON p.tenant_id = a.tenant_id AND p.account = a.id
  JOIN core.place l ON l.tenant_id = p.tenant_id AND l.id = p.place_id AND l.parent IS NULL
  JOIN core.role r ON r.tenant_id = p.tenant_id AND r.id = p.role
 WHERE a.status = 'active' AND p.valid_from <= $1 AND p.valid_to IS NULL
   AND r.permissions && $2::text[] AND r.permissions && $3::text[]
"""

# One statement, so that the first two changes of a new tenant cannot both find no row.
_HOLD_POLICY = """
INSERT INTO core.policy_version (number) VALUES (0)
ON CONFLICT (tenant_id) DO UPDATE SET number = core.policy_version.number
"""

_POSTS_OF_ACCOUNT = """
SELECT p.place_path, r.permissions
  FROM core.post p JOIN core.role r ON r.tenant_id = p.tenant_id AND r.id = p.role
 WHERE p.account = $1 AND (p.valid_to IS NULL OR p.valid_to > $2)
"""

_PLACES_OF_ROLE = """
SELECT DISTINCT place_path FROM core.post WHERE role = $1 AND (valid_to IS NULL OR valid_to > $2)
"""


_PLACE_OF_DEPARTMENT = """
SELECT coalesce(l.path, (SELECT path FROM core.place ORDER BY path LIMIT 1))
  FROM core.department d
  LEFT JOIN core.place l ON l.tenant_id = d.tenant_id AND l.id = d.place
 WHERE d.id = $1
"""


async def hold_policy(ctx: Context) -> None:
    """Keep other changes of access in the tenant waiting until this one is over.

    What is changed then moves the policy number (策略版本) by itself: see the triggers.
    """
    await ctx.data.fetch(_HOLD_POLICY)


async def administrators(ctx: Context) -> frozenset[uuid.UUID]:
    """The accounts that administer the whole tenant and will still do so tomorrow."""
    wanted = [wider_grants(permission) for permission in ADMINISTERS]
    rows = await ctx.data.fetch(_ADMINISTRATORS, ctx.clock.now(), *wanted)
    return frozenset(row["id"] for row in rows)


def check_still_administered(before: frozenset[uuid.UUID], after: frozenset[uuid.UUID]) -> None:
    """Raise ``Conflict`` (``LAST_ADMINISTRATOR``) if a change took the tenant's last one."""
    if before and not after:
        raise Conflict("LAST_ADMINISTRATOR")


def check_may_give(ctx: Context, permissions: Iterable[str], path: str | None) -> None:
    """Raise ``Denied`` (``ESCALATION``) unless the actor holds all of these at the place."""
    if ctx.permissions.allows(BIND, path):
        return
    lacking = sorted(p for p in permissions if not ctx.permissions.allows(p, path))
    if lacking:
        raise Denied("ESCALATION", permissions=", ".join(lacking))


async def check_may_staff(ctx: Context, department_id: uuid.UUID | None) -> None:
    """Raise ``Denied`` unless the actor may manage posts where the department lies; without a place
    it lies at the tenant's root.

    Its members see and handle what is assigned to it, wherever in the tenant that is.
    """
    if department_id is None:
        return
    path = await ctx.data.fetchval(_PLACE_OF_DEPARTMENT, department_id)
    if path is not None:  # an unknown department is refused by its foreign key
        ctx.require("post.manage", path)


async def check_may_manage(ctx: Context, account_id: uuid.UUID) -> None:
    """Raise ``Denied`` (``ACCOUNT_ABOVE``) if the account holds more than the actor could give.

    Whoever sets a password can act as its owner, so this is escalation by another door.
    """
    for post in await ctx.data.fetch(_POSTS_OF_ACCOUNT, account_id, ctx.clock.now()):
        try:
            ctx.require("account.manage", post["place_path"])
            check_may_give(ctx, post["permissions"], post["place_path"])
        except Denied as error:
            raise Denied("ACCOUNT_ABOVE") from error


async def check_may_reveal(ctx: Context, account_id: uuid.UUID) -> None:
    """Raise ``Denied`` unless the actor may reveal at a place where the account has a post.

    Without a post there is no duty to call anyone about, so nothing is revealed.
    """
    for post in await ctx.data.fetch(_POSTS_OF_ACCOUNT, account_id, ctx.clock.now()):
        if ctx.permissions.allows(REVEAL, post["place_path"]):
            return
    raise Denied("PERMISSION_DENIED", permission=REVEAL, field="id")


async def check_may_widen(ctx: Context, role: Role | None, permissions: Sequence[str]) -> None:
    """Raise ``Denied`` (``ESCALATION``) unless the actor may give what a role newly lists.

    A role in use gives it wherever it is in use; an unused one is checked again when it is given.
    """
    added = set(permissions) - set(role.permissions if role else ())
    if role is None:
        check_may_give(ctx, added, None)
        return
    rows = await ctx.data.fetch(_PLACES_OF_ROLE, role.id, ctx.clock.now())
    for path in [row["place_path"] for row in rows] or [None]:
        ctx.require("role.manage", path)
        check_may_give(ctx, added, path)


def check_not_oneself(ctx: Context, account_id: uuid.UUID) -> None:
    """Raise ``Denied`` (``OWN_ACCESS``): nobody changes their own posts or account."""
    if ctx.actor.account_id == account_id:
        raise Denied("OWN_ACCESS")


def interval_is_empty(start: datetime, end: datetime | None) -> bool:
    """Whether ``[start, end)`` holds no instant."""
    return end is not None and end <= start
