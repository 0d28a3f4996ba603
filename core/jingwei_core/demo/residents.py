"""Demo residents (示例居民): some in a few grids, entered by the demo account that may.

They are nobody. No division has the area code 000000 of their numbers, so that none is anybody's
though its check character is right, and the register warns of each (``numberNote``). The passports
are of UTO, the country of ICAO Doc 9303's specimens. None has a phone.
"""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from jingwei_core.commands.bus import Call, execute
from jingwei_core.demo.people import Cast
from jingwei_core.people.entering import register_person
from jingwei_core.people.records import WRITE
from jingwei_core.people.states import DocumentType, Residence
from jingwei_core.platform import Platform
from jingwei_core.session import Request
from jingwei_sdk.commands import declaration
from jingwei_sdk.context import Tenant

GRIDS = 3
"""So many grids of each area that somebody may enter residents of."""
NAMES = ("示例居民甲", "示例居民乙", "示例居民丙", "示例新生儿", "示例外籍居民")
NOBODYS_AREA = "000000"
_SPECIMEN = "UTO"
_OLDEST = date(1941, 1, 1)
_AGES_D = 80 * 365
_WAYS = (Residence.REGISTERED, Residence.FLOATING, Residence.LODGING)
_GRIDS = """
SELECT code, id, path FROM core.place
 WHERE level = 'grid' AND code <> '' AND (valid_to IS NULL OR valid_to > $3)
   AND starts_with(path, $1)
 ORDER BY code LIMIT $2
"""
_TOLD = """
SELECT request_id FROM core.audit_entry
 WHERE command = 'person.register' AND request_id LIKE 'seed:resident:%'
"""


async def seed_residents(platform: Platform, tenant: Tenant, cast: Cast) -> int:
    """Enter those who are not there yet; how many were."""
    made = 0
    today = platform.clock.now().astimezone(tenant.timezone).date()
    async with platform.database.unit(tenant.id) as unit:
        told = {row["request_id"] for row in await unit.fetch(_TOLD)}
        grids: dict[str, Mapping[str, Any]] = {}
        for path in sorted({p for one in cast.members for p in one.permissions.paths(WRITE)}):
            rows = await unit.fetch(_GRIDS, path, GRIDS, today)
            grids |= {row["code"]: row for row in rows}
    for code, grid in grids.items():
        clerk = cast.who_may(WRITE, grid["path"])
        assert clerk is not None
        for number, given in enumerate(_residents(code, today)):
            request = Request(request_id=f"seed:resident:{code}:{number}")
            if request.request_id in told:
                continue
            call = Call(declaration(register_person), {"place_id": grid["id"], **given})
            await execute(platform, tenant, clerk.identity, call, request)
            made += 1
    return made


def _residents(grid: str, today: date) -> Iterator[dict[str, Any]]:
    *grown, newborn, foreigner = NAMES
    for name, residence in zip(grown, _WAYS, strict=True):
        shown = {"type": DocumentType.RESIDENT_ID.value, "number": _number(f"{grid} {name}")}
        yield {"name": name, "residence": residence.value, "document": shown}
    born = today - timedelta(days=20)
    yield {"name": newborn, "residence": Residence.UNREGISTERED.value, "birth_date": born}
    passport = f"E{_chance(grid) % 10**8:08}"
    shown = {"type": DocumentType.PASSPORT.value, "number": passport, "country": _SPECIMEN}
    yield {"name": foreigner, "residence": Residence.OVERSEAS.value, "document": shown}


def _number(of: str) -> str:
    """The same one at each start, so that nobody is entered twice."""
    from stdnum.cn import ric

    day, order = divmod(_chance(of) % (_AGES_D * 999), 999)
    bare = f"{NOBODYS_AREA}{_OLDEST + timedelta(days=day):%Y%m%d}{order + 1:03}"
    return bare + ric.calc_check_digit(f"{bare}0")


def _chance(of: str) -> int:
    return int.from_bytes(hashlib.sha256(of.encode()).digest()[:8])
