"""Places and people of a random city."""

import uuid
from collections.abc import Mapping
from datetime import datetime

from jingwei_core.access.tables import Account, Department, Post, Role
from jingwei_core.places.tables import Place, PlaceCode, PlaceLevel, PlaceShape
from tests.oracle.odd import DAYS, TEXTS
from tests.oracle.planting import LEVELS, LONG_AGO, TOMORROW, YESTERDAY, City, days, label, phone

PLACES = 45
ROLES: Mapping[str, list[str]] = {
    "all": ["*"],
    "worker": [
        *("place.read", "organisation.read", "event.*", "staff.read", "kind.read"),
        *("department.read", "evidence.read", "safety.enterprise.read", "safety.checklist.read"),
        *("safety.inspection.read", "safety.hazard.read", "proof.event.read", "proof.person.read"),
        *("proof.photo.read", "proof.office.read", "reminder.read"),
    ],
    "reader": ["event.read", "place.read", "proof.event.read", "proof.title.read"],
    "handler": ["event.read", "event.handle", "department.read", "kind.read"],
    "places": ["place.read", "organisation.read"],
    "safety": ["safety.*", "organisation.read", "event.read"],
    "staff": ["staff.read", "account.manage", "audit.read", "department.read"],
    "photos": ["evidence.*", "event.read", "proof.photo.read", "proof.told", "proof.phase.read"],
    "proof": ["proof.*", "place.read", "event.read"],
    "names": ["proof.name.read", "proof.office.read", "proof.reporter.read", "proof.told.read"],
    "nothing": [],
}
RANDOM_PEOPLE = tuple(f"random_{number}" for number in range(8))
PEOPLE = (
    *("chief", "first_root", "second_root", "grid", "mixed", "nested", "many", "half", "staff"),
    *("photos", "nobody", "empty_role", *RANDOM_PEOPLE),
)
"""Everybody who is planted, by login."""
KINDS_OF_POST = ("now", "now", "now", "now", "past", "future", "begun")


async def plant_places(city: City) -> None:
    """Two trees; a path often begins like that of a sibling."""
    for rank, code in enumerate(LEVELS):
        least = city.maybe(300, 0.5)
        await city.plant(
            PlaceLevel, code=code, rank=rank, name_zh=city.text(), households_min=least
        )
    ordinals = city.chance.sample(range(2, 2000), PLACES)
    roots = [await _place(city, None, 1), await _place(city, None, 37)]
    near = [1 + 36, 3, 109, 3 * 36 + 2]  # 11, 3, 31, 32: one begins like the other
    for ordinal in [*near[1:], *(each for each in ordinals if each not in (*near, 1))]:
        parent = city.some(roots) if ordinal in near else city.any_of("Place")
        if city.paths[parent].count("/") > 5:
            parent = city.some(roots)
        await _place(city, parent, ordinal)


async def _place(city: City, parent: uuid.UUID | None, ordinal: int) -> uuid.UUID:
    path = (city.paths[parent] if parent else "/") + label(ordinal) + "/"
    depth = path.count("/") - 2
    name, begin_end = city.text(), days(city.chance)
    code = city.maybe(f"4205{ordinal:04}")
    place = await city.plant(
        Place,
        parent=parent,
        level=LEVELS[min(depth, 3)],
        ordinal=ordinal,
        path=path,
        depth=depth,
        name=name,
        name_en=city.text(),
        search_text=f"{name} {spelt(name)} {code or ''}".lower(),
        code=code,
        kind=city.some(["111", "220", ""]),
        households=city.maybe(city.chance.randrange(500)),
        source=city.some(["official", "generated"]),
        valid_from=begin_end[0],
        valid_to=begin_end[1],
    )
    city.paths[place] = path
    for system in city.chance.sample(["division-12", "grid-20", "自编"], city.chance.randrange(3)):
        begin, end = days(city.chance)
        given = {"system": system, "code": code or "0", "valid_from": begin, "valid_to": end}
        if system == "division-12" or code:
            await city.plant(PlaceCode, place=place, **{**given, "code": city.unique("c")})
    if city.chance.random() < 0.4:
        await _shape(city, place)
    return place


def spelt(name: str) -> str:
    """What stands for the pinyin of a name: of one name always the same."""
    return TEXTS[sum(map(ord, name)) % len(TEXTS)]


async def _shape(city: City, place: uuid.UUID) -> None:
    west, south = 1_112_000_000 + city.chance.randrange(5) * 50_000, 306_000_000
    side = 100_000 * city.chance.randint(1, 3)
    corners = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]
    ring = [[(west + x * side) / 1e7, (south + y * side) / 1e7] for x, y in corners]
    await city.plant(
        PlaceShape,
        place=place,
        geometry={"type": "Polygon", "coordinates": [ring], "name": city.text()},
        source=city.text(),
        min_lon_e7=west,
        max_lon_e7=west + side,
        min_lat_e7=south,
        max_lat_e7=south + side,
    )


async def plant_people(city: City) -> None:
    """Departments, roles, and accounts with no, one and many posts."""
    for number in range(6):
        parent = city.maybe(city.any_of("Department")) if number else None
        place = city.maybe(city.any_of("Place"))
        told = {"name": city.text(), "name_en": city.text(), "duties": city.text()}
        await city.plant(
            Department, code=city.unique(city.text()), parent=parent, place=place, **told
        )
    roles = {}
    for code, permissions in ROLES.items():
        told = {"name": city.text(), "name_en": city.text()}
        roles[code] = await city.plant(Role, code=code, permissions=permissions, **told)
    top = [place for place, path in city.paths.items() if path.count("/") == 2]
    deep = [place for place, path in city.paths.items() if path.count("/") > 2]
    street = next(place for place in deep if city.paths[place].count("/") == 3)
    below = next((p for p in deep if city.paths[p].startswith(city.paths[street])), street)
    posts = {
        "chief": [("all", place) for place in top],
        "first_root": [("all", top[0])],
        "second_root": [("worker", top[1]), ("proof", top[1])],
        "grid": [("worker", city.some(deep))],
        "mixed": [("worker", street), ("safety", city.some(deep)), ("places", top[1])],
        "nested": [("worker", street), ("worker", below), ("proof", below), ("names", street)],
        "many": [(city.some(["worker", "proof"]), each) for each in city.chance.sample(deep, 14)],
        "half": [("reader", deep[0]), ("places", deep[1]), ("photos", deep[2])],
        "staff": [("staff", city.some(deep)), ("handler", street)],
        "photos": [("photos", top[0])],
        "nobody": [],
        "empty_role": [("nothing", top[0])],
    }
    for login, held in posts.items():
        await _account(city, login)
        for role, place in held:
            await _post(city, login, (roles[role], place), "now")
    for login in RANDOM_PEOPLE:
        await _account(city, login)
        for _ in range(city.chance.randrange(4)):
            chosen = (city.some(list(roles.values())), city.any_of("Place"))
            await _post(city, login, chosen, city.some(KINDS_OF_POST))
    assert tuple(city.staff) == PEOPLE


async def _account(city: City, login: str) -> None:
    city.staff[login] = await city.plant(
        Account,
        login=login,
        name=city.text(),
        phone=phone(city.chance),
        status="active",
    )


async def _post(city: City, login: str, held: tuple[uuid.UUID, uuid.UUID], kind: str) -> None:
    periods: dict[str, tuple[datetime, datetime | None]] = {
        "now": (LONG_AGO, None),
        "past": (LONG_AGO, YESTERDAY),
        "future": (TOMORROW, None),
        "begun": (YESTERDAY, TOMORROW),
    }
    begin, end = periods[kind]
    await city.plant(
        Post,
        account=city.staff[login],
        role=held[0],
        department=city.maybe(city.any_of("Department"), 0.5),
        place_id=held[1],
        is_primary=False,
        valid_from=begin,
        valid_to=end,
    )


__all__ = ["DAYS", "plant_people", "plant_places"]
