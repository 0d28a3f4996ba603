"""What a tenant's administrators may ask about its plugins (插件状况), as GraphQL tells it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from jingwei_core.plugins.health import PluginHealth, plugin_health
from jingwei_core.plugins.overview import PluginLine, tenant_lines
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context
from jingwei_sdk.questions import Question
from jingwei_sdk.versions import SDK_VERSION

PLUGIN_READ = "plugin.read"


def _told(text: str) -> msgspec.Meta:
    return msgspec.Meta(description=text)


class PluginPoint(msgspec.Struct, frozen=True):
    """How one hook, job, field or question of a plugin fared in this tenant (调用点)."""

    name: Annotated[str, _told("Of a hook, or job:…, consumer:…, channel:…, field:…, question:….")]
    state: Annotated[str, _told("healthy, failing, or paused until its breaker closes.")]
    succeeded: int
    failed: int
    timed_out: int
    mean_us: Annotated[int, _told("Mean time of a call in microseconds.")]
    last_error: Annotated[str, _told("The type of the last error; empty when there is none.")]
    last_at: datetime
    paused_until: datetime | None = None


class PluginStanding(msgspec.Struct, frozen=True):
    """A plugin as this tenant has it (插件状况)."""

    plugin: Annotated[str, _told("Its id, as in `jingwei plugin show`.")]
    version: str
    name: str
    state: Annotated[str, _told("enabled, disabled, or why it is not served: clash, denied, ….")]
    reason: Annotated[str, _told("Why it is not served; empty when it is.")]
    link: Annotated[str, _told("Where more is told about the reason; may be empty.")]
    points: Annotated[tuple[PluginPoint, ...], _told("What was called of it.")] = ()


class Platform(msgspec.Struct, frozen=True):
    """The platform that serves this tenant (平台)."""

    sdk: Annotated[str, _told("Version of the plugin SDK.")]
    plugins: Annotated[tuple[PluginStanding, ...], _told("By id.")]


async def platform(ctx: Context) -> Platform:
    """The plugins of the context's tenant, with their states, reasons and health."""
    assert isinstance(ctx, CoreContext)
    state = await ctx.platform.tenant_by_id(ctx.tenant.id)
    lines = tenant_lines(ctx.platform.host, state.enabled, ctx.locale, state.held_back)
    most = ctx.platform.settings.plugin_jobs_together
    health = await plugin_health(ctx.unit, ctx.tenant.id, jobs_together=most)
    return Platform(SDK_VERSION, tuple(_standing(line, health) for line in lines))


def _standing(line: PluginLine, health: Sequence[PluginHealth]) -> PluginStanding:
    points = tuple(_point(each) for each in health if each.plugin == line.id)
    return PluginStanding(
        line.id, line.version, line.name, line.state, line.reason, line.link, points
    )


def _point(health: PluginHealth) -> PluginPoint:
    return PluginPoint(
        health.point,
        health.state,
        health.succeeded,
        health.failed,
        health.timed_out,
        health.mean_us,
        health.last_error,
        health.last_at,
        health.paused_until,
    )


QUESTIONS = (
    Question(
        "platform",
        Platform,
        platform,
        permission=PLUGIN_READ,
        cost=20,
        description="The platform and its plugins, for administrators (平台与插件).",
    ),
)
