"""Makes the demo rows of a package: accounts named by role, events in any state, organisations."""

import csv
import random
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jingwei_core.demo.story import path_to
from jingwei_core.events.workflow import Action
from jingwei_core.events.workflow_guards import PostGuard, RoleGuard
from jingwei_core.events.workflow_reading import read_workflow
from jingwei_core.tenants.generate import (
    Place,
    Recipe,
    choose_communities,
    make_grids,
    official_places,
    write_csv,
)
from jingwei_core.tenants.package_demo import ACCOUNT_COLUMNS, EVENT_COLUMNS, ORGANISATION_COLUMNS

EVENTS = 300
ORGANISATIONS = 30
OLDEST_DAYS = 90

_ORGANISATIONS: Sequence[tuple[str, str, str]] = (
    ("supermarket", "示范超市", "Demo Supermarket"),
    ("restaurant", "示范餐馆", "Demo Restaurant"),
    ("factory", "示范工厂", "Demo Factory"),
    ("school", "示范学校", "Demo School"),
    ("clinic", "示范诊所", "Demo Clinic"),
    ("property", "示范物业公司", "Demo Property Company"),
    ("hotel", "示范旅馆", "Demo Hotel"),
    ("workshop", "示范加工作坊", "Demo Workshop"),
    ("warehouse", "示范仓库", "Demo Warehouse"),
    ("association", "示范社区社会组织", "Demo Community Association"),
)

_DETAILS: Sequence[str] = (
    "巡查中发现，位于网格东侧路口附近。",
    "居民反映后到现场核实，情况属实。",
    "日常走访时发现，暂无人员受影响。",
    "现场已设置提示，等待进一步办理。",
    "位于小区出入口旁，影响居民通行。",
)


@dataclass(frozen=True, slots=True)
class _Kind:
    code: str
    name_zh: str
    states: Mapping[str, tuple[frozenset[str], ...]]
    """The states that its demo events may be led to, each with the roles that the way there asks
    for at the event's place: of each set, one."""


def generate_demo(folder: Path) -> dict[str, int]:
    """Rewrite ``demo/`` of the package in ``folder``; gives the number of rows of each file."""
    recipe = Recipe.read(folder)
    divisions = official_places(folder / recipe.divisions)
    grids = make_grids(choose_communities(divisions, recipe), recipe)
    chance = random.Random(recipe.seed + 1)  # noqa: S311 - reproducible demo data, no secret
    accounts = _accounts(folder, {p.code: p for p in divisions}, grids)
    staff = [(str(row[3]), str(row[4])) for row in accounts]
    rows: dict[str, tuple[Sequence[str], list[list[object]]]] = {
        "accounts.csv": (ACCOUNT_COLUMNS, accounts),
        "events.csv": (EVENT_COLUMNS, _events(_kinds(folder, recipe), grids, staff, chance)),
        "organisations.csv": (ORGANISATION_COLUMNS, _organisations(grids, chance)),
    }
    target = folder / "demo"
    target.mkdir(exist_ok=True)
    for name, (columns, body) in rows.items():
        write_csv(target / name, columns, body)
    return {name: len(body) for name, (_, body) in rows.items()}


def _kinds(folder: Path, recipe: Recipe) -> list[_Kind]:
    states: dict[str, dict[str, tuple[frozenset[str], ...]]] = {}
    for path in sorted((folder / "events/workflows").glob("*.toml")):
        workflow = read_workflow(tomllib.loads(path.read_text(encoding="utf-8")))
        ways = {state.code: path_to(workflow, state.code) for state in workflow.states}
        found = {state: _asked(way) for state, way in ways.items() if way is not None}
        first = dict(list(found.items())[:1])
        states[workflow.code] = first if recipe.newly_reported else found
    with (folder / "events/kinds.csv").open(encoding="utf-8", newline="") as file:
        return [
            _Kind(row["code"], row["name_zh"], states[row["workflow"]])
            for row in csv.DictReader(file)
            if row["workflow"]
        ]


def _asked(way: Iterable[Action]) -> tuple[frozenset[str], ...]:
    """Of which roles the guards of the way ask one each."""
    return tuple(
        frozenset(guard.roles)
        for action in way
        for guard in action.guards
        if isinstance(guard, RoleGuard | PostGuard)
    )


def _events(
    kinds: Sequence[_Kind],
    grids: Sequence[Place],
    staff: Sequence[tuple[str, str]],
    chance: random.Random,
) -> list[list[object]]:
    events: list[list[object]] = []
    for number in range(1, EVENTS + 1):
        kind = kinds[(number - 1) % len(kinds)]
        days_ago = chance.randint(0, OLDEST_DAYS)
        is_old = days_ago > OLDEST_DAYS // 2 and "closed" in kind.states
        state = "closed" if is_old else chance.choice(list(kind.states))
        grid = chance.choice(_staffed(grids, kind.states[state], staff))
        longitude, latitude = _point(grid, chance)
        title = f"{grid.name_zh}{kind.name_zh}"
        detail = chance.choice(_DETAILS)
        events.append(
            [
                f"demo-{number:04d}",
                kind.code,
                grid.code,
                title,
                detail,
                longitude,
                latitude,
                days_ago,
                state,
            ]
        )
    return events


def _staffed(
    grids: Sequence[Place], asked: Iterable[frozenset[str]], staff: Sequence[tuple[str, str]]
) -> Sequence[Place]:
    """The grids where somebody has each of the roles asked for, there or above; all, if none."""
    wanted = [tuple(place for role, place in staff if role in roles) for roles in set(asked)]
    return [grid for grid in grids if all(map(grid.code.startswith, wanted))] or grids


def _organisations(grids: Sequence[Place], chance: random.Random) -> list[list[object]]:
    rows: list[list[object]] = []
    for number in range(ORGANISATIONS):
        category, zh, en = _ORGANISATIONS[number % len(_ORGANISATIONS)]
        order = number // len(_ORGANISATIONS) + 1
        grid = chance.choice(grids)
        longitude, latitude = _point(grid, chance)
        code = f"demo-{category}-{order:02d}"
        rows.append(
            [
                code,
                f"{zh}{order:02d}",
                f"{en} {order:02d}",
                category,
                grid.code,
                longitude,
                latitude,
            ]
        )
    return rows


def _point(grid: Place, chance: random.Random) -> tuple[float, float]:
    if grid.cell is None:
        raise ValueError(f"grid {grid.code} has no cell")
    return grid.cell.at(chance.uniform(0.1, 0.9), chance.uniform(0.1, 0.9))


def _accounts(
    folder: Path, divisions: Mapping[str, Place], grids: Iterable[Place]
) -> list[list[object]]:
    values = tomllib.loads((folder / "generate.toml").read_text(encoding="utf-8"))
    codes = {grid.code for grid in grids} | divisions.keys()
    rows: list[list[object]] = []
    for account in values["accounts"]:
        if account["place"] not in codes:
            raise ValueError(f"account {account['login']}: no place {account['place']}")
        rows.append(
            [
                account["login"],
                account["name_zh"],
                account["name_en"],
                account["role"],
                account["place"],
                account.get("department", ""),
                "y" if account["primary"] else "n",
            ]
        )
    return rows
