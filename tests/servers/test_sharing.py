"""Sharing between workers: started once, stopped after the last."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.sharing import shared


def test_the_second_uses_what_the_first_started_and_the_first_waits_for_it(tmp_path: Path) -> None:
    told: list[str] = []
    second_is_in, second_may_go = threading.Event(), threading.Event()

    @contextmanager
    def started() -> Iterator[list[str]]:
        told.append("started")
        yield ["address"]
        told.append("stopped")

    def second() -> None:
        with shared(tmp_path, "thing", started) as facts:
            told.extend(facts)
            second_is_in.set()
            second_may_go.wait(10)
            told.append("second leaves")

    other = threading.Thread(target=second)
    with shared(tmp_path, "thing", started) as facts:
        assert facts == ["address"]
        other.start()
        assert second_is_in.wait(10)
        threading.Timer(0.2, second_may_go.set).start()
    other.join(10)
    assert told == ["started", "address", "second leaves", "stopped"]
    with shared(tmp_path, "thing", started):
        assert told[4:] == ["started"]
