"""What the database does for a list, told by EXPLAIN: whether it stops after the page.

plans.stops_after_the_page(cluster, sample)   # one of ``Pool.samples["list"]``
"""

import asyncio
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import asyncpg

from jingwei_core.access.permissions import Grant, PermissionSet
from jingwei_core.contribution import core_contribution
from jingwei_core.database.lanes import session_settings
from jingwei_core.reading.compiled import NOTHING_KNOWN, Little
from jingwei_core.reading.compiler import compile_read
from jingwei_core.reading.merging import FEW_PLACES
from jingwei_core.reading.selection import Asked, Column, EdgeNode, Edges, Group, Page, Wanted
from jingwei_core.registry import build_registry
from jingwei_sdk.context import Actor, Tenant
from tests.bench.cluster import Cluster
from tests.bench.pool import Sample
from tests.core.reading.explained import Explained, explained

PAGE = 50
_MOST = {"city": 2 * PAGE, "street": 100 * PAGE}
"""So many rows may be met for a page, by the size of the area: a street is a hundredth."""


def stops_after_the_page(cluster: Cluster, sample: Sample) -> bool:
    """Whether the newest events of the caller's area are read without meeting many others."""
    plan = asyncio.run(_plan(cluster, sample))
    most = _MOST.get(sample.node.level, FEW_PLACES * PAGE)
    return not plan.read_whole & {"event", "place"} and plan.looked_at["event"] <= most


async def _plan(cluster: Cluster, sample: Sample) -> Explained:
    registry = build_registry([core_contribution()])
    tenant = Tenant(sample.tenant_id, sample.slug, sample.slug, ZoneInfo("Asia/Shanghai"))
    actor = Actor("account", "", sample.account_id, frozenset())
    permissions = PermissionSet([Grant(sample.node.path, ("*",))])
    asked = Asked(tenant, actor, permissions, datetime.now(UTC), "zh", {})
    edges = Edges("edges", (EdgeNode("node", (Column("number", "number"),)),))
    page = Page("events", registry.record("Event"), Wanted(size=PAGE), (edges,))
    few = NOTHING_KNOWN if sample.is_wide else Little(places=frozenset({"Event"}))
    compiled = compile_read(registry, Group("", (page,)), permissions, b"", few)
    admin = await asyncpg.connect(cluster.admin_url)
    policy = await admin.fetchval(
        "SELECT number FROM core.policy_version WHERE tenant_id = $1", sample.tenant_id
    )
    await admin.close()
    lane = await asyncpg.connect(
        cluster.app_url, server_settings=session_settings(cluster.settings)
    )
    try:
        return await explained(lane, compiled, asked, policy=policy or 0)
    finally:
        await lane.close()
