"""Visitors (来访者): how a request of somebody without an account begins, and how often it may.

What acts is the platform itself, under a name of its own and with the few permissions that the
matter takes. Calls are counted in the database, in a transaction of their own: they count in every
process, and whether or not anything came of them.
"""

import math
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from jingwei_core.access.permissions import EVERYWHERE, Grant, PermissionSet
from jingwei_core.presence.desk import Desk, prefix_of
from jingwei_core.presence.often import LOOKS_PER_MINUTE, USES_PER_HOUR
from jingwei_core.session import CoreContext, Request, system_context
from jingwei_sdk.context import Actor, Tenant
from jingwei_sdk.errors import RateLimited

if TYPE_CHECKING:
    from jingwei_core.platform import Platform

ACTOR = "public"
"""What stands in the audit log and in the timeline for all who have no account."""

TRIES = 5
"""How often a form may be sent before it is right, for each that is allowed."""
MINUTE_S = 60
HOUR_S = 3600
DAY_S = 86_400

_COUNT = """
INSERT INTO core.public_call (bucket, ends_at) VALUES ($1, $2)
ON CONFLICT (tenant_id, bucket) DO UPDATE SET calls = public_call.calls + 1
RETURNING calls
"""
FORGET_CALLS = "DELETE FROM core.public_call WHERE ends_at < $1"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody without an account: where they come from, and how they are answered.

    ``address`` is never stored; a keyed digest of its prefix is, until the window ends.
    """

    tenant: Tenant
    address: str
    request: Request


@dataclass(frozen=True, slots=True)
class Count:
    """What is counted: ``what`` is done by ``of``, at most ``most`` times in ``window_s``."""

    what: str
    of: str
    most: int
    window_s: int


@dataclass(frozen=True, slots=True)
class Window:
    """A counter of a tenant (公众窗口) at which a visitor stands, and what it makes and checks."""

    platform: "Platform"
    visitor: Visitor
    desk: Desk

    @asynccontextmanager
    async def acting_with(self, *permissions: str) -> AsyncIterator[CoreContext]:
        """A context for one unit of work, with these permissions in the whole tenant."""
        asked = self.visitor.request
        async with system_context(self.platform, self.visitor.tenant, ACTOR, asked) as ctx:
            yield in_public(ctx, *permissions)

    async def count(self, *counts: Count) -> None:
        """Count a call in each of these; raises ``RateLimited`` (``PUBLIC_TOO_OFTEN``) when there
        were too many of any, with the seconds after which another one is taken."""
        now = self.platform.clock.now().timestamp()
        async with self.platform.database.unit(self.visitor.tenant.id) as unit:
            for count in counts:
                window = int(now // count.window_s)
                ends = (window + 1) * count.window_s
                bucket = self.desk.bucket(count.what, count.of, window)
                calls = await unit.fetchval(_COUNT, bucket, datetime.fromtimestamp(ends, UTC))
                if calls > count.most:
                    break
            else:
                return
        wait_s = max(1, math.ceil(ends - now))
        raise RateLimited("PUBLIC_TOO_OFTEN", retry_after_s=wait_s, limit=count.most)

    async def count_use(
        self, digest: str, looks: int = LOOKS_PER_MINUTE, uses: int = USES_PER_HOUR
    ) -> None:
        """Count a use of the code with this digest, known or not; raises as :meth:`count`."""
        await self.count(
            self.by_prefix("look", looks, MINUTE_S), Count("code", digest, uses, HOUR_S)
        )

    def by_prefix(self, what: str, most: int, window_s: int) -> Count:
        """What is counted for the address that the visitor comes from."""
        return Count(what, prefix_of(self.visitor.address), most, window_s)


def in_public(ctx: CoreContext, *permissions: str) -> CoreContext:
    """The same unit of work for the public, with these permissions and no others."""
    held = PermissionSet([Grant(EVERYWHERE, permissions)])
    return replace(ctx, permissions=held, actor=Actor("system", ACTOR))


def plain(text: str) -> str:
    """The text in NFC, without space around it and without characters that are not written."""
    normal = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
    kept = (sign for sign in normal if sign in "\n\t" or unicodedata.category(sign)[0] != "C")
    return "".join(kept).strip()
