"""Worker processes (图像工作进程池) for hostile files: each job ends, in time and in memory."""

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from zoneinfo import ZoneInfo

import msgspec

from jingwei_core.evidence.facts import Expected, ImageFacts, ImageFormat, Limits, Picture
from jingwei_core.evidence.worker import (
    LENGTH_BYTES,
    Answer,
    Derive,
    Derived,
    Inspect,
    Inspected,
    Job,
    Refused,
)
from jingwei_sdk.errors import Invalid

_PASSED_ON = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "TZDIR")
"""The variables a worker gets; addresses and passwords of the service are not among them."""


class ImageWorkers:
    """A few processes that inspect and derive pictures, started at need.

    ``time_limit_s`` is per job; ``memory_bytes`` the address space of each process. A process that
    overruns, dies or is abandoned is killed, and the next job starts another.
    """

    def __init__(
        self,
        *,
        processes: int = 2,
        time_limit_s: float = 20,
        memory_bytes: int = 2 * 1024**3,
    ) -> None:
        self._free = asyncio.Semaphore(processes)
        self._idle: list[asyncio.subprocess.Process] = []
        self._time_limit_s = time_limit_s
        self._memory_bytes = memory_bytes

    async def __aenter__(self) -> Self:
        """The workers; leaving ends their processes."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the processes."""
        await self.close()

    async def inspect(
        self, path: Path, expected: Expected, limits: Limits, zone: ZoneInfo
    ) -> ImageFacts:
        """As :func:`~jingwei_core.evidence.inspection.inspect_image`, in a worker.

        Raises what it raises, ``EVIDENCE_BOMB`` when the limit of time is passed, and
        ``EVIDENCE_CORRUPT`` when the file brings the worker down.
        """
        answer = await self._run(Inspect(str(path), expected, limits, zone.key))
        assert isinstance(answer, Inspected)
        return answer.facts

    async def derive(
        self, source: Path, kind: ImageFormat, target: Path, longest_side: int
    ) -> Picture:
        """As :func:`~jingwei_core.evidence.derive.derive`, in a worker; raises as ``inspect``."""
        answer = await self._run(Derive(str(source), kind, str(target), longest_side))
        assert isinstance(answer, Derived)
        return answer.picture

    async def close(self) -> None:
        """End the idle processes."""
        while self._idle:
            await _kill(self._idle.pop())

    async def _run(self, job: Job) -> Answer:
        async with self._free:
            process = self._take() or await self._start()
            try:
                async with asyncio.timeout(self._time_limit_s):
                    answer = await _ask(process, job)
            except TimeoutError:
                await _kill(process)
                raise Invalid("EVIDENCE_BOMB", found="time") from None
            except (asyncio.IncompleteReadError, ConnectionError):
                await _kill(process)
                raise Invalid("EVIDENCE_CORRUPT") from None
            except BaseException:
                # Cancelled half-way: its answer would be taken for that of the next job.
                await _kill(process)
                raise
            self._idle.append(process)
        if isinstance(answer, Refused):
            raise _refusal(answer)
        return answer

    def _take(self) -> asyncio.subprocess.Process | None:
        while self._idle:
            process = self._idle.pop()
            if process.returncode is None:
                return process
        return None

    async def _start(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "jingwei_core.evidence.worker", str(self._memory_bytes)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # A session of its own: Ctrl-C is for the server, which ends its workers by their input.
            start_new_session=True,
            env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        )


async def _ask(process: asyncio.subprocess.Process, job: Job) -> Answer:
    assert process.stdin is not None
    assert process.stdout is not None
    message = msgspec.json.encode(job)
    process.stdin.write(len(message).to_bytes(LENGTH_BYTES) + message)
    await process.stdin.drain()
    length = await process.stdout.readexactly(LENGTH_BYTES)
    answer = await process.stdout.readexactly(int.from_bytes(length))
    decoded: Answer = msgspec.json.decode(answer, type=Answer)
    return decoded


def _refusal(answer: Refused) -> Invalid:
    params: dict[str, Any] = dict(answer.params)
    return Invalid(answer.code, field=answer.field, **params)


async def _kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()
