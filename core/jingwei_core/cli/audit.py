"""``jingwei audit``: the audit log and its chain."""

from typing import Annotated, Any

import typer

from jingwei_core.audit.chain import verify_chain
from jingwei_core.cli.output import Json, say, say_rows, tenant_rows, with_platform
from jingwei_core.platform import Platform

app = typer.Typer(no_args_is_help=True, help="审计 · The audit log, and whether it is intact.")

Slug = Annotated[str, typer.Argument(help="The tenant's slug.")]


@app.command()
def verify(
    slug: Slug,
    *,
    head: Annotated[
        str | None, typer.Option(help="The head noted down earlier must still be in the chain.")
    ] = None,
    as_json: Json = False,
) -> None:
    """校验审计链 · Recompute the chain; exit code 1 when a row was changed behind its back."""

    async def check(platform: Platform) -> dict[str, Any]:
        state = await platform.state(slug)
        async with platform.database.unit(state.tenant.id) as unit:
            verdict = await verify_chain(unit)
            known = head is None or await unit.fetchval(
                "SELECT true FROM core.audit_entry WHERE hash = $1", head
            )
        reason = verdict.reason or ("" if known else "the noted head is not in the chain")
        return {
            "slug": slug,
            "intact": not reason,
            "rows": verdict.rows,
            "head": verdict.head,
            "broken_at": verdict.broken_at,
            "reason": reason,
        }

    found = with_platform(check)
    line = (
        f"{slug}: 完整 intact, {found['rows']} rows, head {found['head']}"
        if found["intact"]
        else f"{slug}: 已被篡改 BROKEN{_place(found['broken_at'])}: {found['reason']}"
    )
    say(as_json, found, line)
    if not found["intact"]:
        raise typer.Exit(1)


def _place(row: int | None) -> str:
    return "" if row is None else f" at row {row}"


@app.command("list")
def list_command(
    slug: Slug,
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many rows, newest first.")] = 20,
    as_json: Json = False,
) -> None:
    """审计记录 · The newest rows of a tenant's audit log."""
    rows = tenant_rows(
        slug,
        "SELECT sequence, at, actor_name, command, target_id, request_id"
        " FROM core.audit_entry ORDER BY sequence DESC LIMIT $1",
        limit,
    )
    say_rows(as_json, rows, "没有审计记录。No rows yet.")
