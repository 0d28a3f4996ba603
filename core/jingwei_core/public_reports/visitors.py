"""The counter for reports (公众上报窗口): a counter like that of any public form, with the tenant's
rules."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from jingwei_core.presence.desk import Desk
from jingwei_core.presence.visitors import Visitor, Window
from jingwei_core.public_reports.rules import OFF, Rules, rules_of
from jingwei_core.session import CoreContext, Request
from jingwei_sdk.errors import Denied, NotFound
from jingwei_sdk.presence import OPEN_TO_PUBLIC

if TYPE_CHECKING:
    from jingwei_core.platform import Platform

PERMISSIONS = tuple(sorted(OPEN_TO_PUBLIC))
COUNTER = "public-report"
"""What keys of this counter are derived for."""


@dataclass(frozen=True, slots=True)
class Counter(Window):
    """The counter of a tenant for reports of the public: its rules and what it makes and checks."""

    rules: Rules

    @asynccontextmanager
    async def acting(self, *more: str) -> AsyncIterator[CoreContext]:
        """A context for one unit of work, with the permissions of a report and ``more``."""
        async with self.acting_with(*PERMISSIONS, *more) as ctx:
            yield ctx


async def counter_for(platform: "Platform", slug: str, address: str, request: Request) -> Counter:
    """The counter of a tenant for a visitor.

    Raises ``NotFound`` (``PUBLIC_REPORT_OFF``) where there is no such tenant, where it is suspended
    and where it takes no reports of the public.
    """
    missing = NotFound("PUBLIC_REPORT_OFF")
    try:
        state = await platform.state(slug)
        state.require_active()
    except (NotFound, Denied) as error:
        raise missing from error
    visitor = Visitor(state.tenant, address, request)
    opening = Counter(platform, visitor, Desk(platform.settings, state.tenant, COUNTER), OFF)
    async with opening.acting() as ctx:
        rules = await rules_of(ctx)
    return replace(opening, rules=rules)
