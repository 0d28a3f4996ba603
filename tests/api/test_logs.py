"""Lines of log: one JSON object each, in order, together where they come together."""

import asyncio
import io
import json

import structlog

from jingwei_api.logs import HELD_S, Lines, configure_logs
from jingwei_core.settings import Settings


class Writes(io.StringIO):
    """Remembers each write."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []

    def write(self, text: str) -> int:
        self.written.append(text)
        return len(text)


async def test_lines_of_requests_are_written_together() -> None:
    stream = Writes()
    lines = Lines(stream)
    for number in range(3):
        lines.info(str(number))
    assert stream.written == []
    await asyncio.sleep(HELD_S * 2)
    assert stream.written == ["0\n1\n2\n"]
    lines.info("3")
    await asyncio.sleep(HELD_S * 2)
    assert stream.written == ["0\n1\n2\n", "3\n"]


async def test_a_warning_is_written_at_once_after_what_waits() -> None:
    stream = Writes()
    lines = Lines(stream)
    lines.info("request")
    lines.warning("bad")
    assert stream.written == ["request\nbad\n"]


def test_without_a_loop_nothing_waits() -> None:
    stream = Writes()
    Lines(stream).info("start")
    assert stream.written == ["start\n"]


def test_a_line_is_json_whatever_is_in_it() -> None:
    known = structlog.get_config()
    stream = Writes()
    try:
        configure_logs(Settings(log_level="INFO"))
        structlog.configure(
            logger_factory=lambda *_: Lines(stream), cache_logger_on_first_use=False
        )
        log = structlog.get_logger("probe")
        log.debug("below the level")
        log.info("request", name="张\n三", kind=Settings, error=ValueError("x"))
        try:
            raise KeyError("k")
        except KeyError:
            log.exception("failed")
    finally:
        structlog.configure(**known)
    first, second = (json.loads(line) for line in stream.written)
    assert (first["event"], first["name"], first["level"]) == ("request", "张\n三", "info")
    assert "KeyError" in second["exception"]
