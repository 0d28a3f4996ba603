"""``jingwei plugin``: what is installed, and what each tenant has switched on."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer

from jingwei_core.cli.output import Json, say, say_rows, with_platform
from jingwei_core.cli.texts import locale
from jingwei_core.platform import Platform
from jingwei_core.plugins.overview import (
    description,
    installed_lines,
    setting,
    tenant_lines,
)

app = typer.Typer(
    no_args_is_help=True, help="插件 · Plugins: installed on this machine, enabled by tenant."
)

Slug = Annotated[str, typer.Argument(metavar="TENANT", help="The tenant's slug.")]
PluginId = Annotated[str, typer.Argument(metavar="ID", help="For example safety-production.")]


@app.command("list")
def list_command(
    *,
    tenant: Annotated[
        str | None, typer.Option(help="As this tenant has them: enabled, disabled, or off.")
    ] = None,
    as_json: Json = False,
) -> None:
    """插件清单 · Every installed plugin, its state, and why it cannot be used."""
    if tenant is None:
        lines = installed_lines(_installed_host(), locale())
    else:

        async def read(platform: Platform) -> Any:
            state = await platform.state(tenant)
            return tenant_lines(platform.host, state.enabled, locale())

        lines = with_platform(read)
    say_rows(as_json, [asdict(line) for line in lines], "没有安装插件。No plugin is installed.")


@app.command()
def show(plugin: PluginId, *, as_json: Json = False) -> None:
    """插件说明 · The manifest of a plugin and what it contributes; no database needed."""
    told = description(_installed_host().get(plugin))
    say(as_json, told, *(f"{name:>14}  {_plain(value)}" for name, value in told.items()))


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


def _installed_host() -> Any:
    from jingwei_core.catalogue import load_core_texts
    from jingwei_core.contribution import core_contribution
    from jingwei_core.plugins.host import PluginHost, discover
    from jingwei_sdk.messages import Catalogue

    host = PluginHost(core_contribution(), discover())
    catalogue = Catalogue()
    load_core_texts(catalogue)
    host.load_texts(catalogue)
    return host


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {item}" for name, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
