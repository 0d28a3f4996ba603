"""What a plugin's code sends to read another tenant: refused, with the tenant bound as it was."""

from contextlib import suppress

import pytest

from jingwei_core.commands.plugin_context import given_to
from jingwei_core.platform import Platform
from jingwei_core.session import CoreContext, system_context
from jingwei_sdk.errors import Refused
from tests.leak.matrix import PLUGIN_SQL, PluginSql
from tests.leak.world import PLUGIN, World

_SEEN = "SELECT DISTINCT tenant_id FROM core.account"


class _Undo(Exception):
    """Ends a savepoint of which nothing is kept."""


async def _seen(ctx: CoreContext) -> set[object]:
    return {row["tenant_id"] for row in await ctx.data.fetch(_SEEN)}


@pytest.mark.parametrize("row", PLUGIN_SQL, ids=lambda row: row.why)
async def test_a_plugin_reads_no_other_tenant(
    row: PluginSql, world: World, leak_platform: Platform
) -> None:
    here, there = world.city("a"), world.city("b")
    tenant = await leak_platform.tenant(here.slug)
    async with system_context(leak_platform, tenant, "test") as ctx:
        with suppress(_Undo):
            async with ctx.data.savepoint():
                await ctx.data.fetch(row.sql, str(there.id))
                assert await _seen(ctx) == {there.id}, "the text does what it is there for"
                raise _Undo

        given = given_to(PLUGIN, ctx)
        for ask in (given.data.fetch, given.data.fetchval):
            with pytest.raises(Refused) as refused:
                await ask(row.sql, str(there.id))
            assert refused.value.code == "PLUGIN_SQL_REFUSED"
        assert await _seen(ctx) == {here.id}
        rows = await given.data.fetch(_SEEN)
        assert [one["tenant_id"] for one in rows] == [here.id], "honest SQL is answered"
