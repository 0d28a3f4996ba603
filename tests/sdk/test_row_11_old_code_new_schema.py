"""Row 11: old code survives the new schema (N-1), our plugins in `plugins/` too.

The code of the last release is taken out of git and does a day's work on a database that today's
migrations have made, as the processes of a rolling upgrade do until they are replaced.
"""

import asyncio
import io
import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from jingwei_core.settings import Settings
from tests.policy.project import ROOT
from tests.servers.databases import NewDatabase, environment

PREVIOUS = Path(__file__).parent / "previous"
RELEASE = tomllib.loads((PREVIOUS / "release.toml").read_text(encoding="utf-8"))
TAKEN = ("sdk", "core", "frontend_api", "plugins", "tests/__init__.py", "tests/plugins", "tenants")
PATHS = (".", "sdk", "core", "frontend_api", "plugins/safety_production")


@pytest.fixture(scope="module")
def old_code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the last release; skips where the clone's history does not reach so far."""
    folder = tmp_path_factory.mktemp("previous")
    git = ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT)]
    known = subprocess.run([*git, "cat-file", "-e", RELEASE["commit"]], capture_output=True)
    if known.returncode:
        pytest.skip("the history of this clone does not hold the last release")
    listed = subprocess.run(
        [*git, "ls-tree", "-r", "--name-only", RELEASE["commit"]],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    taken = [path for path in TAKEN if any(f"{name}/".startswith(f"{path}/") for name in listed)]
    packed = subprocess.run(
        [*git, "archive", "--format=zip", RELEASE["commit"], "--", *taken],
        capture_output=True,
        check=True,
    )
    with zipfile.ZipFile(io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder)
    return folder


async def days_work(folder: Path, settings: Settings) -> tuple[int, str, str]:
    """Exit code, answer and complaints of a day's work with the code in ``folder``."""
    search = os.pathsep.join(str(folder / path) for path in PATHS)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(PREVIOUS / "day.py")),
        cwd=folder,
        env=environment(settings, PYTHONPATH=search, PYTHONDONTWRITEBYTECODE="1"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_the_last_release_works_on_todays_database(
    old_code: Path, new_database: NewDatabase
) -> None:
    async with new_database() as settings:
        code, out, err = await days_work(old_code, settings)
    assert code == 0, err
    told: dict[str, Any] = json.loads(out)
    assert told["code"].startswith(str(old_code))
    assert told["veto"] == "SAFETY_HAZARD_NOT_RECTIFIED"
    assert told["status"] == "verified"
    assert told["audited"] > 10
    assert "errors" not in told["answer"], told["answer"]
    data = told["answer"]["data"]
    assert [edge["node"]["status"] for edge in data["safetyProduction"]["hazards"]["edges"]] == [
        "VERIFIED"
    ]
    assert data["events"]["totalCount"] == 1


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE safety_production.hazard RENAME COLUMN measures TO taken",
        "ALTER TABLE core.event ADD COLUMN urgency int NOT NULL",
    ],
)
async def test_a_change_that_old_code_would_feel_is_noticed(
    old_code: Path, new_database: NewDatabase, change: str
) -> None:
    import asyncpg

    async with new_database() as settings:
        connection = await asyncpg.connect(str(settings.database_url))
        try:
            await connection.execute(change)
        finally:
            await connection.close()
        code, _, err = await days_work(old_code, settings)
    assert code != 0
    assert "column" in err
