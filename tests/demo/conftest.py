"""A demo of a few rows, started by its own command: two real cities in a database of their own."""

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from jingwei_api.demo.frontend import answers
from jingwei_core.database.engine import connect
from jingwei_core.database.urls import with_database
from jingwei_core.settings import Settings
from tests.conftest import TestRun
from tests.servers.processes import Daemons, free_port

ROOT = Path(__file__).resolve().parents[2]
EVENTS = 6
JINGWEI = (sys.executable, "-m", "jingwei_core.cli.main")


@dataclass(frozen=True)
class Demo:
    """A running demo: its address, its settings, and the environment its commands need."""

    url: str
    settings: Settings
    env: dict[str, str]
    tenants: Path

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``jingwei`` against the same database and data folder."""
        return subprocess.run(
            [*JINGWEI, *arguments], env=self.env, capture_output=True, text=True, check=False
        )


@pytest.fixture(scope="session")
def few_rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two packages with their first demo events only: the rest tells the same story."""
    folder = tmp_path_factory.mktemp("tenants")
    for slug in ("yichang", "changzhi"):
        shutil.copytree(ROOT / "tenants" / slug, folder / slug)
        path = folder / slug / "demo" / "events.csv"
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join(lines[: EVENTS + 1]), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
async def demo_settings(
    test_run: TestRun, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Settings]:
    """A new, empty database on the run's server, with a data folder of its own."""
    shared = test_run.settings(template)
    name = f"{test_run.name}_demo_{secrets.token_hex(4)}"
    connection = await connect(test_run.url)
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    yield Settings(
        database_url=with_database(test_run.url, name),
        data_dir=tmp_path_factory.mktemp("data"),
        role_prefix=shared.role_prefix,
        # The roles are those of the run, and their password comes from its secret.
        secret_key=shared.secret().decode(),
    )
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


@pytest.fixture(scope="session")
def demo(demo_settings: Settings, few_rows: Path) -> Iterator[Demo]:
    """``jingwei demo up`` on a free port, until the tests end."""
    assert demo_settings.database_url is not None
    port = free_port()
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("JINGWEI_")},
        "JINGWEI_DATABASE_URL": demo_settings.database_url,
        "JINGWEI_DATA_DIR": str(demo_settings.data_dir),
        "JINGWEI_ROLE_PREFIX": demo_settings.role_prefix,
        "JINGWEI_SECRET_KEY": demo_settings.secret().decode(),
        "JINGWEI_LOG_LEVEL": "WARNING",
    }
    log = demo_settings.data_dir / "server.log"
    daemons = Daemons(log, env=env)
    daemons.start([*JINGWEI, "demo", "up", "--port", str(port), "--tenants", str(few_rows)])
    url = f"http://127.0.0.1:{port}"
    try:
        daemons.wait_until(lambda: answers(url), timeout_s=120)
        daemons.wait_until(
            lambda: "all demo rows are in" in log.read_text(encoding="utf-8"), timeout_s=120
        )
        yield Demo(url, demo_settings, env, few_rows)
    finally:
        daemons.stop()


def printed(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    """The JSON document that a command printed."""
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found
