"""Residents of the leak tests: in each place one who lives there, and in near two who do not."""

from datetime import date

from jingwei_core.database.unit import Unit
from jingwei_core.people.documents import Proven, digest_of
from jingwei_core.people.states import DocumentType
from jingwei_core.people.tables import Person
from tests.leak.world import City

PLACES = {"city": "street", "near": "near", "far": "far"}
NUMBERS = {"city": "CITY1980", "near": "NEAR1975", "far": "FAR1976"}
"""Of passports; what is stored as the number is a canary, which these do not show."""
AWAY = Proven(DocumentType.BIRTH_CERTIFICATE, "ATTACK", "CHN")
"""What somebody in near has who moved away; the generated calls show it."""
DAY = date(2026, 6, 1)


async def plant_people(city: City, unit: Unit, secret: bytes) -> None:
    """Residents with numbers that are found by their digest, and seen by nobody in clear."""
    for zone, number in NUMBERS.items():
        found = Proven(DocumentType.PASSPORT, number, "CHN")
        await _person(city, unit, zone, secret, (found, "present"))
    await _person(city, unit, "near", secret, (AWAY, "moved_away"))
    dead = Proven(DocumentType.PASSPORT, "DEAD", "CHN")
    await _person(city, unit, "near", secret, (dead, "deceased"))


async def _person(
    city: City, unit: Unit, zone: str, secret: bytes, given: tuple[Proven, str]
) -> None:
    found, status = given
    told, hidden = city.canary(zone, "person"), city.canary("hidden", f"{zone}.person")
    await city.plant(
        unit,
        Person,
        zone,
        place_id=city.places[PLACES[zone]],
        name=told,
        document_type=found.type.value,
        document_country=found.country,
        document_number=hidden,
        number_digest=digest_of(secret, city.id, found),
        birth_date=DAY,
        sex="female",
        phone=hidden,
        residence="floating",
        status=status,
        moved_in_on=DAY,
        left_on=None if status == "present" else DAY,
        search_text=f"{told} {hidden}".lower(),
    )
