"""How a walk is told on a terminal (演示输出)."""

import json
from datetime import datetime

import typer

from jingwei_api.demo.frontend import without_secrets
from jingwei_api.demo.walk import CHINA, Photo, Step, Walk

_LONGEST = 1500


def tell_walk(walk: Walk) -> None:
    """Print the timeline: when, what, from, to, who, evidence; then the photos."""
    typer.echo(f"{walk.number}  {walk.title}  @ {walk.place}")
    for step in walk.steps:
        typer.echo(_step(step))
    for photo in walk.photos:
        typer.echo(_photo(photo))
    typer.echo(f"{len(walk.steps)} 步 steps, {walk.state}, {walk.seconds:.1f} s")


def tell_exchange(what: str, sent: object, received: object) -> None:
    """Print a request and its response, without passwords, tokens and signatures."""
    typer.echo(f"→ {what}", err=True)
    typer.echo(_shown(sent), err=True)
    typer.echo(f"← {_shown(received)}", err=True)


def _step(step: Step) -> str:
    """Chinese stands last: a terminal gives it two columns a character, and nothing follows it."""
    at = datetime.fromisoformat(step.at).astimezone(CHINA)
    way = f"{step.from_state or '·':>10} → {step.to_state:<10}"
    photos = ", ".join(f"photo {phase}" for phase in step.photos)
    line = f"{step.number:>3}  {at:%H:%M:%S}  {step.action:<9}{way}  {step.login:<18}{photos:<13}"
    return f"{line} {step.actor}  {step.note}".rstrip()


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
