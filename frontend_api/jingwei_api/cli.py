"""``jingwei serve`` (启动服务) and ``jingwei schema`` (导出模式)."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from jingwei_api.schema.snapshot import breaking_changes, full_schema
from jingwei_api.settings import ApiSettings

app = typer.Typer(help="Serve the platform over HTTP and WebSocket.", invoke_without_command=True)
schema_app = typer.Typer(help="The GraphQL schema with every plugin.", invoke_without_command=True)

SCHEMA_FILE = Path("frontend_api/schema.graphql")

Host = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="TCP port; 0 for a free one.")]
Workers = Annotated[int, typer.Option(min=1, max=64, help="Server processes.")]
Proxies = Annotated[
    str, typer.Option(help="Addresses of proxies whose X-Forwarded-For is believed.")
]
Out = Annotated[Path | None, typer.Option(help="Write the SDL to this file.")]
Check = Annotated[bool, typer.Option("--check", help="Fail unless the file holds this schema.")]


@app.callback()
def serve(
    ctx: typer.Context,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    workers: Workers = 1,
    trusted_proxies: Proxies = "127.0.0.1",
) -> None:
    """Serve until stopped. The database must be migrated (``jingwei db migrate``)."""
    if ctx.invoked_subcommand is not None:
        return
    typer.echo(f"GraphQL and GraphiQL: http://{host}:{port}/graphql", err=True)
    uvicorn.run(
        "jingwei_api.asgi:app",
        host=host,
        port=port,
        workers=workers,
        loop="uvloop" if os.name == "posix" else "auto",
        http="jingwei_api.http.protocol:WholeAnswers" if os.name == "posix" else "auto",
        ws="websockets-sansio",
        ws_max_size=ApiSettings().max_body_bytes,
        access_log=False,
        log_level="warning",
        server_header=False,
        forwarded_allow_ips=trusted_proxies,
        timeout_graceful_shutdown=10,
        # Longer than a proxy keeps its idle connections, so that it never sends into a closing one.
        timeout_keep_alive=90,
    )


@schema_app.callback()
def schema(out: Out = None, check: Check = False) -> None:
    """Print the schema, write it to a file, or check the committed file."""
    text = asyncio.run(full_schema())
    target = out or SCHEMA_FILE
    if check:
        _check(target, text)
    elif out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")
        typer.echo(f"wrote {out}", err=True)


def _check(target: Path, text: str) -> None:
    committed = target.read_text(encoding="utf-8") if target.exists() else ""
    if committed == text:
        typer.echo(f"{target} is up to date", err=True)
        return
    fault = "is not the schema of this code" if target.exists() else f"is not in {Path.cwd()}"
    typer.echo(f"{target} {fault}", err=True)
    for change in breaking_changes(committed, text) if committed else ():
        typer.echo(f"  breaking: {change}", err=True)
    typer.echo(f"  next: jingwei schema --out {target}", err=True)
    raise typer.Exit(1)
