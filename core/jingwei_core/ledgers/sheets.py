"""Sheets (电子表格): cells written to a file by a process of their own.

The library that writes them stays out of a worker's memory that way; rows go through a pipe, one
line of JSON each, and are written as they come.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from jingwei_sdk.errors import Unavailable

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_WITHIN_S = 60.0


class Writer:
    """A sheet that is being written."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def add(self, rows: Iterable[Sequence[str]]) -> None:
        """Write rows behind those that are there."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
        await self._process.stdin.drain()


@asynccontextmanager
async def write_sheet(path: Path, title: str) -> AsyncIterator[Writer]:
    """Write a file with one sheet; it is whole when the context is left without an exception.

    Raises ``Unavailable`` (``LEDGER_SHEET_FAILED``).
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "jingwei_core.ledgers.sheet_process", str(path), title),
        stdin=asyncio.subprocess.PIPE,
    )
    try:
        yield Writer(process)
        assert process.stdin is not None
        process.stdin.close()
        async with asyncio.timeout(_WITHIN_S):
            status = await process.wait()
    except (BrokenPipeError, ConnectionResetError, TimeoutError) as error:
        raise Unavailable("LEDGER_SHEET_FAILED") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if status != 0:
        raise Unavailable("LEDGER_SHEET_FAILED")
