"""``jingwei plugin deny-list`` and ``sign-deny-list``: versions of plugins that must not run."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from jingwei_core.cli.output import Json, say, with_platform
from jingwei_core.platform import Platform
from jingwei_core.plugins.deny_list import private_key, read_deny_list, signed
from jingwei_core.plugins.watch import Word, deployment_word

app = typer.Typer()


@app.command("deny-list")
def deny_list(*, as_json: Json = False) -> None:
    """停用名单 · The deny list in force, which installed plugins it meets, and whether the file
    that is configured can be read."""

    async def work(platform: Platform) -> tuple[Word, dict[str, str]]:
        return await deployment_word(platform.database), platform.host.versions()

    word, versions = with_platform(work)
    met = [off.plugin for off in word.denied.offs(versions)]
    told: dict[str, Any] = {
        "serial": word.denied.serial,
        "issued": word.denied.issued,
        "problem": word.problem,
        "denied": [msgspec.to_builtins(line) for line in word.denied.denied],
        "met": met,
    }
    say(
        as_json,
        told,
        f"serial {word.denied.serial}  {word.denied.issued or '没有名单 no list'}",
        *(f"  {line.plugin} {line.versions}  {line.link}" for line in word.denied.denied),
        *(f"! {plugin}" for plugin in met),
        *([f"! {word.problem}"] if word.problem else []),
    )


@app.command("sign-deny-list")
def sign(
    content: Annotated[Path, typer.Argument(help="The list, TOML without a signature.")],
    *,
    key: Annotated[Path, typer.Option(help="Private key (PEM), as jingwei-plugin key writes.")],
    out: Annotated[Path, typer.Option(help="Where the signed list is written.")],
    as_json: Json = False,
) -> None:
    """签发名单 · Sign a deny list; its serial number must be higher than that of the last one."""
    signing, public = private_key(key)
    text = signed(content.read_text(encoding="utf-8"), signing)
    found = read_deny_list(text, [public])
    # Read while it is replaced, a half written file would be a forged one for a moment.
    draft = out.with_name(f".{out.name}.draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(out)
    told = {name: value for name, value in asdict(found).items() if name in ("serial", "issued")}
    say(as_json, {**told, "key": public}, f"serial {found.serial} → {out}", f"key {public}")
