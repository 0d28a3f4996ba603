"""``jingwei-plugin``: what an author does with a plugin, without a platform.

The platform's own ``jingwei plugin new|check|verify`` are the same functions.
"""

import json
import os
import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jingwei_sdk.errors import Invalid, JingweiError
from jingwei_sdk.messages import LOCALES, Catalogue

if TYPE_CHECKING:
    from jingwei_sdk.trust.verify import Verdict

Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]

app = typer.Typer(
    name="jingwei-plugin",
    help="插件开发 · Make, check and vouch for a plugin of Jingwei (经纬).",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def new(
    plugin: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="For example road-lamp; asked for if left out."),
    ] = None,
    *,
    folder: Annotated[Path | None, typer.Option("--in", help="Default: the id.")] = None,
    given: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="name_zh, name_en, description_zh, description_en, noun, noun_zh, licence,"
            " homepage; what is not set is asked for.",
        ),
    ] = None,
    parts: Annotated[
        str | None,
        typer.Option(
            "--with",
            help="records, commands, events, hooks, jobs, settings, fields, navigation; or all.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False,
) -> None:
    """新建插件 · Write a plugin that passes its own tests, lint, types and check."""
    from jingwei_sdk.scaffold import Answers, write_project

    told = {name: value for name, _, value in (text.partition("=") for text in given or ())}
    known = set(Answers.__dataclass_fields__) - {"id", "parts"}
    for name in told:
        if name not in known:
            raise typer.BadParameter(f"{name!r}: {', '.join(sorted(known))}", param_hint="--set")
    named = plugin or ("" if yes else str(typer.prompt("插件 id · Id of the plugin")))
    texts = _texts(named, told, asks=not yes)
    answers = Answers(id=named, parts=_parts(parts, asks=not yes), **texts)
    target = folder or Path(answers.names["distribution"])
    for path in write_project(answers, target):
        typer.echo(path)
    typer.echo(f"→ cd {target} && pip install -e . --group dev && pytest")


@app.command()
def check(
    place: Annotated[str, typer.Argument(metavar="PATH|ID", help="A folder or a plugin.")] = ".",
    *,
    tier: Annotated[
        str | None, typer.Option(help="bronze, silver or gold; default: the manifest's.")
    ] = None,
    next_major: Annotated[
        bool, typer.Option("--next", help="Also what the next major version takes away.")
    ] = False,
    runs_tests: Annotated[
        bool, typer.Option("--run", help="Run its tests too, as gold asks for.")
    ] = False,
    as_json: Json = False,
) -> None:
    """检查插件 · Check a plugin against the rules of its tier; exit 1 for findings, and where
    --tier asks for one that it does not hold."""
    from jingwei_sdk.check import Subject, Tier
    from jingwei_sdk.check import check as checked

    try:
        asked = None if tier is None else Tier.named(tier)
    except KeyError as error:
        raise Invalid("CHECK_TIER", field="tier", tier=tier) from error
    report = checked(
        Subject.of(place), asked, next_major=next_major, runs_tests=runs_tests, locale=locale()
    )
    if as_json:
        typer.echo(_json(report.document()))
    else:
        for line in report.lines():
            typer.echo(line)
    if not report.is_passed or (asked is not None and not report.is_held):
        raise typer.Exit(1)


@app.command()
def rules(*, as_json: Json = False) -> None:
    """规则清单 · Every rule with its tier and reason."""
    from jingwei_sdk.check import RULES

    told = [
        {
            "rule": rule.id,
            "tier": rule.tier.label,
            "title": rule.words.in_language("title", locale()),
            "reason": rule.words.in_language("reason", locale()),
        }
        for rule in RULES.values()
    ]
    if as_json:
        typer.echo(_json(told))
        return
    for each in told:
        typer.echo(f"{each['rule']} {each['tier']:<6} {each['title']}")
        typer.echo(f"  {each['reason']}")


@app.command()
def sbom(
    folder: Annotated[Path, typer.Argument(metavar="PATH", help="The project.")] = Path(),
) -> None:
    """物料清单 · Write the bill of materials of a project, sbom.cdx.json."""
    from jingwei_sdk.trust.sbom import write_sbom

    typer.echo(write_sbom(folder))


@app.command()
def key(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file, for you only.")],
) -> None:
    """签名密钥 · Make a key to sign with; prints the public half for policies."""
    from jingwei_sdk.trust.signature import new_key

    typer.echo(new_key(file))


@app.command()
def sign(
    wheel: Annotated[Path, typer.Argument(metavar="WHEEL")],
    *,
    key_file: Annotated[Path, typer.Option("--key", help="The private key.")],
    source: Annotated[str, typer.Option(help="Where it was built from.")] = "",
) -> None:
    """签署 · Write the signature of a wheel beside it."""
    from jingwei_sdk.trust.signature import sign as signed
    from jingwei_sdk.trust.statement import statement_of

    typer.echo(signed(statement_of(wheel, source=source), key_file, wheel.parent))


@app.command()
def verify(
    *,
    policy_file: Annotated[
        Path | None, typer.Option("--policy", help="The deployment's policy; see the docs.")
    ] = None,
    as_json: Json = False,
) -> None:
    """核验 · Compare installed plugins with their wheels and a policy; exit 1 for refusals."""
    from jingwei_sdk.trust.policy import Policy, read_policy
    from jingwei_sdk.trust.verify import verify as verified

    verdicts = verified(Policy() if policy_file is None else read_policy(policy_file))
    texts = _catalogue()
    if as_json:
        typer.echo(_json([_told(verdict, texts) for verdict in verdicts]))
    for verdict in () if as_json else verdicts:
        signer = f" · {verdict.signer}" if verdict.signer else ""
        typer.echo(f"{verdict.plugin} {verdict.version}: {verdict.state}{signer}")
        for problem in verdict.problems:
            message = texts.describe(problem, locale())
            typer.echo(f"  {problem.code}: {message.text}")
            typer.echo(f"  → {message.next_step}")
    if not all(verdict.is_trusted for verdict in verdicts):
        raise typer.Exit(1)


def main() -> None:
    """The entry point of the command; a refusal ends with exit code 1 and a next step."""
    try:
        app()
    except JingweiError as error:
        message = _catalogue().describe(error, locale())
        typer.echo(f"{error.code}: {message.text}", err=True)
        if message.next_step:
            typer.echo(f"  → {message.next_step}", err=True)
        sys.exit(1)


def locale() -> str:
    """``zh`` or ``en``, from ``JINGWEI_LOCALE``, ``LC_ALL``, ``LC_MESSAGES`` or ``LANG``."""
    for name in ("JINGWEI_LOCALE", "LC_ALL", "LC_MESSAGES", "LANG"):
        wanted = os.environ.get(name, "")[:2]
        if wanted in LOCALES:
            return wanted
    return "en"


def _texts(plugin: str, told: dict[str, str], *, asks: bool) -> dict[str, str]:
    """The words of the plugin: as set, else as asked for, else some that can be changed."""
    title = plugin.replace("-", " ").capitalize()
    defaults = {
        "name_zh": ("插件中文名称 · Name in Chinese", "新插件"),
        "name_en": ("插件英文名称 · Name in English", title),
        "description_zh": ("一句中文说明 · A sentence in Chinese", ""),
        "description_en": ("一句英文说明 · A sentence in English", ""),
        "noun": ("它记录什么（英文单数） · What it keeps, singular", "entry"),
        "noun_zh": ("它记录什么（中文） · The same in Chinese", "条目"),
        "licence": ("许可证 · Licence (SPDX)", "Apache-2.0"),
        "homepage": ("主页 · Homepage", ""),
    }
    found = {}
    for name, (question, default) in defaults.items():
        if name in told:
            found[name] = told[name]
        else:
            asked = asks and typer.prompt(question, default=default, show_default=bool(default))
            found[name] = str(asked) if asks else default
    return found


def _parts(wanted: str | None, *, asks: bool) -> Any:
    from jingwei_sdk.scaffold import Contribution
    from jingwei_sdk.scaffold.answers import QUESTIONS

    if wanted is None and asks:
        return frozenset(
            part
            for part, (zh, en) in QUESTIONS.items()
            if typer.confirm(f"{zh} · {en}?", default=True)
        )
    if wanted is None or wanted == "all":
        return frozenset(Contribution)
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    known = {part.value for part in Contribution}
    for name in names:
        if name not in known:
            raise Invalid("SCAFFOLD_PART", field="with", part=name, known=sorted(known))
    return frozenset(Contribution(name) for name in names)


def _catalogue() -> Catalogue:
    found = Catalogue()
    for path in sorted(Path(str(files("jingwei_sdk"))).rglob("messages.toml")):
        found.load(path)
    return found


def _told(verdict: "Verdict", texts: Catalogue) -> dict[str, object]:
    return {
        "plugin": verdict.plugin,
        "distribution": verdict.distribution,
        "version": verdict.version,
        "state": verdict.state,
        "signer": verdict.signer,
        "trusted": verdict.is_trusted,
        "problems": [
            {"code": each.code, "file": each.file, "message": texts.describe(each, locale()).text}
            for each in verdict.problems
        ],
    }


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)


if __name__ == "__main__":
    main()
