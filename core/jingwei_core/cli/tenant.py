"""``jingwei tenant``: tenants as data."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from jingwei_core.cli.output import Json, say, say_rows, with_platform
from jingwei_core.platform import Platform
from jingwei_core.tenants.apply import Outcome, apply_package
from jingwei_core.tenants.difference import TableDifference
from jingwei_core.tenants.generate import generate_places
from jingwei_core.tenants.generate_demo import generate_demo
from jingwei_core.tenants.package import load_package
from jingwei_core.tenants.package_problems import PackageInvalid
from jingwei_core.tenants.status import list_tenants, set_status, tenant_counts

app = typer.Typer(
    no_args_is_help=True, help="租户 · Tenants: cities and counties as data packages."
)

Slug = Annotated[str, typer.Argument(help="The tenant's slug, for example yichang.")]
_SHOWN = 5


@app.command("list")
def list_command(*, as_json: Json = False) -> None:
    """租户清单 · Every tenant with its status and package version."""
    lines = with_platform(lambda platform: list_tenants(platform.database))
    say_rows(
        as_json,
        [asdict(line) for line in lines],
        "没有租户。No tenants yet: jingwei tenant apply tenants/yichang",
    )


@app.command()
def show(slug: Slug, *, as_json: Json = False) -> None:
    """租户概况 · What a tenant holds and which plugins it has enabled."""

    async def read(platform: Platform) -> dict[str, Any]:
        state = await platform.state(slug)
        counts = await tenant_counts(platform, slug)
        return {
            "slug": slug,
            "id": str(state.tenant.id),
            "name": state.tenant.name,
            "status": state.status,
            "timezone": state.tenant.timezone.key,
            "plugins": sorted(state.enabled),
            **counts,
        }

    found = with_platform(read)
    say(as_json, found, *(f"{name:>14}  {value}" for name, value in found.items()))


@app.command()
def apply(
    folder: Annotated[Path, typer.Argument(help="The package, for example tenants/yichang.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the difference only.")] = False,
    as_json: Json = False,
) -> None:
    """应用数据包 · Create or update a tenant from its package; all of it or nothing."""
    began = time.monotonic()
    try:
        package = load_package(folder)
    except PackageInvalid as error:
        _refuse(error, as_json=as_json)
    outcome = with_platform(lambda platform: apply_package(platform, package, dry_run=dry_run))
    took = time.monotonic() - began
    warned = len(package.warnings)
    say(
        as_json,
        {**_summary(outcome), "warnings": warned, "dry_run": dry_run, "seconds": round(took, 2)},
        *_lines(outcome),
        *_closing(outcome, warned, took, dry_run=dry_run),
    )


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="The package, for example tenants/yichang.")],
    *,
    as_json: Json = False,
) -> None:
    """检查数据包 · Read a package and list what is unusual in it; no database needed."""
    try:
        package = load_package(folder)
    except PackageInvalid as error:
        _refuse(error, as_json=as_json)
    rows = [
        {"file": w.file, "row": w.row, "field": w.field, "code": w.code, "message": w.message_zh}
        for w in package.warnings
    ]
    say_rows(as_json, rows, f"{folder.name}: 没有问题。Nothing unusual.")


@app.command("generate-grids")
def generate_grids(
    folder: Annotated[Path, typer.Argument(help="A package with a generate.toml.")],
    *,
    demo: Annotated[bool, typer.Option("--demo", help="The demo rows as well.")] = False,
    as_json: Json = False,
) -> None:
    """生成网格 · Write the generated grids and outlines of a package anew, always the same."""
    written = generate_places(folder)
    if demo:
        written = {**written, **generate_demo(folder)}
    say(
        as_json,
        {"written": written},
        *(f"{name}: {rows} rows" for name, rows in written.items()),
        f"next: jingwei tenant check {folder}",
    )


@app.command()
def clone(
    source: Slug,
    slug: Annotated[str, typer.Argument(metavar="NEW", help="The slug of the new tenant.")],
    *,
    name: Annotated[str, typer.Option(help="Its name; the slug if not said.")] = "",
    as_json: Json = False,
) -> None:
    """复制租户 · A new tenant with the same configuration: no people, nothing that happened."""
    from jingwei_core.tenants.cloning import clone_tenant

    done = with_platform(lambda platform: clone_tenant(platform, source, slug, name or slug))
    rows = {table: count for table, count in done.rows.items() if count}
    say(
        as_json,
        {
            "slug": slug,
            "id": str(done.tenant),
            "rows": rows,
            "plugins": done.plugins,
            "left_out": done.left_out,
        },
        *(f"{table:<28} {count}" for table, count in rows.items()),
        *(f"插件未安装，未复制 not installed, left out: {each}" for each in done.left_out),
        f"{slug}: 已创建 made. Next: jingwei access --help",
    )


@app.command()
def suspend(slug: Slug, *, as_json: Json = False) -> None:
    """停用租户 · Nobody of the tenant gets in; its data stays."""
    _switch(slug, "suspended", as_json=as_json)


@app.command()
def resume(slug: Slug, *, as_json: Json = False) -> None:
    """恢复租户 · Undo a suspension."""
    _switch(slug, "active", as_json=as_json)


def _refuse(error: PackageInvalid, *, as_json: bool) -> NoReturn:
    problems = [asdict(problem) for problem in error.problems]
    lines = [
        *(str(problem) for problem in error.problems),
        f"{len(problems)} 处错误，未应用任何内容。Nothing was applied.",
    ]
    say(as_json, {"problems": problems}, *lines)
    raise typer.Exit(1) from error


def _switch(slug: str, status: Any, *, as_json: bool) -> None:
    changed = with_platform(lambda platform: set_status(platform, slug, status))
    word = "changed to" if changed else "was already"
    say(
        as_json,
        {"slug": slug, "status": status, "changed": changed},
        f"{slug}: {word} {status}",
    )


def _summary(outcome: Outcome) -> dict[str, Any]:
    return {
        "slug": outcome.slug,
        "new": outcome.is_new,
        "tenant": {name: to for name, (_, to) in outcome.tenant.changed.items()},
        "tables": {
            table.section.name: {
                "added": len(table.added),
                "changed": [
                    {"key": [str(part) for part in key], "to": changes}
                    for key, (_, changes) in table.changed.items()
                ],
                "gone": [[str(part) for part in key] for key in table.gone],
            }
            for table in outcome.tables
            if not table.is_empty
        },
        "workflows": [f"{change.code} v{change.number}" for change in outcome.workflows],
        "plugins": dict(outcome.plugins),
    }


def _lines(outcome: Outcome) -> list[str]:
    lines = [f"{outcome.slug}: {'新租户 new' if outcome.is_new else '已有租户 existing'}"]
    for name, (old, to) in outcome.tenant.changed.items():
        lines.append(f"  tenant         {name}: {old!r} → {to!r}")
    for table in outcome.tables:
        if not table.is_empty:
            counts = f"+{len(table.added)} ~{len(table.changed)} -{len(table.gone)}"
            lines.append(f"  {table.section.name:<14} {counts}")
            lines += _examples(table)
    lines += [f"  workflow       {w.code} v{w.number}" for w in outcome.workflows]
    lines += [f"  plugin         {name} {'on' if on else 'off'}" for name, on in outcome.plugins]
    return lines


def _examples(table: TableDifference) -> list[str]:
    shown = []
    for key, (old, changes) in list(table.changed.items())[:_SHOWN]:
        told = ", ".join(f"{name}: {old[name]!r} → {value!r}" for name, value in changes.items())
        shown.append(f"      ~ {' '.join(str(part) for part in key)}  {told}")
    return shown


def _closing(outcome: Outcome, warned: int, took: float, *, dry_run: bool) -> list[str]:
    lines = [f"  {warned} 条提示 warnings (jingwei tenant check)"] if warned else []
    if outcome.is_empty:
        return [*lines, f"没有差异。Nothing to do ({took:.1f} s)."]
    if dry_run:
        return [*lines, f"试运行，未写入。Dry run, nothing written ({took:.1f} s)."]
    return [*lines, f"已应用。Applied ({took:.1f} s). Next: jingwei tenant show {outcome.slug}"]
