"""``jingwei plugin enable``, ``disable``, ``configure``: a plugin on, off and set for a tenant."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer

from jingwei_core.cli.output import Json, say, with_platform
from jingwei_core.cli.plugin.arguments import PluginId, Slug
from jingwei_core.cli.plugin.given import Given, Secrets, change_of
from jingwei_core.platform import Platform
from jingwei_core.plugins.switching import (
    Switched,
    Switching,
    configure_plugin,
    disable_plugin,
    enable_plugin,
)
from jingwei_core.plugins.tenant_settings import StoredSettings

app = typer.Typer()

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would happen, keep nothing.")]


@app.command()
def enable(
    slug: Slug,
    plugin: PluginId,
    *,
    given: Given = None,
    secret: Secrets = None,
    with_dependencies: Annotated[
        bool, typer.Option("--with-dependencies", help="Enable what it requires first.")
    ] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """启用插件 · Enable a plugin for a tenant, or change its settings; seen within 2 s."""
    asked = Switching(change_of(given, secret, ()), with_dependencies, dry_run)
    done = with_platform(lambda platform: enable_plugin(platform, slug, plugin, asked))
    _tell(slug, plugin, done, asked, as_json=as_json)


@app.command()
def disable(
    slug: Slug,
    plugin: PluginId,
    *,
    with_dependants: Annotated[
        bool, typer.Option("--with-dependants", help="Disable those that require it as well.")
    ] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """停用插件 · Disable a plugin for a tenant; its data is kept."""
    asked = Switching(with_others=with_dependants, dry_run=dry_run)
    done = with_platform(lambda platform: disable_plugin(platform, slug, plugin, asked))
    _tell(slug, plugin, done, asked, as_json=as_json)


@app.command()
def configure(
    slug: Slug,
    plugin: PluginId,
    *,
    given: Given = None,
    secret: Secrets = None,
    unset: Annotated[
        list[str] | None, typer.Option("--unset", metavar="KEY", help="Back to its default.")
    ] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """设置插件 · Change settings of a tenant's plugin; without options, show them.

    A secret is asked for without an echo, or read as a line from a pipe; it is never shown again.
    """
    asked = Switching(change_of(given, secret, unset or ()), dry_run=dry_run)

    async def work(platform: Platform) -> dict[str, Any]:
        settings = (await configure_plugin(platform, slug, plugin, asked)).settings
        return {"tenant": slug, "plugin": plugin, **settings.told(), "dry_run": asked.dry_run}

    told = with_platform(work)
    say(as_json, told, f"{slug}: {plugin}", *_lines(told["settings"], told["secrets"]))


def _tell(slug: str, plugin: str, done: Switched, asked: Switching, *, as_json: bool) -> None:
    word = "已启用 enabled" if done.row.enabled else "已停用 disabled"
    settings: StoredSettings = done.row.settings
    told = settings.told()
    say(
        as_json,
        {
            "tenant": slug,
            "plugin": plugin,
            "enabled": done.row.enabled,
            **told,
            "steps": [{"plugin": step.plugin, "because": step.chain} for step in done.steps],
            "dry_run": asked.dry_run,
        },
        *(f"{slug}: {step.plugin} {word}  ({step.chain})" for step in done.steps[:-1]),
        f"{slug}: {plugin} {word}",
        *_lines(told["settings"], told["secrets"]),
        *(["试运行，未保存。Dry run, nothing kept."] if asked.dry_run else []),
    )


def _lines(settings: Mapping[str, Any], secrets: Iterable[str]) -> list[str]:
    return [
        *(f"  {name} = {value}" for name, value in settings.items()),
        *(f"  {name} = ***" for name in secrets),
    ]
