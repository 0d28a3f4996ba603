"""The parts of the test kit that need no platform: its clock, its folders, what it looks for."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from jingwei_api.testing import folders
from jingwei_api.testing.clock import BEGINNING, ZONE, StandingClock
from jingwei_sdk.testing import plugin
from jingwei_sdk.testing.contract import (
    CapturedHooks,
    CapturedJobs,
    City,
    EvidenceBox,
    GraphQLClient,
    Scene,
    WorkingClock,
)
from jingwei_sdk.testing.finding import NoPlugin, plugin_under_test
from jingwei_sdk.testing.queries import BASELINES, QueryCounts

PROJECT = """
[project]
name = "x"
version = "1"
[project.entry-points."jingwei.plugins"]
"""


def local(clock: StandingClock) -> datetime:
    return clock.now().astimezone(ZONE)


def test_the_clock_stands_still_on_a_working_morning() -> None:
    clock = StandingClock()
    assert clock.now() == clock.now() == BEGINNING
    assert clock.is_working_day()
    clock.advance(hours=2)
    clock.advance(timedelta(days=1))
    assert local(clock) == BEGINNING + timedelta(days=1, hours=2)


@pytest.mark.parametrize(
    ("start", "move", "end"),
    [
        ("2026-06-03 10:00", lambda clock: clock.advance_work_hours(2), "2026-06-03 12:00"),
        ("2026-06-03 11:30", lambda clock: clock.advance_work_hours(1), "2026-06-03 14:30"),
        ("2026-06-05 17:00", lambda clock: clock.advance_work_hours(1), "2026-06-08 09:00"),
        ("2026-06-05 10:00", lambda clock: clock.advance_work_days(1), "2026-06-08 17:30"),
        ("2026-09-30 10:00", lambda clock: clock.advance_work_days(1), "2026-10-02 17:30"),
        ("2026-10-09 10:00", lambda clock: clock.advance_work_days(1), "2026-10-10 17:30"),
    ],
)
def test_the_clock_knows_noon_weekends_holidays_and_make_up_days(
    start: str, move: Callable[[StandingClock], None], end: str
) -> None:
    clock = StandingClock()
    clock.set(start)
    move(clock)
    assert local(clock) == datetime.fromisoformat(end).replace(tzinfo=ZONE)
    assert not clock.is_working_day(date(2026, 10, 1))


def write_project(folder: Path, *lines: str) -> Path:
    (folder / "pyproject.toml").write_text(PROJECT + "\n".join(lines), encoding="utf-8")
    return folder


def test_the_plugin_under_test_is_the_projects_own(tmp_path: Path) -> None:
    folder = write_project(tmp_path, 'lamps = "lamps.plugin:plugin"')
    found = plugin_under_test(folder)
    assert (found.id, found.entry, found.folder) == ("lamps", "lamps.plugin:plugin", folder)
    assert plugin_under_test(folder, "lamps") == found
    assert plugin_under_test(folder, "safety-production").id == "safety-production"


@pytest.mark.parametrize(
    ("lines", "asked"), [((), ""), (('a = "a:a"', 'b = "b:b"'), ""), (('a = "a:a"',), "other")]
)
def test_which_plugin_is_meant_must_be_clear(
    lines: tuple[str, ...], asked: str, tmp_path: Path
) -> None:
    with pytest.raises(NoPlugin):
        plugin_under_test(write_project(tmp_path, *lines), asked)


class Counted:
    """A scene in which each block sends as many statements as the next number says."""

    def __init__(self, *numbers: int) -> None:
        self._numbers = list(numbers)

    @contextmanager
    def counting(self) -> Iterator[Any]:
        number = self._numbers.pop(0)
        yield SimpleNamespace(statements=[f"SELECT {each}" for each in range(number)])


def counts(folder: Path, *numbers: int, is_updating: bool = False) -> QueryCounts:
    scene = cast(Scene, Counted(*numbers))
    return QueryCounts(scene, folder / BASELINES, is_updating=is_updating)


async def block(counted: QueryCounts, name: str) -> None:
    async with counted(name):
        pass


async def test_a_baseline_is_written_kept_and_compared(tmp_path: Path) -> None:
    await block(counts(tmp_path, 2, is_updating=True), "Lamp")
    await block(counts(tmp_path, 5, is_updating=True), "Patrol")
    file = tmp_path / BASELINES
    assert json.loads(file.read_text(encoding="utf-8")) == {"Lamp": 2, "Patrol": 5}
    await block(counts(tmp_path, 2), "Lamp")
    for number, name in ((3, "Lamp"), (1, "Lamp"), (2, "Unknown")):
        with pytest.raises(AssertionError, match=name):
            await block(counts(tmp_path, number), name)
    assert json.loads(file.read_text(encoding="utf-8")) == {"Lamp": 2, "Patrol": 5}


async def test_more_statements_with_more_rows_are_refused(tmp_path: Path) -> None:
    acts: list[str] = []

    async def act() -> None:
        acts.append("act")

    async def more() -> None:
        acts.append("more")

    assert await counts(tmp_path, 3, 3).same_when_doubled(act, more=more) == 3
    assert acts == ["act", "act", "more", "act", "act"]
    with pytest.raises(AssertionError, match="3 statements, with more rows 4"):
        await counts(tmp_path, 3, 4).same_when_doubled(act, more=more)


def test_what_a_killed_run_left_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "_place", lambda: tmp_path)
    living, dead, foreign = (folders.new_folder() for _ in range(3))
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], stdout=-1)
    owner = (living / "owner").read_text(encoding="utf-8").partition(" ")
    (dead / "owner").write_text(f"{int(ended.stdout)} {owner[2]}", encoding="utf-8")
    (foreign / "owner").write_text(f"{int(ended.stdout)} elsewhere", encoding="utf-8")
    unowned = tmp_path / "jingwei-kit-being-made"
    unowned.mkdir()
    assert folders.remove_left_over() == 1
    assert sorted(tmp_path.iterdir()) == sorted([living, foreign, unowned])
    assert int(owner[0]) == os.getpid()


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_the_page_of_the_kit_names_all_that_it_gives(locale: str) -> None:
    root = Path(__file__).resolve().parents[3]
    page = (root / "docs" / "sdk" / locale / "testing.md").read_text(encoding="utf-8")
    fixtures = [name for name in vars(plugin) if name.startswith(("jingwei_", "captured_"))]
    inner = {"jingwei_platforms", "jingwei_scene"}
    given = [City, GraphQLClient, WorkingClock, EvidenceBox, CapturedHooks, CapturedJobs]
    methods = [name for kind in given for name in vars(kind) if not name.startswith("_")]
    # The clock tells the time to the platform, and a city is a tenant: both are of the context.
    told = {*fixtures, *methods, "query_counts", *BASELINES.split()} - inner - {"now", "tenant"}
    assert len(told) > 25
    assert [name for name in sorted(told) if f"`{name}" not in page] == []
