"""``jingwei plugin list``, ``show`` and ``schema``: what is installed, in which state and why."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer

from jingwei_core.cli.output import Json, say, say_rows, with_platform
from jingwei_core.cli.plugin.arguments import PluginId
from jingwei_core.cli.texts import locale
from jingwei_core.platform import Platform
from jingwei_core.plugins.description import description
from jingwei_core.plugins.overview import installed_lines, tenant_lines
from jingwei_sdk.manifest import manifest_schema

app = typer.Typer()


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
        lines = installed_lines(installed_host(), locale())
    else:

        async def read(platform: Platform) -> Any:
            state = await platform.state(tenant)
            return tenant_lines(platform.host, state.enabled, locale(), state.held_back)

        lines = with_platform(read)
    say_rows(as_json, [asdict(line) for line in lines], "没有安装插件。No plugin is installed.")


@app.command()
def show(plugin: PluginId, *, as_json: Json = False) -> None:
    """插件说明 · The manifest of a plugin and what it contributes; no database needed."""
    told = description(installed_host().get(plugin))
    lines = ((name, _plain(value)) for name, value in told.items())
    say(as_json, told, *(f"{name:>16}  {text}" for name, text in lines if text))


@app.command()
def schema() -> None:
    """清单模式 · The JSON Schema of plugin.toml, for editors and checks."""
    typer.echo(json.dumps(manifest_schema(), ensure_ascii=False, indent=2))


def installed_host() -> Any:
    """The plugins of this machine with their texts; no database is asked."""
    from jingwei_core.catalogue import load_core_texts
    from jingwei_core.contribution import core_contribution, core_manifest
    from jingwei_core.plugins.host import PluginHost, discover
    from jingwei_sdk.messages import Catalogue

    host = PluginHost(core_contribution(), discover(), core_manifest=core_manifest())
    catalogue = Catalogue()
    load_core_texts(catalogue)
    host.load_texts(catalogue)
    return host


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_plain(item)}" for name, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
