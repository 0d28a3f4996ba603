"""A street from a package: its workflow waits for joint enforcement, its people hold cards."""

import json
import secrets
import uuid
from datetime import timedelta
from pathlib import Path

from jingwei_core.platform import Platform
from jingwei_core.tenants.apply import apply_package
from jingwei_core.tenants.package import load_package
from tests.core.events.city import City
from tests.core.events.frozen_clock import MONDAY
from tests.tenants.small_package import write_plain_package
from tests.tenants.staff import employ

CITY, GRID = "4205", "42050200100101"
KIND = "city.road.hole"
CARD = "enforcement"
UNITS = ("enforcement", "commerce", "food", "quality")

_DEPARTMENTS = """\
code,parent,name_zh,name_en,duties_zh,duties_en,level,place
works,,工务,Works,修路,Mends roads,city,4205
lamps,works,路灯,Lamps,修灯,Mends lamps,city,4205
enforcement,,执法,Enforcement,违建,Illegal building,city,4205
commerce,,工商,Commerce,无照,Unlicensed trade,city,4205
food,,食药,Food,食品,Food,city,4205
quality,,质检,Quality,设备,Equipment,city,4205
"""
_ROLES = """\
[[roles]]
code = "chief"
name_zh = "网格长"
name_en = "Chief"
permissions = ["event.*", "place.*"]

[[roles]]
code = "unit"
name_zh = "执法员"
name_en = "Officer"
permissions = ["event.read", "event.report", "event.handle", "event.task.handle", "place.read"]

[[roles]]
code = "clerk"
name_zh = "文员"
name_en = "Clerk"
permissions = ["event.read"]
"""
_WORKFLOW = """\
code = "short"
name_zh = "联合执法流程"
name_en = "Joint enforcement"
version = 1
source = "law"

[[states]]
code = "registered"
name_zh = "登记"
name_en = "Registered"
kind = "start"

[[states]]
code = "dispatched"
name_zh = "交办"
name_en = "Dispatched"
kind = "working"

[[states]]
code = "joint"
name_zh = "联合执法"
name_en = "Joint enforcement"
kind = "working"

[[states]]
code = "handled"
name_zh = "已解决"
name_en = "Solved"
kind = "working"

[[states]]
code = "closed"
name_zh = "销号"
name_en = "Struck off"
kind = "final"

[[states]]
code = "cancelled"
name_zh = "作废"
name_en = "Cancelled"
kind = "final"

[[actions]]
code = "dispatch"
name_zh = "交办"
name_en = "Dispatch"
from = ["registered"]
to = "dispatched"
permission = "event.dispatch"
requires = ["department"]
assigns = "department"

[[actions]]
code = "join"
name_zh = "开展联合执法"
name_en = "Begin joint enforcement"
from = ["dispatched"]
to = "joint"
permission = "event.dispatch"

[[actions]]
code = "inspect"
name_zh = "请质检检验"
name_en = "Have it inspected"
from = ["joint"]
to = "joint"
permission = "event.dispatch"

[[actions.effects]]
effect = "task"
department = "quality"
title_zh = "检验设备"
title_en = "Inspect the equipment"
limit = { amount = 2, unit = "work_hour" }

[[actions.effects]]
effect = "task"
whom = "reporter"
title_zh = "再看一次现场"
title_en = "Look at the site again"

[[actions]]
code = "handle"
name_zh = "解决"
name_en = "Solve"
from = ["dispatched", "joint"]
to = "handled"
permission = "event.handle"
requires = ["photo:after", "note"]
by = "assigned"
guards = [{ guard = "tasks_done" }]

[[actions]]
code = "close"
name_zh = "销号"
name_en = "Strike off"
from = ["joint", "handled"]
to = "closed"
permission = "event.close"
assigns = "clear"

[[actions]]
code = "cancel"
name_zh = "作废"
name_en = "Cancel"
from = ["dispatched", "joint"]
to = "cancelled"
permission = "event.cancel"
requires = ["reason"]
assigns = "clear"
"""
_KINDS = """\
code,parent,name_zh,name_en,department,workflow,form,deadline,grade,photo_required,source
city,,城市,City,,,,,,,
city.road,city,道路,Roads,,,,,,,
city.road.hole,city.road,违建,Illegal building,works,short,,slow,3,n,law
"""
_DEADLINES = """\
profile,state,amount,unit,warn_at_percent,source
slow,*,60,day,80,law
"""
_RULES = {
    "source": "law",
    "certificates": [{"code": CARD, "name_zh": "行政执法证", "name_en": "Enforcement card"}],
}
PEOPLE = {
    "chief": ("chief", CITY, None, True),
    "worker": ("unit", GRID, None, False),
    "mender": ("unit", CITY, "works", False),
    "clerk": ("clerk", CITY, "enforcement", True),
    **{unit: ("unit", CITY, unit, True) for unit in UNITS},
    "second-enforcement": ("unit", CITY, "enforcement", True),
    "trainee": ("unit", CITY, "enforcement", False),
}
"""login -> role, place, department, whether it holds the card"""


def write_street(folder: Path) -> Path:
    """A package of its own tenant, in ``folder``."""
    write_plain_package(folder)
    texts = {
        "events/deadlines.csv": _DEADLINES,
        "departments.csv": _DEPARTMENTS,
        "roles.toml": _ROLES,
        "events/workflows/short.toml": _WORKFLOW,
        "events/kinds.csv": _KINDS,
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    for path in (folder / "demo").iterdir():
        path.unlink()
    (folder / "demo").rmdir()
    (folder / "events/forms/damage.schema.json").unlink()
    manifest = (folder / "tenant.toml").read_text("utf-8").replace("demo = true", "demo = false")
    manifest = manifest.replace('slug = "small"', f'slug = "street-{secrets.token_hex(4)}"')
    manifest = manifest.replace("0195f000-0000-7000-8000-000000000001", str(uuid.uuid4()))
    (folder / "tenant.toml").write_text(manifest, encoding="utf-8")
    return folder


async def build_street(platform: Platform, folder: Path) -> City:
    """The tenant of the package, with its people and their certificates."""
    package = load_package(write_street(folder))
    await apply_package(platform, package)
    state = await platform.state(package.tenant.slug)
    city = City(platform, state.tenant)
    for row in await city.fetch("SELECT id, code FROM core.department"):
        city.departments[row["code"]] = row["id"]
    for row in await city.fetch("SELECT id, code FROM core.place"):
        city.places[row["code"]] = row["id"]
    await city.fetch(
        "INSERT INTO core.workforce_rules (definition) VALUES ($1)", json.dumps(_RULES)
    )
    for login, (role, place, department, is_holder) in PEOPLE.items():
        await hire(city, login, role, place, department)
        if is_holder:
            await certify(city, login)
    return city


async def hire(city: City, login: str, role: str, place: str, department: str | None) -> None:
    """An account with a post."""
    held = await city.value("SELECT id FROM core.role WHERE code = $1", role)
    member = city.departments.get(department or "")
    begun = {"department": member, "valid_from": MONDAY - timedelta(days=1)}
    await employ(city, login, held, city.places[place], **begun)


async def certify(city: City, login: str) -> None:
    """A card that is valid from now on until the end of the year."""
    day = MONDAY.date()
    await city.fetch(
        "INSERT INTO core.certificate (account, kind, number, issuer, valid_from, valid_to)"
        " VALUES ($1, $2, $3, '区司法局', $4, $5)",
        city.people[login],
        CARD,
        f"{CARD}-{login}",
        day,
        day.replace(month=12, day=31),
    )
