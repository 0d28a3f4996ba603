"""``jingwei plugin deprecations``: which plugin still uses what a later SDK does not have."""

from typing import Annotated

import typer

from jingwei_core.cli.output import Json, say_rows
from jingwei_core.cli.texts import locale
from jingwei_core.plugins.discovery import discover
from jingwei_sdk.deprecations import uses

app = typer.Typer()


@app.command("deprecations")
def deprecations_command(
    plugin: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Of this plugin only.")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """弃用清单 · What each installed plugin uses that goes away, where, and what to do instead."""
    language = locale()
    lines = [
        {
            "plugin": found.id,
            "uses": use.deprecation.name,
            "where": f"{use.file}:{use.line}",
            "gone_in": use.deprecation.removed_in,
            "not_before": use.deprecation.not_before.isoformat(),
            "instead": use.deprecation.zh if language == "zh" else use.deprecation.en,
        }
        for found in discover()
        if found.package_dir is not None and plugin in (None, found.id)
        for use in uses(found.package_dir)
    ]
    say_rows(as_json, lines, "没有插件使用已弃用的接口。No plugin uses anything deprecated.")
