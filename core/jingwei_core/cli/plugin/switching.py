"""``jingwei plugin enable`` and ``disable``: a plugin on or off for a tenant."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from jingwei_core.cli.output import Json, say, with_platform
from jingwei_core.cli.plugin.arguments import PluginId, Slug
from jingwei_core.platform import Platform
from jingwei_core.plugins.overview import setting

app = typer.Typer()


@app.command()
def enable(
    slug: Slug,
    plugin: PluginId,
    *,
    given: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting; others keep their value."),
    ] = None,
    as_json: Json = False,
) -> None:
    """启用插件 · Enable a plugin for a tenant, or change its settings; seen within 2 s."""
    settings: dict[str, Any] = {}
    for text in given or ():
        try:
            settings |= setting(text)
        except ValueError as error:
            raise typer.BadParameter(f"{text!r} is not KEY=VALUE", param_hint="--set") from error
    _switch(slug, plugin, enabled=True, settings=settings, as_json=as_json)


@app.command()
def disable(slug: Slug, plugin: PluginId, *, as_json: Json = False) -> None:
    """停用插件 · Disable a plugin for a tenant; its data is kept."""
    _switch(slug, plugin, enabled=False, settings={}, as_json=as_json)


def _switch(
    slug: str, plugin: str, *, enabled: bool, settings: Mapping[str, Any], as_json: bool
) -> None:
    from jingwei_core.plugins.switching import switch_audited

    async def work(platform: Platform) -> dict[str, Any]:
        return await switch_audited(platform, slug, plugin, enabled=enabled, settings=settings)

    stored = with_platform(work)
    word = "已启用 enabled" if enabled else "已停用 disabled"
    say(
        as_json,
        {"tenant": slug, "plugin": plugin, "enabled": enabled, "settings": stored},
        f"{slug}: {plugin} {word}",
        *(f"  {name} = {value}" for name, value in stored.items()),
    )
