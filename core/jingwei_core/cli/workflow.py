"""``jingwei workflow``: a tenant's workflows checked, compared, tried out and put in force."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from jingwei_core.cli.output import Json, say, say_rows, with_platform
from jingwei_core.events.workflow import WorkflowDefinition
from jingwei_core.events.workflow_checks import Flaw
from jingwei_core.events.workflow_reading import WorkflowInvalid
from jingwei_core.platform import Platform
from jingwei_core.session import system_context
from jingwei_core.tenants.package_problems import Findings
from jingwei_core.workflows.activation import activate as put_in_force
from jingwei_core.workflows.differences import differences
from jingwei_core.workflows.files import read_file
from jingwei_core.workflows.fitting import find_misfits
from jingwei_core.workflows.preview import Preview
from jingwei_core.workflows.preview import preview as try_out
from jingwei_core.workflows.surroundings import surroundings_of
from jingwei_core.workflows.tenant_check import flaws_in_force
from jingwei_sdk.errors import Invalid, NotFound

app = typer.Typer(
    no_args_is_help=True, help="流程 · Workflows: checked, compared, tried out, put in force."
)

File = Annotated[Path, typer.Option("--file", help="The draft, for example loop.toml.")]
Tenant = Annotated[str, typer.Option("--tenant", help="The tenant's slug.")]


@app.command()
def check(
    file: Annotated[Path | None, typer.Argument(help="A workflow file.")] = None,
    *,
    tenant: Annotated[str, typer.Option("--tenant", help="Check against this tenant.")] = "",
    as_json: Json = False,
) -> None:
    """检查流程 · A file by itself, a file against a tenant, or all that a tenant has in force."""
    found: dict[str, Sequence[Flaw]] = {}
    if file is None and not tenant:
        raise Invalid("WORKFLOW_ASKED", field="file")
    if file is None:
        found = with_platform(lambda platform: _in_force(platform, tenant))
    else:
        try:
            definition = read_file(file)
        except WorkflowInvalid as error:
            found[file.name] = error.flaws
        else:
            found[file.name] = (
                with_platform(lambda platform: _against(platform, tenant, definition))
                if tenant
                else []
            )
    rows = [row for name, flaws in found.items() for row in _rows(name, flaws)]
    say_rows(as_json, rows, f"{', '.join(found)}: 没有问题。Nothing wrong.")
    if rows:
        raise typer.Exit(1)


@app.command()
def diff(
    files: Annotated[list[Path] | None, typer.Argument(help="Two workflow files.")] = None,
    *,
    tenant: Annotated[str, typer.Option("--tenant", help="Compare with its version.")] = "",
    file: Annotated[Path | None, typer.Option("--file", help="The draft.")] = None,
    as_json: Json = False,
) -> None:
    """比较流程 · What two files say differently, or a draft and what is in force."""
    if tenant and file is not None and not files:
        new = read_file(file)
        old = with_platform(lambda platform: _of_tenant(platform, tenant, new.code))
    elif files is not None and len(files) == 2 and not tenant and file is None:
        old, new = read_file(files[0]), read_file(files[1])
    else:
        raise Invalid("WORKFLOW_ASKED", field="files")
    found = differences(old, new)
    lines = [line for one in found for line in one.lines()]
    say(as_json, msgspec.to_builtins(found), *(lines or ["没有差别。No difference."]))


@app.command()
def preview(
    tenant: Tenant,
    file: File,
    *,
    last: Annotated[int, typer.Option("--last", min=1, help="So many closed events.")] = 100,
    as_json: Json = False,
) -> None:
    """预演 · Run the last closed events through a draft; writes nothing."""
    draft = read_file(file)
    found = with_platform(lambda platform: try_out(platform, tenant, draft, last))
    say(as_json, _told(found), *_lines(found))


@app.command()
def activate(
    tenant: Tenant,
    file: File,
    *,
    mapped: Annotated[
        list[str] | None,
        typer.Option("--map", help="old=new: move running events; a state of both needs none."),
    ] = None,
    move: Annotated[bool, typer.Option("--move", help="Move them; all states stay.")] = False,
    as_json: Json = False,
) -> None:
    """启用 · Put a workflow in force; running events stay on theirs unless they are moved."""
    definition = read_file(file)
    mapping = _mapping(mapped or []) if mapped or move else None

    def progress(moved: int, total: int) -> None:
        typer.echo(f"{moved}/{total}", err=True)

    done = with_platform(
        lambda platform: put_in_force(platform, tenant, definition, mapping, progress)
    )
    say(
        as_json,
        msgspec.to_builtins(done),
        f"{done.workflow} v{done.number}: 已启用 in force;"
        f" 已迁移 moved {done.moved}, 仍按原版本办理 staying {done.staying}",
    )


def _mapping(words: Sequence[str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for word in words:
        old, equals, new = word.partition("=")
        if not (old and equals and new):
            raise Invalid("WORKFLOW_MAP", field="map", state=word, to="?")
        found[old.strip()] = new.strip()
    return found


async def _in_force(platform: Platform, slug: str) -> dict[str, Sequence[Flaw]]:
    tenant = await platform.tenant(slug)
    async with system_context(platform, tenant, "workflow.check") as ctx:
        return dict(await flaws_in_force(ctx))


async def _against(platform: Platform, slug: str, definition: WorkflowDefinition) -> Sequence[Flaw]:
    tenant = await platform.tenant(slug)
    async with system_context(platform, tenant, "workflow.check") as ctx:
        return find_misfits(definition, await surroundings_of(ctx))


async def _of_tenant(platform: Platform, slug: str, code: str) -> WorkflowDefinition:
    tenant = await platform.tenant(slug)
    async with system_context(platform, tenant, "workflow.diff") as ctx:
        configuration = await ctx.configuration.get()
        for stored in configuration.workflows:
            if stored.is_current and stored.code == code:
                return stored.read
    raise NotFound("WORKFLOW_NAMELESS", field="file", workflow=code)


def _rows(name: str, flaws: Sequence[Flaw]) -> list[dict[str, str | None]]:
    """The flaws with their texts, as those of a package are told."""
    findings = Findings()
    for flaw in flaws:
        findings.problem(flaw.code, name, None, flaw.field, **flaw.params)
    return [
        {
            "workflow": problem.file,
            "field": problem.field,
            "code": problem.code,
            "message": problem.message_zh,
            "message_en": problem.message_en,
            "next": problem.next_step_zh,
        }
        for problem in findings.problems
    ]


def _told(found: Preview) -> dict[str, Any]:
    return {
        "workflow": found.workflow,
        "events": len(found.events),
        "same": found.same,
        "late_before": sum(event.late_before for event in found.events),
        "late_after": sum(event.late_after for event in found.events),
        "refused": [
            {"action": action, "code": code, "times": times}
            for (action, code), times in found.refusals.most_common()
        ],
        "different": msgspec.to_builtins([one for one in found.events if not one.is_same]),
    }


def _lines(found: Preview) -> list[str]:
    told = _told(found)
    lines = [
        f"{told['workflow']}: 预演 {told['events']} 件，{told['same']} 件不变"
        f" · {told['events']} events, {told['same']} as they were",
        f"超期环节 late states: {told['late_before']} → {told['late_after']}",
    ]
    lines += [f"{one['times']:>6} × {one['action']}: {one['code']}" for one in told["refused"]]
    for event in found.events:
        if not event.is_same:
            lines.append(f"{event.number}{'  办不到底 does not end' if event.unfinished else ''}")
            lines += [f"    {one.sequence} {one.action}: {one.code}" for one in event.refused]
            lines += [
                f"    {one.sequence} {one.state}: {one.before} → {one.after}" for one in event.moved
            ]
    return lines
