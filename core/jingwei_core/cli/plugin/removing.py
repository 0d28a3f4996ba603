"""``jingwei plugin remove`` and ``export``: a plugin's rows given back, and taken away."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from jingwei_core.cli.output import Json, say, with_platform
from jingwei_core.cli.plugin.arguments import PluginId, Slug
from jingwei_core.plugins.exporting import export_plugin
from jingwei_core.plugins.removing import plan_removal, remove_plugin

app = typer.Typer()


@app.command()
def remove(
    plugin: PluginId,
    *,
    plan: Annotated[bool, typer.Option("--plan", help="Show what would be removed only.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Remove it: nothing brings it back.")] = False,
    export: Annotated[
        Path | None, typer.Option(help="Write each tenant's rows here before.")
    ] = None,
    as_json: Json = False,
) -> None:
    """移除插件 · Remove a plugin's tables, rows and grants from the deployment; needs the owner.

    Every tenant has disabled it before. Its package is uninstalled afterwards.
    """
    if plan == yes:
        raise typer.BadParameter("either --plan or --yes", param_hint="--plan")
    if plan:
        found = with_platform(lambda platform: plan_removal(platform, plugin))
        say(as_json, {**found.told(), "removed": False}, *_lines(found.told()))
        return
    found, exported = with_platform(lambda platform: remove_plugin(platform, plugin, export))
    say(
        as_json,
        {**found.told(), "removed": True, "exported": [str(each.folder) for each in exported]},
        *_lines(found.told()),
        *(f"已导出 exported {each.folder}" for each in exported),
        f"已移除。Removed. Next: uninstall the package of {plugin}",
    )


@app.command("export")
def export_command(
    slug: Slug,
    plugin: PluginId,
    *,
    out: Annotated[Path, typer.Option("--out", help="The folder; the tenant's own is made in it.")],
    as_json: Json = False,
) -> None:
    """导出插件数据 · A tenant's rows of a plugin as NDJSON, one file a table."""
    done = with_platform(lambda platform: export_plugin(platform, slug, plugin, out))
    lines = [f"{table}: {rows}" for table, rows in done.tables.items()]
    say(as_json, asdict(done), *lines, f"已导出 exported {done.folder}")


def _lines(told: dict[str, Any]) -> list[str]:
    found = [f"{told['plugin']} {told['version']}  schema {told['schema']}"]
    for kind in ("tables", "parts"):
        for name, counts in told[kind].items():
            tenants = ", ".join(f"{slug or '-'} {rows}" for slug, rows in counts.items()) or "0"
            found.append(f"  {name:<24} {tenants}")
    return found
