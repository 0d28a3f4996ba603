import json
import os
import subprocess
import sys

from jingwei_core.settings import Settings


def jingwei(settings: Settings, *words: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JINGWEI_")}
    environment = kept | {
        "JINGWEI_DATABASE_URL": str(settings.database_url),
        "JINGWEI_DATA_DIR": str(settings.data_dir),
        "JINGWEI_ROLE_PREFIX": settings.role_prefix,
        "JINGWEI_LOCALE": "en",
    }
    return subprocess.run(
        [sys.executable, "-m", "jingwei_core.cli.main", *words],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )


async def test_migrate_status_and_check_tell_the_same_story(empty: Settings):
    before = jingwei(empty, "db", "check", "--json")
    assert before.returncode == 1
    assert json.loads(before.stdout)["ok"] is False
    waiting = json.loads(jingwei(empty, "db", "status", "--json").stdout)["waiting"]
    done = json.loads(jingwei(empty, "db", "migrate", "--json").stdout)
    assert len(done["applied"]) == waiting > 0
    assert "the database was up to date" in jingwei(empty, "db", "migrate").stdout
    after = jingwei(empty, "db", "check")
    assert (after.returncode, after.stdout) == (
        0,
        "declarations, migrations and database agree\n",
    )


async def test_a_refusal_says_code_cause_and_next_step(empty: Settings):
    refused = jingwei(empty, "db", "new", "nobody")
    assert refused.returncode == 1
    assert "APP_UNKNOWN: There is no app nobody" in refused.stderr
    unreachable = empty.model_copy(update={"database_url": "postgresql://x@127.0.0.1:1/x"})
    told = jingwei(unreachable, "db", "migrate", "--json")
    assert told.returncode == 1
    error = json.loads(told.stdout)["error"]
    assert error["code"] == "DATABASE_UNREACHABLE"
    assert "jingwei db start" in error["next_step"]


async def test_url_is_the_applications_unless_asked_for_the_owners(empty: Settings):
    app = jingwei(empty, "db", "url").stdout
    assert app.startswith(f"postgresql://{empty.app_role}:")
    assert jingwei(empty, "db", "url", "--role", "owner").stdout == f"{empty.database_url}\n"
