"""The shell commands that every server module offers: `up`, and `run -- COMMAND`."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from types import FrameType


def _leave(_signal: int, _frame: FrameType | None) -> None:
    # SystemExit unwinds the context manager: servers are stopped and their folder is removed.
    sys.exit(0)


def serve(server: AbstractContextManager[Mapping[str, str]], arguments: Sequence[str]) -> int:
    """Run one of the commands with the server that yields its environment; the exit code.

    `up` prints `export NAME=value` lines and stays until SIGTERM or Ctrl-C;
    `run -- COMMAND` gives that environment to a command and returns the command's exit code.
    """
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    match list(arguments):
        case ["up"]:
            with server as environment:
                for name, value in environment.items():
                    sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
                sys.stdout.write("# ready\n")
                sys.stdout.flush()
                while True:
                    signal.pause()
        case ["run", "--", *command] if command:
            with server as environment:
                return subprocess.run(
                    command, env={**os.environ, **environment}, check=False
                ).returncode
        case _:
            sys.stderr.write("usage: up | run -- COMMAND …\n")
            return 2
