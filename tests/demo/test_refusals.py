"""The demo walk stops where something is not as it should be, and says what."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from jingwei_api.demo import walk as walk_room
from jingwei_api.demo.casting import read_parts
from jingwei_api.demo.walk import Walker
from jingwei_api.demo.walking import _await_ready
from jingwei_core.demo.passwords import DemoLogin
from jingwei_sdk.errors import Conflict, NotFound, Unavailable
from tests.servers.processes import free_port

WORKER = {
    "login": "grid-01",
    "password": "x",
    "name": "网格员",
    "role": "grid_worker",
    "place": "42050200100101",
    "department": None,
}


class _Frontend:
    """Answers what a test puts in."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def ask(self, name: str, _: object) -> Any:
        self.asked.append(name)
        return self.answer

    def fetch(self, _: str) -> bytes:
        return b"another picture"


@pytest.mark.parametrize(("accounts", "role"), [([], "grid_worker"), ([WORKER], None)])
def test_a_walk_needs_an_account_for_each_part(
    tmp_path: Path, accounts: list[dict[str, Any]], role: str | None
) -> None:
    path = tmp_path / "accounts.json"
    path.write_text(json.dumps({"yichang": accounts}), encoding="utf-8")
    with pytest.raises(NotFound) as refusal:
        read_parts(path, "yichang")
    assert refusal.value.code == "DEMO_ACCOUNT_MISSING"
    assert role in (None, refusal.value.params["role"])


@pytest.mark.parametrize("event", [None, {"availableActions": ["verify"]}])
def test_an_action_that_is_not_offered_is_not_taken(event: dict[str, Any] | None) -> None:
    frontend: Any = _Frontend({"event": event})
    nobody: Any = None
    walker = Walker(nobody, "yichang", nobody, nobody)
    with pytest.raises(NotFound) as refusal:
        walker._act(frontend, DemoLogin(**WORKER), "file")
    assert refusal.value.code == "DEMO_ACTION_NOT_OFFERED"
    assert frontend.asked == ["waiting_event"]


def test_a_picture_that_comes_back_as_another_is_noticed() -> None:
    frontend: Any = _Frontend(None)
    photo = walk_room.Photo("grid-01", "before", "id", "0" * 64, 1, None, None, None)
    with pytest.raises(Conflict) as refusal:
        walk_room._checked(frontend, photo, {"originalUrl": "/o", "viewUrl": "/v"})
    assert refusal.value.code == "DEMO_PHOTO_CHANGED"


def test_a_server_that_ends_at_once_is_not_waited_for(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    ended.communicate()
    with pytest.raises(Unavailable) as refusal:
        _await_ready(ended, f"http://127.0.0.1:{free_port()}", tmp_path / "log")
    assert refusal.value.code == "DEMO_START_FAILED"
