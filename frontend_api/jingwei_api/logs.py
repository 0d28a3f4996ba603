"""Logs (日志) of a server process: one JSON object a line on standard error."""

import logging
import sys

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
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
