"""``jingwei plugin enable-everywhere`` and ``disable-everywhere``: for the whole deployment."""

import typer

from jingwei_core.cli.output import Json, say, with_platform
from jingwei_core.cli.plugin.arguments import PluginId
from jingwei_core.cli.plugin.given import Given, Secrets, change_of
from jingwei_core.plugins.deployment import disable_everywhere, enable_everywhere

app = typer.Typer()


@app.command("enable-everywhere")
def enable(
    plugin: PluginId,
    *,
    given: Given = None,
    secret: Secrets = None,
    as_json: Json = False,
) -> None:
    """全部署启用 · Switch a plugin on for every tenant, present and future."""
    change = change_of(given, secret, ())
    slugs = with_platform(lambda platform: enable_everywhere(platform, plugin, change))
    _tell(plugin, slugs, enabled=True, as_json=as_json)


@app.command("disable-everywhere")
def disable(plugin: PluginId, *, as_json: Json = False) -> None:
    """全部署停用 · Switch it off again; tenants that enabled it themselves keep it."""
    slugs = with_platform(lambda platform: disable_everywhere(platform, plugin))
    _tell(plugin, slugs, enabled=False, as_json=as_json)


def _tell(plugin: str, slugs: list[str], *, enabled: bool, as_json: bool) -> None:
    word = "全部署已启用 enabled everywhere" if enabled else "全部署已停用 disabled everywhere"
    told = {"plugin": plugin, "enabled": enabled, "tenants": slugs}
    say(as_json, told, f"{plugin} {word}", *(f"  {slug}" for slug in slugs))
