"""Logs (日志) of a server process: one JSON object a line on standard error."""

import asyncio
import atexit
import logging
import sys
from collections.abc import Callable
from typing import Any, TextIO

import msgspec
import structlog

from jingwei_core.settings import Settings

HELD_S = 0.05
"""How long a line may wait for others, to be written together with them."""


def configure_logs(settings: Settings) -> None:
    """Log at the level of the settings; the format is for machines, values are never local
    variables of a failing function."""
    level = logging.getLevelNamesMapping()[settings.log_level]
    lines = Lines(sys.stderr)
    atexit.register(lines.write)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=True,
    )


class Lines:
    """What structlog writes its lines to.

    A line of a request waits a moment for others: each write lets whoever reads the log run first.
    Warnings and worse are written at once, with what waits before them.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._held: list[str] = []

    def debug(self, line: str) -> None:
        """Write soon."""
        self._held.append(line + "\n")
        if len(self._held) == 1:
            try:
                asyncio.get_running_loop().call_later(HELD_S, self.write)
            except RuntimeError:
                self.write()

    info = msg = debug

    def warning(self, line: str) -> None:
        """Write now."""
        self._held.append(line + "\n")
        self.write()

    error = critical = exception = fatal = warning

    def write(self) -> None:
        """Write what waits."""
        held, self._held = self._held, []
        if held:
            self._stream.write("".join(held))
            self._stream.flush()


def _json(line: object, default: Callable[[Any], Any], **_: object) -> str:
    return msgspec.json.encode(line, enc_hook=default).decode()
