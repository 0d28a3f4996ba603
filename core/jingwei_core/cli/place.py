"""``jingwei place``: the place tree of a tenant."""

import gzip
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from jingwei_core.audit.writing import append_audit
from jingwei_core.cli.output import Json, say, say_rows, tenant_rows, with_platform
from jingwei_core.commands.data import Change, UnitData
from jingwei_core.places.importing import DivisionFile, import_divisions
from jingwei_core.places.search import PLACES, find_statement
from jingwei_core.platform import Platform
from jingwei_core.session import system_context

app = typer.Typer(no_args_is_help=True, help="地点 · Places: look them up, import divisions.")

Slug = Annotated[str, typer.Argument(help="The tenant's slug.")]


@app.command()
def find(
    slug: Slug,
    text: Annotated[str, typer.Argument(help="A name, pinyin, initials or a code, or a part.")],
    *,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many at most.")] = 20,
    as_json: Json = False,
) -> None:
    """查找地点 · Places by name, pinyin or code."""
    rows = tenant_rows(slug, find_statement(limit), *PLACES.bounds(text))
    say_rows(as_json, rows, f"{slug}: 没有找到。Nothing matches {text!r}.")


@app.command("import")
def import_command(
    slug: Slug,
    file: Annotated[Path, typer.Argument(help="CSV, or CSV.gz: code,name,level,parent_code.")],
    valid_from: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First valid day.")],
    *,
    as_json: Json = False,
) -> None:
    """导入行政区划 · Add every division of a file; all of it or nothing."""
    began = time.monotonic()
    columns = (SpinnerColumn(), TextColumn("{task.completed:>7} rows"), TimeElapsedColumn())
    with Progress(*columns, disable=as_json, transient=True) as bar, _open(file) as lines:
        task = bar.add_task("import")

        async def work(platform: Platform) -> int:
            state = await platform.state(slug)
            divisions = DivisionFile(lines, file.name, valid_from.date())
            async with system_context(platform, state.tenant, "place.import") as ctx:
                added = await import_divisions(
                    ctx.unit, divisions, lambda rows: bar.update(task, completed=rows)
                )
                assert isinstance(ctx.data, UnitData)
                told = {"file": file.name, "added": added}
                ctx.data.changes.append(Change("place", state.tenant.id, None, told, None))
                await append_audit(ctx, "place.import", state.tenant.id)
            return added

        count = with_platform(work)
    took = time.monotonic() - began
    say(
        as_json,
        {"slug": slug, "added": count, "seconds": round(took, 1)},
        f"{slug}: 已导入 added {count} places in {took:.1f} s",
        f"next: jingwei place find {slug} NAME",
    )


def _open(file: Path) -> TextIO:
    if file.suffix == ".gz":
        return gzip.open(file, "rt", encoding="utf-8-sig")
    return file.open(encoding="utf-8-sig")
