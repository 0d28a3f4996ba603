"""How the command line tells an error: its code, its text in the reader's language, what to do."""

import json
import os
from functools import cache

import typer

from jingwei_core.catalogue import load_core_texts
from jingwei_core.plugins.discovery import discover
from jingwei_core.plugins.texts import load_texts
from jingwei_sdk.errors import JingweiError
from jingwei_sdk.messages import LOCALES, Catalogue


def tell_error(error: JingweiError, *, as_json: bool) -> None:
    """Print an error's code, message and next step; as JSON on standard output for programs."""
    message = catalogue().describe(error, locale())
    if as_json:
        document = {
            "code": error.code,
            "message": message.text,
            "next_step": message.next_step,
            "file": error.file,
            "row": error.row,
            "field": error.field,
        }
        typer.echo(json.dumps({"error": document}, ensure_ascii=False, indent=2, default=str))
        return
    place = ":".join(str(part) for part in (error.file, error.row, error.field) if part is not None)
    typer.echo(f"{error.code}: {message.text}" + (f" [{place}]" if place else ""), err=True)
    if message.next_step:
        typer.echo(f"  → {message.next_step}", err=True)


def locale() -> str:
    """``zh`` or ``en``, from ``JINGWEI_LOCALE``, ``LC_ALL``, ``LC_MESSAGES`` or ``LANG``."""
    for name in ("JINGWEI_LOCALE", "LC_ALL", "LC_MESSAGES", "LANG"):
        wanted = os.environ.get(name, "")[:2]
        if wanted in LOCALES:
            return wanted
    return "en"


@cache
def catalogue() -> Catalogue:
    """The texts of the core's rooms and of the installed plugins."""
    found = Catalogue()
    load_core_texts(found)
    load_texts(found, discover())
    return found
