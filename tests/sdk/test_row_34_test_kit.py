"""Row 34: `pytest11`; two tenants by default, second must see nothing."""

import json
import re
from pathlib import Path

import pytest

from tests.sdk.fresh_environment import FreshEnvironment, Ran
from tests.sdk.stranger import STEPS, write_step

pytestmark = pytest.mark.timeout(600)
MOST_BOOT_S = 5.0
FIXTURES = (
    *("jingwei_city", "jingwei_other_city", "jingwei_client", "jingwei_clock"),
    *("jingwei_evidence", "captured_hooks", "captured_jobs", "captured_channels", "query_counts"),
)
# A command that reaches past its own tenant, as no plugin should. SQL that binds another one is
# refused as it runs; what is left is code that reaches for the platform's private names.
_LEAK = '''
OTHER = "0195f000-0000-7000-8000-0000000000b2"
_BIND = "SELECT set_config('app.tenant', $1, true)"
_PUT = """
INSERT INTO road_lamp_patrol.lamp (tenant_id, id, code, condition, place_id)
SELECT p.tenant_id, core.uuid7(), $1, 'lit', p.id FROM core.place p LIMIT 1 RETURNING code
"""


async def tell_the_neighbour(ctx: Context, code: str) -> None:
    """Write into another tenant."""
    try:
        await ctx.data.fetchval(_BIND, OTHER)
    except Refused as refused:
        assert refused.code == "PLUGIN_SQL_REFUSED"
    else:
        raise AssertionError("another tenant was bound")
    core = ctx.data._PluginData__data
    await core.fetchval(_BIND, OTHER)
    await core.fetchval(_PUT, code)
    await core.fetchval(_BIND, str(ctx.tenant.id))
'''
_LEAKY_TEST = """
from jingwei_sdk.testing.contract import GRID


async def test_registers(jingwei_city):
    place = str(await jingwei_city.place(GRID))
    await jingwei_city.run("road-lamp.register", code="L-01", place_id=place)


async def test_a_test_that_writes_nothing_is_no_leak(jingwei_city):
    assert await jingwei_city.place(GRID)
"""
_REMEMBERING = '''
SEEN: list[str] = []


async def codes(ctx: Context, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A memory of the process, which all tenants share."""
    SEEN.extend(str(row["code"]) for row in rows)
    return [" ".join(sorted(set(SEEN))) for _ in rows]
'''
_ONE_BY_ONE = '''
async def patrols(ctx: Context, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """One statement for each row."""
    counted = "SELECT count(*) FROM road_lamp_patrol.patrol WHERE lamp = $1"
    return [await ctx.data.fetchval(counted, row["id"]) for row in rows]
'''
_COUNTING_TEST = """
from jingwei_sdk.testing.contract import GRID
from road_lamp_patrol.tables import RoadLamp

LAMPS = "{ roadLampPatrol { lamps(first: 50) { edges { node { code visits } } } } }"


async def test_doubled(jingwei_city, jingwei_client, query_counts):
    reader, place = await jingwei_city.holding("road-lamp.read"), await jingwei_city.place(GRID)
    numbers = iter(range(100))

    async def more():
        async with jingwei_city.system() as ctx:
            await ctx.data.insert_all(
                [RoadLamp(code=f"L-{next(numbers)}", place_id=place) for _ in range(4)]
            )

    await more()
    await query_counts.same_when_doubled(lambda: jingwei_client.data(reader, LAMPS), more=more)
"""
_BOOT = """
import asyncio, json, os, time
from pathlib import Path
from jingwei_api.testing.provider import provide
from jingwei_sdk.testing.contract import Switched
from jingwei_sdk.testing.finding import plugin_under_test


async def main():
    platform = await provide().boot(plugin_under_test(Path.cwd()))
    async with platform.scene(Switched()) as scene:
        version = await scene.city.fetch("SELECT version() AS told")
    told = os.times()
    used = told.user + told.system + told.children_user + told.children_system
    print(json.dumps({"cpu_s": used, "took_s": platform.took_s, "database": version[0]["told"]}))
    await platform.close()


asyncio.run(main())
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The stranger's plugin as it is once lamps can be registered."""
    return write_step(STEPS[2], tmp_path / "project")


def tried(environment: FreshEnvironment, project: Path, *words: str) -> Ran:
    """What the plugin's own tests say."""
    return environment.python("-m", "pytest", "-q", "-p", "no:cacheprovider", *words, cwd=project)


def edit(file: Path, *pairs: tuple[str, str]) -> None:
    """Replace the one place of each text."""
    text = file.read_text(encoding="utf-8")
    for old, new in pairs:
        assert text.count(old) == 1, f"{old!r} is not once in {file.name}"
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")


def add_computed(project: Path, name: str, kind: str, code: str) -> None:
    """Give lamps a computed field."""
    field = f'{name!r}: Computed({kind}, ("id", "code"), {code}, permission=READ)'
    edit(
        project / "road_lamp_patrol" / "records.py",
        ("AtPlace, Many", "AtPlace, Computed, Many"),
        ('    relations={"patrols"', f'    computed={{{field}}},\n    relations={{"patrols"'),
        (
            "from jingwei_sdk.records",
            "from collections.abc import Mapping, Sequence\nfrom typing import Any\n\n"
            "from jingwei_sdk.context import Context\nfrom jingwei_sdk.records",
        ),
    )


def test_the_kit_is_there_once_it_is_installed(
    author_environment: FreshEnvironment, project: Path
) -> None:
    """No conftest, no import: the fixtures are known, each with what it is for."""
    told = tried(author_environment, project, "--fixtures").succeeded().out
    assert not list(project.rglob("conftest.py"))
    assert [name for name in FIXTURES if name not in told] == []
    assert "@pytest.mark.jingwei" in tried(author_environment, project, "--markers").out


def test_a_platform_boots_within_five_seconds(
    author_environment: FreshEnvironment, project: Path
) -> None:
    """Process time from the first import to a test that may begin, with the template on disk."""
    figures = []
    for _ in range(2):
        ran = author_environment.python("-c", _BOOT, cwd=project).succeeded()
        figures.append(json.loads(ran.out))
    assert "PostgreSQL 18" in figures[1]["database"]
    assert figures[1]["cpu_s"] < MOST_BOOT_S, figures


def test_a_leak_into_the_other_city_fails_the_test(
    author_environment: FreshEnvironment, project: Path
) -> None:
    lamps = project / "road_lamp_patrol" / "lamps.py"
    (project / "tests" / "test_leak.py").write_text(_LEAKY_TEST, encoding="utf-8")
    tried(author_environment, project, "tests/test_leak.py").succeeded()
    edit(
        lamps,
        ("    await ctx.signals", "    await tell_the_neighbour(ctx, code)\n    await ctx.signals"),
        (
            "from jingwei_sdk.errors import Conflict",
            "from jingwei_sdk.errors import Conflict, Refused",
        ),
    )
    lamps.write_text(lamps.read_text(encoding="utf-8") + _LEAK, encoding="utf-8")
    told = tried(author_environment, project, "tests/test_leak.py")
    assert told.code == 1
    assert re.search(r"\b2 passed\b.*\b1 error\b", told.out), told.told
    assert "the other city saw this test" in told.out
    assert "road_lamp_patrol" in told.out
    assert "0 rows before the test, 1 after it" in told.out


def test_what_code_remembers_of_a_city_is_seen_too(
    author_environment: FreshEnvironment, project: Path
) -> None:
    """No row is where it should not be; the answer is."""
    records = project / "road_lamp_patrol" / "records.py"
    add_computed(project, "known", "str", "codes")
    edit(records, ("\nLAMP = Record(", f"{_REMEMBERING}\n\nLAMP = Record("))
    (project / "tests" / "test_memory.py").write_text(
        "from jingwei_sdk.testing.contract import GRID\n"
        "from tests_of_reading import LAMPS, put\n\n\n"
        "async def test_reads(jingwei_city, jingwei_other_city, jingwei_client):\n"
        "    for city, code in ((jingwei_city, 'HERE-1'), (jingwei_other_city, 'THERE-1')):\n"
        "        await put(city, code, GRID)\n"
        "    asked = LAMPS.replace('condition', 'known')\n"
        "    caller = await jingwei_city.holding('road-lamp.read')\n"
        "    await jingwei_client.data(caller, asked)\n",
        encoding="utf-8",
    )
    (project / "tests" / "test_reading.py").rename(project / "tests_of_reading.py")
    told = tried(author_environment, project, "tests/test_memory.py")
    assert told.code == 1, told.told
    assert "the other city saw this test" in told.out
    assert "it is told 'HERE-1'" in told.out


def test_a_question_for_each_row_is_found_by_doubling_the_rows(
    author_environment: FreshEnvironment, project: Path
) -> None:
    records = project / "road_lamp_patrol" / "records.py"
    add_computed(project, "visits", "int", "patrols")
    edit(records, ("\nLAMP = Record(", f"{_ONE_BY_ONE}\n\nLAMP = Record("))
    (project / "tests" / "test_counts.py").write_text(_COUNTING_TEST, encoding="utf-8")
    told = tried(author_environment, project, "tests/test_counts.py")
    assert told.code == 1, told.told
    assert "statements, with more rows" in told.out


def test_a_kit_that_cannot_work_says_what_to_write(
    author_environment: FreshEnvironment, project: Path
) -> None:
    """A loop for each test, and a marker with a word that it does not know."""
    test = project / "tests" / "test_plugin.py"
    edit(
        test, ("async def test_it_is_on", "@pytest.mark.jingwei(colour=1)\nasync def test_it_is_on")
    )
    edit(test, ("from jingwei_sdk", "import pytest\nfrom jingwei_sdk"))
    told = tried(author_environment, project, "tests/test_plugin.py", "-k", "is_on")
    assert "@pytest.mark.jingwei knows no colour" in told.out
    edit(project / "pyproject.toml", ('asyncio_default_fixture_loop_scope = "session"\n', ""))
    told = tried(author_environment, project, "tests/test_plugin.py", "-k", "is_on")
    assert told.code == 1
    assert 'asyncio_default_fixture_loop_scope = "session"' in told.out
