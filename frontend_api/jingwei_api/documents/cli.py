"""``jingwei documents`` (受信文档)."""

from pathlib import Path
from typing import Annotated

import typer

from jingwei_api.documents.checking import Checked, check_documents
from jingwei_api.limits.ceilings import default_ceiling
from jingwei_api.settings import ApiSettings

app = typer.Typer(help="Trusted documents.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="A manifest, a .graphql file, or a folder of them.")]
Plugins = Annotated[
    str | None,
    typer.Option(help="Enabled plugins, with commas; all that are installed if left out."),
]


@app.callback()
def documents() -> None:
    """Operations that a frontend's build wrote down."""


@app.command()
def check(folder: Folder, plugins: Plugins = None) -> None:
    """Validate each document and tell what it costs; fails when one could not run."""
    enabled = None if plugins is None else [name for name in plugins.split(",") if name]
    failed = total = 0
    for one in check_documents(folder, default_ceiling(ApiSettings()), enabled):
        typer.echo(_line(one))
        for problem in one.problems:
            typer.echo(f"  {problem}")
        total += 1
        failed += bool(one.problems)
    typer.echo(f"{total} operations, {failed} that could not run", err=True)
    if failed or not total:
        raise typer.Exit(1)


def _line(one: Checked) -> str:
    name = f"{one.document.source} {one.operation}".strip()
    if one.usual is None or one.cost is None:
        return f"{one.document.id[:16]}  refused  {name}"
    return (
        f"{one.document.id[:16]}  cost {one.usual.cost} (at most {one.cost.cost}),"
        f" rows {one.usual.rows} ({one.cost.rows}), depth {one.usual.depth}  {name}"
    )
