"""A valid tenant package of a few rows, written out for tests to break."""

import json
from pathlib import Path

import pytest

from jingwei_core.tenants.package import PackageInvalid, Problem, load_package

PLACES = """\
code,parent,level,name_zh,name_en,households,source,valid_from,valid_to
4205,,city,宜昌市,Yichang City,,official,2024-01-01,
420502,4205,district,西陵区,Xiling District,,official,2024-01-01,
420502001,420502,street,西陵街道,Xiling Subdistrict,,official,2024-01-01,2030-01-01
420502001001,420502001,community,土街头社区,Tujietou Community,,official,2024-01-01,2030-01-01
"""
GRIDS = """\
code,parent,level,name_zh,name_en,households,source,valid_from,valid_to
42050200100101,420502001001,grid,第01网格,Grid 01,250,made,2024-01-01,2030-01-01
42050200100102,420502001001,grid,第02网格,Grid 02,299,made,2024-01-01,2030-01-01
"""
DEPARTMENTS = """\
code,parent,name_zh,name_en,duties_zh,duties_en,level,place
works,,工务,Works,修路,Mends roads,city,4205
lamps,works,路灯,Lamps,修灯,Mends lamps,city,4205
"""
KINDS = """\
code,parent,name_zh,name_en,department,workflow,form,deadline,grade,photo_required,source
city,,城市,City,,,,,,,
city.road,city,道路,Roads,,,,,,,
city.road.hole,city.road,坑洞,Pothole,works,short,damage,quick,3,y,law
city.road.lamp,city.road,路灯,Lamp,lamps,short,,quick,4,n,law
"""
DEADLINES = """\
profile,state,amount,unit,warn_at_percent,source
quick,registered,2,hour,80,law
quick,handled,1.5,work_hour,80,law
quick,*,7,day,80,law
"""
WORKFLOW = """\
code = "short"
name_zh = "短流程"
name_en = "Short"
version = 1
source = "law"

[[states]]
code = "registered"
name_zh = "登记"
name_en = "Registered"
kind = "start"

[[states]]
code = "handled"
name_zh = "处理"
name_en = "Handled"
kind = "working"

[[states]]
code = "closed"
name_zh = "结案"
name_en = "Closed"
kind = "final"

[[actions]]
code = "handle"
name_zh = "处理"
name_en = "Handle"
from = ["registered"]
to = "handled"
permission = "event.handle"
requires = ["photo:after", "note"]

[[actions]]
code = "close"
name_zh = "结案"
name_en = "Close"
from = ["handled"]
to = "closed"
permission = "event.close"
assigns = "clear"
"""
MANIFEST = """\
[tenant]
slug = "small"
id = "0195f000-0000-7000-8000-000000000001"
name_zh = "小城"
name_en = "Small"
timezone = "Asia/Shanghai"
locale = "zh-CN"
division_code = "4205"
version = "1.0.0"
demo = true

[[levels]]
code = "city"
name_zh = "市"
name_en = "City"
division = "prefecture"
code_digits = 4
capture_unit = false
source = "official"

[[levels]]
code = "district"
name_zh = "区"
name_en = "District"
division = "county"
code_digits = 6
capture_unit = false
source = "official"

[[levels]]
code = "street"
name_zh = "街道"
name_en = "Subdistrict"
division = "township"
code_digits = 9
capture_unit = false
source = "official"

[[levels]]
code = "community"
name_zh = "社区"
name_en = "Community"
division = "village"
code_digits = 12
capture_unit = false
source = "official"

[[levels]]
code = "grid"
name_zh = "网格"
name_en = "Grid"
division = "none"
code_digits = 14
capture_unit = true
households_min = 200
households_max = 300
source = "law"

[[switches]]
code = "check_in"
name_zh = "打卡"
name_en = "Check-in"
enabled = false
rule = ""
restricted_by = "国办函〔2026〕12号"

[[sources]]
code = "official"
title_zh = "区划"
title_en = "Divisions"

[[sources]]
code = "made"
title_zh = "生成"
title_en = "Made"

[[sources]]
code = "law"
title_zh = "规定"
title_en = "Rule"
"""
ROLES = """\
[[roles]]
code = "worker"
name_zh = "网格员"
name_en = "Worker"
permissions = ["event.*", "place.*"]
"""
CALENDAR = """\
source = "official"
weekend = [6, 7]
known_years = [2026]

[[working_hours]]
begin = "08:30"
end = "12:00"

[[working_hours]]
begin = "14:00"
end = "17:30"

[[holidays]]
day = 2026-10-01
name_zh = "国庆节"
name_en = "National Day"

[[make_up_days]]
day = 2026-10-10
name_zh = "调休"
name_en = "Make-up"
"""
PLUGINS = """\
[[plugins]]
id = "safety-production"
enabled = true

[plugins.settings]
days = 15
"""
ACCOUNTS = """\
login,name_zh,name_en,role,place,department,primary
worker-01,网格员·01,Worker 01,worker,42050200100101,lamps,y
"""
EVENTS = """\
code,kind,place,title,description,longitude,latitude,days_ago,state
demo-1,city.road.hole,42050200100101,坑洞,路口,111.3005,30.7005,3,handled
"""
ORGANISATIONS = """\
code,name_zh,name_en,category,place,longitude,latitude
demo-shop-01,示范超市01,Demo Shop 01,shop,42050200100102,111.3015,30.7005
"""
FORM: dict[str, object] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "损坏",
    "x-title-en": "Damage",
    "type": "object",
    "properties": {"depth": {"title": "深度", "x-title-en": "Depth", "type": "number"}},
    "required": ["depth"],
}


def square(place: str, west: float, east: float) -> str:
    """A GeoJSON line of a cell between two meridians."""
    ring = [[west, 30.7], [east, 30.7], [east, 30.701], [west, 30.701], [west, 30.7]]
    feature = {
        "type": "Feature",
        "properties": {"place": place, "source": "made"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    return json.dumps(feature) + "\n"


SHAPES = square("42050200100101", 111.3, 111.301) + square("42050200100102", 111.301, 111.302)

FILES = {
    "tenant.toml": MANIFEST,
    "roles.toml": ROLES,
    "calendar.toml": CALENDAR,
    "plugins.toml": PLUGINS,
    "departments.csv": DEPARTMENTS,
    "places/divisions.csv": PLACES,
    "places/grids.csv": GRIDS,
    "places/shapes.ndjson": SHAPES,
    "events/kinds.csv": KINDS,
    "events/deadlines.csv": DEADLINES,
    "events/forms/damage.schema.json": json.dumps(FORM, ensure_ascii=False),
    "events/workflows/short.toml": WORKFLOW,
    "demo/accounts.csv": ACCOUNTS,
    "demo/events.csv": EVENTS,
    "demo/organisations.csv": ORGANISATIONS,
}


def write_package(folder: Path) -> Path:
    """Write the whole package into ``folder``."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    return folder


def write_plain_package(folder: Path) -> Path:
    """The same without plugins."""
    write_package(folder)
    (folder / "plugins.toml").write_text("plugins = []\n", encoding="utf-8")
    return folder


def problems_of(folder: Path) -> tuple[Problem, ...]:
    """What is wrong with a package that cannot be read."""
    with pytest.raises(PackageInvalid) as refusal:
        load_package(folder)
    return refusal.value.problems


def edit(folder: Path, file: str, old: str, new: str) -> None:
    """Replace the one place of ``old`` in ``file``."""
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert text.count(old) >= 1, f"{old!r} is not in {file}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8", newline="")
