"""``jingwei plugin upgrade``: a tenant's settings and rows brought to the installed version."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from jingwei_core.cli.output import Json, say, with_platform
from jingwei_core.cli.texts import tell_error
from jingwei_core.platform import Platform
from jingwei_core.plugins.upgrading import plan_upgrade, plugins_in_use, upgrade_plugin
from jingwei_sdk.errors import JingweiError

app = typer.Typer()


@app.command()
def upgrade(
    slug: Annotated[str | None, typer.Argument(metavar="TENANT", help="The tenant's slug.")] = None,
    plugin: Annotated[
        str | None, typer.Argument(metavar="ID", help="Every plugin of the tenant if not said.")
    ] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All tenants.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Show what would be done only.")] = False,
    as_json: Json = False,
) -> None:
    """升级插件 · Bring a tenant's settings and rows to the installed version; safe to repeat."""
    if every == (slug is not None):
        raise typer.BadParameter("a tenant, or --all", param_hint="TENANT")
    done, failed = with_platform(lambda platform: _upgrade(platform, slug, plugin, plan=plan))
    say(
        as_json,
        {"upgraded": done, "failed": [str(error) for error in failed], "plan": plan},
        *(line for told in done for line in _lines(told, plan=plan)),
        *([] if done or failed else ["没有需要升级的。Everything is up to date."]),
    )
    for error in failed:
        if not as_json:
            tell_error(error, as_json=False)
    if failed:
        raise typer.Exit(1)


async def _upgrade(
    platform: Platform, slug: str | None, plugin: str | None, *, plan: bool
) -> tuple[list[dict[str, Any]], list[JingweiError]]:
    if slug is not None:
        await platform.state(slug)
    done, failed = [], []
    used = await plugins_in_use(platform, slug, plugin)
    if slug is not None and plugin is not None and not used:
        used = [(slug, plugin)]  # it says why not
    for tenant, found in used:
        try:
            if plan:
                planned = await plan_upgrade(platform, tenant, found)
                rows = 0
            else:
                upgraded = await upgrade_plugin(platform, tenant, found)
                planned, rows = upgraded.plan, upgraded.rows
        except JingweiError as error:
            failed.append(error)
            continue
        if not planned.is_empty:
            done.append({**planned.told(), "rows": rows})
    return done, failed


def _lines(told: dict[str, Any], *, plan: bool) -> Iterator[str]:
    yield _line(told, plan=plan)
    for put in told["puts"]:
        yield f"  {put['what']} {put['name']}: {put['effect']}"
        yield from (f"    {line}" for line in put["lines"])
    yield from (f"  ! {line}" for line in told["misfits"])


def _line(told: dict[str, Any], *, plan: bool) -> str:
    word = "将升级 to be upgraded" if plan else "已升级 upgraded"
    steps = ", ".join(step["to"] for step in told["steps"]) or "-"
    before, after = told["settings"]
    return (
        f"{told['tenant']}: {told['plugin']} {word} {told['from']} → {told['to']}"
        f"  settings v{before} → v{after}  steps {steps}  rows {told['rows']}"
    )
