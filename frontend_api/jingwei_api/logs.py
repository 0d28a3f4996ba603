"""Logs (日志) of a server process: one JSON object a line on standard error."""

import logging
import sys
from collections.abc import Callable
from typing import Any

import msgspec
import structlog

from jingwei_core.settings import Settings


def configure_logs(settings: Settings) -> None:
    """Log at the level of the settings; the format is for machines, values are never local
    variables of a failing function."""
    level = logging.getLevelNamesMapping()[settings.log_level]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _json(line: object, default: Callable[[Any], Any], **_: object) -> str:
    return msgspec.json.encode(line, enc_hook=default).decode()
