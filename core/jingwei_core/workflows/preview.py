"""Previewing a draft (流程预演) over the last closed events of a tenant."""

from collections import Counter

import msgspec

from jingwei_core.events.tables import Event
from jingwei_core.events.workflow import WorkflowDefinition
from jingwei_core.platform import Platform
from jingwei_core.session import system_context
from jingwei_core.workflows.replay import Replay, Replaying
from jingwei_core.workflows.tenant_check import require_fit

_LAST = """
SELECT e.id FROM core.event e
  JOIN core.workflow w ON w.tenant_id = e.tenant_id AND w.id = e.workflow
 WHERE e.is_final AND w.code = $1 ORDER BY e.closed_at DESC, e.id LIMIT $2
"""


class Preview(msgspec.Struct, frozen=True):
    """What a draft would have made of events that are closed."""

    workflow: str
    events: tuple[Replay, ...]

    @property
    def refusals(self) -> Counter[tuple[str, str]]:
        """How often which action would have been refused, with which code."""
        return Counter((one.action, one.code) for event in self.events for one in event.refused)

    @property
    def same(self) -> int:
        """How many events would have run as they did."""
        return sum(event.is_same for event in self.events)


async def preview(platform: Platform, slug: str, draft: WorkflowDefinition, last: int) -> Preview:
    """The last closed events of the draft's workflow code, newest first; writes nothing.

    Raises ``NotFound``, ``WorkflowInvalid`` when the draft does not fit the tenant.
    """
    tenant = await platform.tenant(slug)
    async with system_context(platform, tenant, "workflow.preview") as ctx:
        await require_fit(ctx, draft)
        replaying = Replaying(ctx, await ctx.configuration.get(), draft)
        rows = await ctx.data.fetch(_LAST, draft.code, last)
        found = [await replaying.run(await ctx.data.get(Event, row["id"])) for row in rows]
    return Preview(draft.code, tuple(found))
