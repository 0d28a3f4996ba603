"""``jingwei privacy``: what is kept about persons, and why."""

from pathlib import Path
from typing import Annotated

import typer

from jingwei_core.cli.output import Json, say_rows
from jingwei_core.contribution import core_contribution
from jingwei_core.plugins.host import discover
from jingwei_core.privacy.register import as_page, as_rows
from jingwei_core.privacy.register import register as entries_of
from jingwei_sdk.plugin import Plugin

app = typer.Typer(no_args_is_help=True, help="个人信息 · What is kept about persons, and why.")


@app.callback()
def _group() -> None:
    """A group even with one command."""


def packages() -> list[Plugin]:
    """The core and every plugin installed here that can be loaded."""
    return [core_contribution(), *(each.plugin for each in discover() if each.plugin is not None)]


@app.command()
def register(
    *,
    as_json: Json = False,
    out: Annotated[Path | None, typer.Option(help="Write the register as a page here.")] = None,
) -> None:
    """个人信息登记 · Every personal field: purpose, legal basis, sensitivity, retention."""
    found = packages()
    if out is not None:
        out.write_text(as_page(found), encoding="utf-8")
        return
    rows = as_rows(entries_of(found))
    say_rows(as_json, rows, "没有个人信息字段。No field of a person.")
