"""The worker process (图像工作进程): opens pictures on behalf of the service, one job at a time.

Started as ``python -m jingwei_core.evidence.worker``. It reads jobs from standard input and answers
on standard output; each message is four bytes of length and a JSON document.
"""

import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

import msgspec

from jingwei_core.evidence.facts import Expected, ImageFacts, ImageFormat, Limits, Picture
from jingwei_sdk.errors import JingweiError

LENGTH_BYTES = 4


class Inspect(msgspec.Struct, frozen=True, tag=True):
    """Inspect the file at ``path``."""

    path: str
    expected: Expected
    limits: Limits
    zone: str


class Derive(msgspec.Struct, frozen=True, tag=True):
    """Make a smaller picture of the file at ``path`` and write it to ``target``."""

    path: str
    kind: ImageFormat
    target: str
    longest_side: int


class Inspected(msgspec.Struct, frozen=True, tag=True):
    """The facts of a sound picture."""

    facts: ImageFacts


class Derived(msgspec.Struct, frozen=True, tag=True):
    """The picture that was made."""

    picture: Picture


class Refused(msgspec.Struct, frozen=True, tag=True):
    """Why the file was refused: the error's code, field and parameters."""

    code: str
    field: str | None
    params: dict[str, str | int]


Job = Inspect | Derive
Answer = Inspected | Derived | Refused

_encode = msgspec.json.encode


def main(memory_bytes: int) -> None:
    """Do jobs until standard input ends, in no more than ``memory_bytes`` of address space."""
    # Here, since the service that gives the jobs reads this module too and opens no picture.
    from jingwei_core.evidence.derive import derive
    from jingwei_core.evidence.inspection import inspect_image

    def done(job: Job) -> Answer:
        if isinstance(job, Derive):
            return Derived(derive(Path(job.path), job.kind, Path(job.target), job.longest_side))
        zone = ZoneInfo(job.zone)
        return Inspected(inspect_image(Path(job.path), job.expected, job.limits, zone))

    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    jobs, answers = sys.stdin.buffer, sys.stdout.buffer
    while (message := _next(jobs)) is not None:
        answer = _encode(_told(done, msgspec.json.decode(message, type=Job)))
        answers.write(len(answer).to_bytes(LENGTH_BYTES) + answer)
        answers.flush()


def _next(jobs: BinaryIO) -> bytes | None:
    length = jobs.read(LENGTH_BYTES)
    return jobs.read(int.from_bytes(length)) if len(length) == LENGTH_BYTES else None


def _told(done: Callable[[Job], Answer], job: Job) -> Answer:
    try:
        return done(job)
    except JingweiError as refusal:
        params = {k: v if isinstance(v, int) else str(v) for k, v in refusal.params.items()}
        return Refused(refusal.code, refusal.field, params)


if __name__ == "__main__":
    main(int(sys.argv[1]))
