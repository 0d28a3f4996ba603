"""``jingwei privacy``: what is kept about persons, and why; a person's copy, and its erasure."""

import json
from pathlib import Path
from typing import Annotated

import typer

from jingwei_core.cli.output import Json, say, say_rows, with_platform
from jingwei_core.contribution import core_contribution
from jingwei_core.plugins.host import discover
from jingwei_core.privacy.register import as_page, as_rows
from jingwei_core.privacy.register import register as entries_of
from jingwei_sdk.data_rights import ACCOUNT
from jingwei_sdk.plugin import Plugin

app = typer.Typer(no_args_is_help=True, help="个人信息 · What is kept about persons, and why.")


Slug = Annotated[str, typer.Argument(metavar="TENANT", help="The tenant's slug.")]
Who = Annotated[
    str,
    typer.Argument(
        metavar="WHO", help="The login of the person's account; with --record the id of the row."
    ),
]
Record = Annotated[
    str, typer.Option("--record", help="The record that stands for the person in a plugin.")
]


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


@app.command()
def export(
    slug: Slug,
    who: Who,
    *,
    record: Record = ACCOUNT,
    out: Annotated[Path, typer.Option("--out", help="The file to write; it holds personal data.")],
    as_json: Json = False,
) -> None:
    """个人信息副本 · Write a person's copy of their data, over the core and all plugins."""
    from jingwei_core.privacy.subject import export_subject

    copy = with_platform(lambda platform: export_subject(platform, slug, who, record=record))
    text = json.dumps(copy.told(), ensure_ascii=False, indent=2)
    out.touch(mode=0o600)
    out.write_text(text, encoding="utf-8")
    say(as_json, {"file": str(out), "packages": sorted(copy.packages)}, f"已写入 wrote {out}")


@app.command()
def erase(
    slug: Slug,
    who: Who,
    *,
    record: Record = ACCOUNT,
    yes: Annotated[bool, typer.Option("--yes", help="Nothing brings it back.")] = False,
    as_json: Json = False,
) -> None:
    """删除个人信息 · Take a person out of the core and all plugins; what a law keeps stays."""
    from jingwei_core.privacy.subject import erase_subject

    if not yes:
        raise typer.BadParameter("say --yes", param_hint="--yes")
    erased = with_platform(lambda platform: erase_subject(platform, slug, who, record=record))
    lines = [f"{package}: {rows}" for package, rows in erased.items()]
    say(as_json, {"tenant": slug, "erased": dict(erased)}, *lines, "已删除。Erased.")
