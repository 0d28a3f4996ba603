"""Who holds which certificate (持证), for steps and tasks that only holders may take."""

import uuid
from collections.abc import Collection
from datetime import date

from jingwei_core.workforce.rules import rules_of
from jingwei_sdk.context import Context

_HELD = """
SELECT DISTINCT kind FROM core.certificate
 WHERE account = $1 AND valid_from <= $2 AND (valid_to IS NULL OR valid_to > $2)
   AND (withdrawn_on IS NULL OR withdrawn_on > $2)
"""


class TenantCertificates:
    """The port :class:`jingwei_core.events.ports.Certificates`. A certificate is a person's own: a
    substitute holds none of the one who is away."""

    async def kinds(self, ctx: Context) -> Collection[str]:
        """See the port."""
        return frozenset(each.code for each in (await rules_of(ctx)).certificates)

    async def held(self, ctx: Context, account: uuid.UUID, day: date) -> Collection[str]:
        """See the port."""
        return frozenset(row["kind"] for row in await ctx.data.fetch(_HELD, account, day))
