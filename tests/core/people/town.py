"""A city with a registrar in each of two grids, one over both, and readers."""

import uuid
from datetime import date, timedelta
from typing import Any

from jingwei_core.people.states import DocumentType
from jingwei_core.platform import Platform
from tests.core.events.city import GRID, ROOT, SIBLING, City, build_city
from tests.core.events.frozen_clock import MONDAY
from tests.tenants.staff import add_role, employ

READ = ["place.read", "person.read"]
REGISTER = [*READ, "person.write", "person.reveal"]
PEOPLE = {
    "west-registrar": ("registrar", GRID),
    "east-registrar": ("registrar", SIBLING),
    "registrar": ("registrar", ROOT),
    "guardian": ("guardian", ROOT),
    "reader": ("reader", GRID),
}
KEPT = ("person", "audit_entry", "command_key", "outbox_message")
NOBODYS_AREA = "000000"
"""No division has it, so that no number that begins so is anybody's."""


def number_of(born: str, order: int = 1, area: str = NOBODYS_AREA) -> str:
    """An 18-digit number with its check character; an odd ``order`` is a man's."""
    from stdnum.cn import ric

    bare = f"{area}{born}{order:03}"
    return bare + ric.calc_check_digit(f"{bare}0")


def id_card(number: str) -> dict[str, Any]:
    return {"type": DocumentType.RESIDENT_ID.value, "number": number}


class Town(City):
    """A tenant of the test."""

    @property
    def today(self) -> date:
        return MONDAY.astimezone(self.tenant.timezone).date()

    async def made(self, who: str, name: str, target: Any = None, /, **given: Any) -> uuid.UUID:
        answer = await self.run(who, name, target, **given)
        assert answer.row_id is not None
        return answer.row_id

    async def registered(self, path: str = GRID, who: str = "registrar", **given: Any) -> uuid.UUID:
        """Somebody invented is entered at a place; their id."""
        values = {"name": "示例居民", "residence": "registered", **given}
        return await self.made(who, "person.register", place_id=self.places[path], **values)

    async def row(self, person: uuid.UUID) -> dict[str, Any]:
        (found,) = await self.fetch("SELECT * FROM core.person WHERE id = $1", person)
        return dict(found)

    async def kept(self) -> dict[str, Any]:
        """Everything that a refusal must leave alone."""
        return await self.rows(KEPT)


async def build_town(platform: Platform) -> Town:
    city = await build_city(platform)
    town = Town(platform, city.tenant, city.places, city.departments, city.people, city.kinds)
    roles = {"registrar": REGISTER, "reader": READ, "guardian": [*REGISTER, "person.reveal-child"]}
    made = {code: await add_role(town, code, may) for code, may in roles.items()}
    begun = MONDAY - timedelta(days=1)
    for login, (role, path) in PEOPLE.items():
        await employ(town, login, made[role], town.places[path], valid_from=begun)
    return town
