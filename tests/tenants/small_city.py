"""Two small cities as packages: one street, look-alike grids, a role for each duty.

The community has 40 grids, so that the 1st and the 37th have paths ``…/1/`` and ``…/11/``: whoever
compares prefixes without the last slash mistakes one for the other.
"""

from pathlib import Path

from tests.tenants.small_package import GRIDS, edit, square, write_package

ROOT = Path(__file__).resolve().parents[2]
COMMUNITY = "420502001001"
GRID, LOOK_ALIKE = f"{COMMUNITY}01", f"{COMMUNITY}37"
IN_GRID = {"lon": 111.3005, "lat": 30.7005, "crs": "EPSG:4490"}
VALID = "2024-01-01,2030-01-01"
HOLE, LAMP = "city.road.hole", "city.road.lamp"
IDS = {
    "first": "0195f000-0000-7000-8000-0000000000a1",
    "second": "0195f000-0000-7000-8000-0000000000b2",
}
_SEES = ["place.read", "kind.read", "department.read", "event.read", "evidence.read"]
ROLES = {
    "worker": [*_SEES, "event.report", "evidence.upload"],
    "chief": [*_SEES, "event.file", "event.verify", "organisation.write", "organisation.read"],
    "centre": [*_SEES, "event.dispatch", "event.close", "event.return", "event.cancel"],
    "handler": [*_SEES, "event.handle", "evidence.upload"],
    "checker": [*_SEES, "event.check"],
    "superior": ["event.assign", "event.escalate"],
    "supervisor": [*_SEES, "evidence.original"],
    "auditor": ["audit.read", "place.read"],
    "admin": [
        *("place.read", "staff.read", "account.manage", "post.manage", "role.manage"),
        "plugin.manage",
    ],
}
ACCOUNTS = f"""\
login,name_zh,name_en,role,place,department,primary
worker,网格员·01,Worker 01,worker,{GRID},,y
worker-37,网格员·37,Worker 37,worker,{LOOK_ALIKE},,y
chief,网格长,Chief,chief,{COMMUNITY},,y
centre,操作员,Operator,centre,420502001,,y
mender,处置员·工务,Handler of works,handler,4205,works,y
lamp-mender,处置员·路灯,Handler of lamps,handler,4205,lamps,y
checker,核查员,Checker,checker,420502,,y
supervisor,督查员,Supervisor,supervisor,4205,,y
auditor,审计员,Auditor,auditor,4205,,y
admin,管理员,Administrator,admin,4205,,y
"""
EVENTS = f"""\
code,kind,place,title,description,longitude,latitude,days_ago,state
demo-1,{HOLE},{GRID},坑洞,路口,111.3005,30.7005,30,closed
demo-2,{LAMP},{LOOK_ALIKE},灯不亮,巷口,111.3365,30.7005,3,registered
demo-3,{HOLE},{LOOK_ALIKE},坑洞,巷口,111.3365,30.7005,0,dispatched
"""


def write_city(folder: Path, slug: str, *, with_plugin: bool) -> Path:
    """Write the package of ``first`` or ``second`` into ``folder``."""
    write_package(folder)
    edit(folder, "tenant.toml", 'slug = "small"', f'slug = "{slug}"')
    edit(folder, "tenant.toml", "0195f000-0000-7000-8000-000000000001", IDS[slug])
    _put(folder, "places/grids.csv", _grids())
    _put(folder, "places/shapes.ndjson", _shapes())
    _put(folder, "roles.toml", "\n".join(_role(*role) for role in ROLES.items()))
    _put(folder, "demo/accounts.csv", ACCOUNTS)
    _put(folder, "demo/events.csv", EVENTS)
    edit(folder, "events/kinds.csv", "works,short,", "works,standard,")
    _put(folder, "events/workflows/standard.toml", _standard())
    enabled = str(with_plugin).lower()
    plugin = f'[[plugins]]\nid = "safety-production"\nenabled = {enabled}\n'
    _put(folder, "plugins.toml", plugin)
    return folder


def _put(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="utf-8", newline="")


def _grids() -> str:
    rows = [
        f"{COMMUNITY}{n:02},{COMMUNITY},grid,第{n:02}网格,Grid {n:02},250,made,{VALID}"
        for n in range(1, 41)
    ]
    return "\n".join([GRIDS.splitlines()[0], *rows]) + "\n"


def _shapes() -> str:
    west = 111.3
    return "".join(
        square(f"{COMMUNITY}{n:02}", round(west + (n - 1) / 1000, 3), round(west + n / 1000, 3))
        for n in range(1, 41)
    )


def _role(code: str, permissions: list[str]) -> str:
    listed = ", ".join(f'"{permission}"' for permission in permissions)
    return (
        f'[[roles]]\ncode = "{code}"\nname_zh = "{code}"\nname_en = "{code}"\n'
        f"permissions = [{listed}]\n"
    )


def _standard() -> str:
    shipped = ROOT / "tenants/yichang/events/workflows/standard.toml"
    text = shipped.read_text(encoding="utf-8")
    return text.replace('source = "source-platform"', 'source = "law"')
