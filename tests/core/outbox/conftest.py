"""A real receiver on loopback, and the two cities of the job tests."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.core.jobs.conftest import cities, jobs_settings

__all__ = ["cities", "jobs_settings"]

SECRET = "a secret of this test, 32 or more characters"


@dataclass
class Receiver:
    """What came in, and the statuses to answer with (then 200)."""

    port: int = 0
    answers: list[int] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    location: str = ""

    @property
    def messages(self) -> list[Any]:
        return [json.loads(body) for body in self.bodies]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """An HTTP server of the standard library on an ephemeral port."""
    state = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            state.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            state.headers.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(state.answers.pop(0) if state.answers else 200)
            if state.location:
                self.send_header("Location", state.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = server.server_port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def webhook(receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Yichang's webhook goes to the receiver, and the operator allows loopback."""
    file = tmp_path / "webhooks.toml"
    file.write_text(
        f'[yichang]\nurl = "http://127.0.0.1:{receiver.port}/in?city=1"\nsecret = "{SECRET}"\n'
    )
    monkeypatch.setenv("JINGWEI_OUTBOX_WEBHOOKS_FILE", str(file))
    monkeypatch.setenv("JINGWEI_OUTBOX_ALLOWED_NETWORKS", '["127.0.0.0/8"]')
    return file
