"""GraphQL over HTTP: the public audit suite of the npm package graphql-http against our server.

It needs node and npm and is skipped without them; ``JINGWEI_TEST_NODE=required`` makes that a
failure.
"""

import asyncio
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.api.client import Client

HERE = Path(__file__).parent
FILES = ("package.json", "package-lock.json", "audit.mjs")
AUDITS = 61
"""How many the locked version has: a run that audits less proves less."""


@pytest.fixture(scope="session")
async def audits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the audits and what they import."""
    missing = [program for program in ("node", "npm") if shutil.which(program) is None]
    if missing:
        _not_here(f"{' and '.join(missing)} not installed: no audits of GraphQL over HTTP")
    folder = tmp_path_factory.mktemp("audits")
    for name in FILES:
        shutil.copy(HERE / name, folder / name)
    code, told = await _run(folder, "npm", "ci", "--ignore-scripts", "--prefer-offline")
    if code:
        _not_here(f"npm could not install the audits: {told[-400:]}")
    return folder


def _not_here(reason: str) -> None:
    if os.environ.get("JINGWEI_TEST_NODE") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


async def _run(folder: Path, *command: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "npm_config_update_notifier": "false"},
    )
    told, _ = await asyncio.wait_for(process.communicate(), timeout=120)
    return process.returncode or 0, told.decode()


@pytest.mark.timeout(240)
async def test_every_audit_passes(audits: Path, worker: Client) -> None:
    url = f"{worker.base_url}/graphql"
    headers = json.dumps(worker.headers())
    code, told = await _run(audits, "node", "audit.mjs", url, headers)
    assert code == 0, told
    found: list[dict[str, Any]] = json.loads(told)
    assert len(found) >= AUDITS
    assert [one for one in found if one["status"] != "ok"] == []


def test_the_lock_names_no_registry() -> None:
    lock = (HERE / "package-lock.json").read_text(encoding="utf-8")
    assert "resolved" not in lock
    assert "://" not in lock
