"""How a walk is told on a terminal (演示输出)."""

import json

import typer

from jingwei_api.demo.frontend import without_secrets
from jingwei_api.demo.walk import Photo, Walk
from jingwei_core.cli.output import say_rows

_LONGEST = 1500


def tell_walk(walk: Walk) -> None:
    """Print the timeline: who, when, from, to, evidence; then the photos."""
    typer.echo(f"{walk.number}  {walk.title}  @ {walk.place}")
    rows = [
        {
            "#": step.number,
            "时间 at": step.at[:19].replace("T", " "),
            "经办 who": f"{step.actor} ({step.login})",
            "动作 action": step.action,
            "环节 from → to": f"{step.from_state or '·'} → {step.to_state}",
            "证据 evidence": ", ".join(step.photos),
            "说明 note": step.note,
        }
        for step in walk.steps
    ]
    say_rows(False, rows, "")
    for photo in walk.photos:
        typer.echo(_photo(photo))
    typer.echo(f"{len(walk.steps)} 步 steps, {walk.state}, {walk.seconds:.1f} s")


def tell_exchange(what: str, sent: object, received: object) -> None:
    """Print a request and its response, without passwords, tokens and signatures."""
    typer.echo(f"→ {what}", err=True)
    typer.echo(_shown(sent), err=True)
    typer.echo(f"← {_shown(received)}", err=True)


def _photo(photo: Photo) -> str:
    place = f"{photo.lon:.6f}, {photo.lat:.6f}" if photo.lon and photo.lat else "no position"
    exif = "still has EXIF" if photo.view_has_exif else "without EXIF"
    return (
        f"  {photo.phase:<6} {photo.size} bytes, sha-256 {photo.sha256[:16]}… fetched again and"
        f" equal; {place}, {photo.taken_at}; derivative {exif}"
    )


def _shown(value: object) -> str:
    text = json.dumps(without_secrets(value), ensure_ascii=False, indent=1)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
