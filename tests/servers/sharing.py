"""What the workers of a run share: the first one that asks starts it, and stops it after the last.

with shared(folder, "s3", started) as facts:    # started(): a context manager of strings
    ...
"""

import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path


@contextmanager
def shared(
    folder: Path, name: str, started: Callable[[], AbstractContextManager[list[str]]]
) -> Iterator[list[str]]:
    """What ``started`` tells of itself, in whichever process of the run it is.

    Its process waits at the end until no other uses it; a process that dies uses nothing.
    """
    facts = folder / f"{name}.json"
    with (folder / f"{name}.lock").open("w") as door, (folder / f"{name}.users").open("w") as users:
        fcntl.flock(door, fcntl.LOCK_EX)
        if facts.exists():
            fcntl.flock(users, fcntl.LOCK_SH)
            fcntl.flock(door, fcntl.LOCK_UN)
            yield json.loads(facts.read_text(encoding="utf-8"))
            return
        with started() as told:
            facts.write_text(json.dumps(told), encoding="utf-8")
            fcntl.flock(door, fcntl.LOCK_UN)
            try:
                yield told
            finally:
                # Who comes now waits at the door, finds nothing and starts its own.
                fcntl.flock(door, fcntl.LOCK_EX)
                facts.unlink()
                fcntl.flock(users, fcntl.LOCK_EX)
