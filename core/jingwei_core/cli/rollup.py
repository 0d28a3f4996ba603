"""``jingwei rollup``: kept counts, folded, made anew and verified."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Annotated, Any

import typer

from jingwei_core.cli.output import Json, say, with_platform
from jingwei_core.database import Unit
from jingwei_core.platform import Platform
from jingwei_core.rollups.cubes import Source, source_of
from jingwei_core.rollups.keeping import differences, fold, rebuild

app = typer.Typer(
    no_args_is_help=True, help="汇总 · Kept counts: fold, rebuild, and compare with the rows."
)

Tenant = Annotated[str | None, typer.Option("--tenant", help="Only this tenant, by slug.")]
Work = Callable[[Unit, Source], Awaitable[Any]]

SHOWN = 20
"""So many differences of one record are told."""


@app.command("fold")
def fold_command(*, tenant: Tenant = None, as_json: Json = False) -> None:
    """折叠增量 · Add what was written since the last time to the counts; a job does it as well."""

    async def work(unit: Unit, source: Source) -> int:
        return await fold(unit, [source])

    found = _each(tenant, work)
    total = sum(line["result"] for line in found)
    say(as_json, [_plain(line, "deltas") for line in found], f"已折叠 {total} folded")


@app.command("rebuild")
def rebuild_command(*, tenant: Tenant = None, as_json: Json = False) -> None:
    """重建汇总 · Count all rows anew, while others write; after a load past the triggers."""
    found = _each(tenant, rebuild)
    total = sum(line["result"] for line in found)
    say(as_json, [_plain(line, "counts") for line in found], f"已重建 {total} counts made")


@app.command("verify")
def verify_command(*, tenant: Tenant = None, as_json: Json = False) -> None:
    """校验汇总 · Compare every count with the rows; exit code 1 when one differs."""

    async def work(unit: Unit, source: Source) -> list[dict[str, Any]]:
        return [asdict(found) for found in await differences(unit, source, SHOWN)]

    found = _each(tenant, work)
    wrong = [line for line in found if line["result"]]
    lines = [
        f"{line['tenant']} {line['record']} {each['path']} {each['values']}:"
        f" 保存 kept {each['kept']}, 实际 counted {each['counted']}"
        for line in wrong
        for each in line["result"]
    ]
    last = "存在差异 differences found; next: jingwei rollup rebuild" if wrong else "一致 all equal"
    say(as_json, [_plain(line, "differences") for line in found], *lines, last)
    if wrong:
        raise typer.Exit(1)


def _each(tenant: str | None, work: Work) -> list[dict[str, Any]]:
    """Do ``work`` for each record with roll-ups of each tenant, in transactions of their own."""

    async def run(platform: Platform) -> list[dict[str, Any]]:
        found = []
        for slug in [tenant] if tenant else await _slugs(platform):
            tenant_id = (await platform.state(slug)).tenant.id
            registry = await platform.registry(tenant_id)
            for record in registry.records.values():
                source = source_of(record)
                if source is None:
                    continue
                typer.echo(f"{slug} {record.name} …", err=True)
                async with platform.database.unit(tenant_id) as unit:
                    await unit.execute("SET LOCAL statement_timeout = 0")
                    result = await work(unit, source)
                found.append({"tenant": slug, "record": record.name, "result": result})
        return found

    return with_platform(run)


async def _slugs(platform: Platform) -> list[str]:
    async with platform.database.platform() as unit:
        rows = await unit.fetch("SELECT slug FROM platform.tenant ORDER BY slug")
    return [row["slug"] for row in rows]


def _plain(line: dict[str, Any], name: str) -> dict[str, Any]:
    return {"tenant": line["tenant"], "record": line["record"], name: line["result"]}
