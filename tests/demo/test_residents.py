"""Demo residents: a few in the grids of who may enter them, nobody's numbers, and once."""

from dataclasses import replace
from pathlib import Path

from jingwei_core.demo.residents import NAMES, NOBODYS_AREA
from jingwei_core.demo.seeding import Progress, seed
from jingwei_core.tenants.apply import apply_package
from tests.tenants.small_city import GRID, LOOK_ALIKE
from tests.tenants.small_world import TwoCities

MAY = ("person.read", "person.write")
STORED = """
SELECT l.code, p.* FROM core.person p JOIN core.place l ON l.id = p.place_id ORDER BY p.id
"""


def _unseen(progress: Progress) -> None:
    """Progress is not looked at."""


async def test_residents_are_invented_and_entered_once(
    two_cities: TwoCities, tmp_path: Path
) -> None:
    city = two_cities.first
    roles = [
        replace(role, permissions=(*role.permissions, *(MAY if role.code == "worker" else ())))
        for role in city.package.roles
    ]
    package = replace(city.package, roles=tuple(roles))
    await apply_package(city.platform, package)
    city.platform.forget()
    done = await seed(city.platform, package, tmp_path / "accounts.json", _unseen)
    rows = await city.fetch(STORED)
    assert done.residents == len(rows) == 2 * len(NAMES)
    assert {row["code"] for row in rows} == {GRID, LOOK_ALIKE}
    assert {row["name"] for row in rows} == {*NAMES}
    cards = [row for row in rows if row["document_type"] == "resident_id"]
    assert len(cards) == 6
    assert {row["number_note"] for row in cards} == {"area_unknown"}
    assert all(row["document_number"].startswith(NOBODYS_AREA) for row in cards)
    assert {row["document_country"] for row in rows} == {"", "CHN", "UTO"}
    assert {row["phone"] for row in rows} == {None}

    again = await seed(city.platform, package, tmp_path / "accounts.json", _unseen)
    assert again.residents == 0
    assert await city.fetch(STORED) == rows
    assert await two_cities.second.fetch(STORED) == []
