import json

from jingwei_core.settings import Settings
from tests.fixtures.command_line import CommandLine


async def test_migrate_status_and_check_tell_the_same_story(empty: Settings, jingwei: CommandLine):
    before = await jingwei(empty, "db", "check", "--json")
    assert before.code == 1
    assert json.loads(before.out)["ok"] is False
    waiting = json.loads((await jingwei(empty, "db", "status", "--json")).out)["waiting"]
    done = json.loads((await jingwei(empty, "db", "migrate", "--json")).out)
    assert len(done["applied"]) == waiting > 0
    assert "the database was up to date" in (await jingwei(empty, "db", "migrate")).out
    after = await jingwei(empty, "db", "check")
    assert (after.code, after.out) == (
        0,
        "declarations, migrations and database agree\n",
    )


async def test_a_refusal_says_code_cause_and_next_step(empty: Settings, jingwei: CommandLine):
    refused = await jingwei(empty, "db", "new", "nobody")
    assert refused.code == 1
    assert "APP_UNKNOWN: There is no app nobody" in refused.err
    unreachable = empty.model_copy(update={"database_url": "postgresql://x@127.0.0.1:1/x"})
    told = await jingwei(unreachable, "db", "migrate", "--json")
    assert told.code == 1
    error = json.loads(told.out)["error"]
    assert error["code"] == "DATABASE_UNREACHABLE"
    assert "jingwei db start" in error["next_step"]


async def test_url_is_the_applications_unless_asked_for_the_owners(
    empty: Settings, jingwei: CommandLine
):
    app = (await jingwei(empty, "db", "url")).out
    assert app.startswith(f"postgresql://{empty.app_role}:")
    assert (await jingwei(empty, "db", "url", "--role", "owner")).out == f"{empty.database_url}\n"
