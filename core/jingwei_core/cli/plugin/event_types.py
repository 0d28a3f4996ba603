"""``jingwei plugin event-types``: what plugins tell one another, with its JSON Schema."""

from typing import Annotated, Any

import typer

from jingwei_core.cli.output import Json, say_rows
from jingwei_core.cli.plugin.listing import installed_host

app = typer.Typer()


@app.command("event-types")
def event_types(
    plugin: Annotated[str | None, typer.Argument(metavar="[ID]", help="One plugin only.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """事件消息 · The event types of installed plugins; --json with the schema of each payload."""
    from jingwei_core.plugins.event_types import event_type_lines

    host = installed_host()
    if plugin is not None:
        host.get(plugin)
    found = event_type_lines([each.plugin for each in host.installed() if each.plugin is not None])
    rows = [row for row in found if plugin in (None, row["plugin"])]
    say_rows(
        as_json,
        rows if as_json else [_plain(row) for row in rows],
        "没有声明事件消息。No event type is declared.",
    )


def _plain(row: dict[str, Any]) -> dict[str, str]:
    payload = str(row["schema"]["$ref"]).rpartition("/")[2]
    told = {name: row[name] for name in ("event_type", "plugin", "description")}
    return {**told, "payload": payload, "consumers": ", ".join(row["consumers"])}
