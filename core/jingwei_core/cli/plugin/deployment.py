"""``jingwei plugin enable-everywhere`` and ``disable-everywhere``: for the whole deployment."""

from typing import Annotated

import typer

from jingwei_core.cli.output import Json, say, with_platform
from jingwei_core.cli.plugin.arguments import PluginId
from jingwei_core.plugins.deployment import disable_everywhere, enable_everywhere
from jingwei_core.plugins.overview import setting
from jingwei_core.plugins.tenant_settings import SettingsChange

app = typer.Typer()


@app.command("enable-everywhere")
def enable(
    plugin: PluginId,
    *,
    given: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting; others keep their value."),
    ] = None,
    as_json: Json = False,
) -> None:
    """全部署启用 · Switch a plugin on for every tenant, present and future."""
    values: dict[str, object] = {}
    for text in given or ():
        try:
            values |= setting(text)
        except ValueError as error:
            raise typer.BadParameter("not KEY=VALUE", param_hint="--set") from error
    change = SettingsChange(values)
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
