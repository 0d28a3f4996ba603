"""``jingwei plugin health`` and ``reset-breaker``: how plugins fare, and calling one again."""

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from jingwei_core.cli.output import Json, say, say_rows, with_platform
from jingwei_core.cli.plugin.arguments import PluginId, Slug

if TYPE_CHECKING:
    from jingwei_core.platform import Platform

app = typer.Typer()


@app.command()
def health(
    plugin: Annotated[str | None, typer.Argument(metavar="[ID]", help="One plugin only.")] = None,
    *,
    tenant: Annotated[str | None, typer.Option(help="One tenant only.")] = None,
    as_json: Json = False,
) -> None:
    """插件健康 · How calls of hooks, jobs and fields ended, which are paused, how many wait."""
    from jingwei_core.plugins.health import plugin_health

    async def read(platform: "Platform") -> Any:
        if plugin is not None:
            platform.host.get(plugin)
        tenant_id = (await platform.state(tenant)).tenant.id if tenant is not None else None
        async with platform.database.platform() as unit:
            settings = platform.settings
            return await plugin_health(
                *(unit, tenant_id, plugin),
                jobs_together=settings.plugin_jobs_together,
                looks_every_s=settings.deny_list_check_s,
            )

    rows = [msgspec.to_builtins(each) for each in with_platform(read)]
    say_rows(as_json, rows, "还没有调用过插件。No plugin was called yet.")


@app.command("reset-breaker")
def reset_breaker(slug: Slug, plugin: PluginId, *, as_json: Json = False) -> None:
    """解除熔断 · Call a plugin again in a tenant where it is paused; seen within 5 s."""
    from jingwei_core.audit.writing import append_audit
    from jingwei_core.plugins.health import reset_breakers
    from jingwei_core.session import system_context

    async def work(platform: "Platform") -> list[str]:
        state = await platform.state(slug)
        platform.host.get(plugin)
        async with system_context(platform, state.tenant, "plugin.reset-breaker") as ctx:
            points = await reset_breakers(ctx, plugin)
            if points:
                await append_audit(ctx, "plugin.reset-breaker", state.tenant.id)
            return points

    points = with_platform(work)
    told = ", ".join(points) or "没有暂停的调用 nothing was paused"
    say(as_json, {"tenant": slug, "plugin": plugin, "called_again": points}, f"{slug}: {told}")
