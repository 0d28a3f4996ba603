"""``jingwei jobs``: background jobs and the outbox, seen and repaired; and the worker itself."""

import asyncio
import signal
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal
from uuid import UUID

import typer

from jingwei_core.cli.output import Json, say, say_rows, with_platform
from jingwei_core.jobs.administration import list_jobs, retry_jobs, show_job
from jingwei_core.jobs.worker import Worker, WorkerOptions
from jingwei_core.outbox.administration import list_messages
from jingwei_core.outbox.delivery import deliver_again
from jingwei_core.platform import Platform

app = typer.Typer(
    no_args_is_help=True, help="后台任务 · Background jobs, the outbox, and the worker."
)

Tenant = Annotated[str | None, typer.Option("--tenant", help="Only this tenant, by slug.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most so many.")]
Status = Literal["queued", "waiting", "running", "failed", "parked"]
MessageStatus = Literal["waiting", "delivered", "failed"]


@app.command("list")
def list_command(
    *,
    tenant: Tenant = None,
    status: Annotated[
        Status | None, typer.Option("--status", help="Only with this status.")
    ] = None,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """任务清单 · The newest jobs of the queue; a job that is done has left it."""
    lines = with_platform(
        lambda platform: list_jobs(platform.database, tenant=tenant, status=status, limit=limit)
    )
    say_rows(as_json, [asdict(line) for line in lines], "队列为空。No such jobs.")


@app.command()
def show(
    number: Annotated[int, typer.Argument(help="The job's number, from: jingwei jobs list")],
    *,
    as_json: Json = False,
) -> None:
    """任务详情 · One job: its payload, and what happened to it when and why."""
    found = with_platform(lambda platform: show_job(platform.database, number))
    history = [{"at": at, "status": status, "why": why} for at, status, why in found.history]
    value = {**asdict(found.line), "payload": found.payload, "history": history}
    lines = [f"{name:>14}  {content}" for name, content in value.items() if name != "history"]
    past = [
        f"{step['at']:%Y-%m-%d %H:%M:%S}  {step['status']} {step['why'] or ''}" for step in history
    ]
    say(as_json, value, *lines, *past)


@app.command()
def retry(
    number: Annotated[int | None, typer.Argument(help="The job's number.")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All failed and parked jobs.")] = False,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """重试 · Queue a failed or parked job again, or all of them (of a tenant)."""
    _one_or_all(number, every=every)

    async def work(platform: Platform) -> int:
        chosen = (await platform.state(tenant)).tenant.id if tenant else None
        return await retry_jobs(platform.database, number=number, tenant_id=chosen)

    count = with_platform(work)
    say(as_json, {"queued": count}, f"{count} 个任务已重新排队。{count} queued again.")


@app.command()
def run(
    *,
    concurrency: Annotated[
        int, typer.Option("--concurrency", min=2, max=100, help="Jobs side by side.")
    ] = 10,
    until_empty: Annotated[
        bool, typer.Option("--until-empty", help="End when nothing is queued.")
    ] = False,
) -> None:
    """运行 · A worker process. SIGTERM or Ctrl-C: it ends what it began, and ends."""

    async def work(platform: Platform) -> None:
        worker = Worker(platform, WorkerOptions(batch=concurrency // 2, concurrency=concurrency))
        loop = asyncio.get_running_loop()
        for stop in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(stop, worker.stop)
        if until_empty:
            await worker.drain()
            return
        async with platform.watching():
            await worker.run()

    with_platform(work)


@app.command()
def outbox(
    tenant: Annotated[str, typer.Argument(help="The tenant's slug.")],
    *,
    status: Annotated[
        MessageStatus | None, typer.Option("--status", help="Only with this status.")
    ] = None,
    message: Annotated[
        UUID | None, typer.Option("--retry", help="Send this failed message again.")
    ] = None,
    every: Annotated[bool, typer.Option("--retry-all", help="Send all failed ones again.")] = False,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """发件箱 · A tenant's outgoing messages, without their content; failed ones sent again."""

    async def read(platform: Platform) -> list[Mapping[str, Any]]:
        found = (await platform.state(tenant)).tenant.id
        async with platform.database.unit(found) as unit:
            return [asdict(line) for line in await list_messages(unit, status=status, limit=limit)]

    async def again(platform: Platform) -> int:
        found = (await platform.state(tenant)).tenant.id
        async with platform.database.unit(found) as unit:
            return await deliver_again(unit, platform.queue, found, message)

    if message is None and not every:
        say_rows(as_json, with_platform(read), "没有消息。No such messages.")
        return
    _one_or_all(message, every=every)
    count = with_platform(again)
    say(as_json, {"queued": count}, f"{count} 条消息将重新发送。{count} queued again.")


def _one_or_all(one: object, *, every: bool) -> None:
    if (one is None) is not every:
        raise typer.BadParameter("给出编号，或用 --all 选项。Name one, or ask for all of them.")
