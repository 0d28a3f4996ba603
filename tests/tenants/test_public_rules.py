"""``public.toml``: off where it is absent, read whole, and each thing it names in vain told."""

from pathlib import Path

import pytest

from jingwei_core.public_reports.rules import MOST_PHOTOS, OFF, read_rules
from jingwei_core.tenants.desired import desired_sections
from jingwei_core.tenants.package import load_package
from jingwei_sdk.errors import Invalid
from tests.tenants.small_package import problems_of, write_package

REOPEN = """
[[actions]]
code = "reopen"
name_zh = "重办"
name_en = "Reopen"
from = ["closed"]
to = "registered"
permission = "event.handle"
requires = ["reason"]
assigns = "clear"
guards = [{ guard = "within", amount = 3, unit = "day", since = "closed" }]
"""
GOOD = """
source = "law"
enabled = true
kind = "city.road.lamp"
levels = ["community", "grid"]
reopen = "reopen"
photos = 3
"""
CITIES = Path(__file__).parents[2] / "tenants"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = write_package(tmp_path / "small")
    workflow = folder / "events/workflows/short.toml"
    workflow.write_text(workflow.read_text(encoding="utf-8") + REOPEN, encoding="utf-8")
    (folder / "public.toml").write_text(GOOD, encoding="utf-8")
    return folder


def test_without_the_file_the_public_reports_nothing(package: Path) -> None:
    (package / "public.toml").unlink()
    assert load_package(package).public == OFF
    assert not OFF.enabled


def test_what_is_written_is_read_and_applied(package: Path) -> None:
    loaded = load_package(package)
    assert (loaded.public.choices, loaded.public.photos) == (("city.road.lamp",), 3)
    day = loaded.places[0].valid_from
    (section,) = [one for one in desired_sections(loaded, day) if one.name == "public_report_rules"]
    assert section.rows[()]["definition"]["reopen"] == "reopen"


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"photos": MOST_PHOTOS + 1}, "photos"),
        ({"limits": {"reports_per_hour": 0}}, "limits.reports_per_hour"),
        ({"photographs": 3}, None),
    ],
)
def test_rules_that_cannot_be_read_are_refused_by_field(
    document: dict[str, object], field: str | None
) -> None:
    with pytest.raises(Invalid) as refused:
        read_rules(document)
    assert refused.value.code == "PUBLIC_REPORT_RULES_INVALID"
    assert refused.value.field == field
    assert refused.value.params["cause"]


@pytest.mark.parametrize(
    ("old", "new", "field", "code"),
    [
        ('source = "law"', 'source = "gossip"', "source", "PACKAGE_UNKNOWN_SOURCE"),
        ('"community"', '"planet"', "levels[1]", "PACKAGE_UNKNOWN_LEVEL"),
        ("city.road.lamp", "city.road.bridge", "kind", "PACKAGE_UNKNOWN_KIND"),
        ("city.road.lamp", "city.road", "kind", "PACKAGE_UNKNOWN_KIND"),
        ("photos = 3", 'kinds = ["none"]', "kinds[1]", "PACKAGE_UNKNOWN_KIND"),
        ('reopen = "reopen"', 'reopen = "close"', "reopen", "PACKAGE_PUBLIC_REOPEN"),
        ("photos = 3", f"photos = {MOST_PHOTOS + 1}", "photos", "PACKAGE_PUBLIC"),
        ("photos = 3", "colour = 3", "", "PACKAGE_PUBLIC"),
        (
            "photos = 3",
            "[limits]\nreports_per_hour = 0",
            "limits.reports_per_hour",
            "PACKAGE_PUBLIC",
        ),
        ("city.road.lamp", "city.road.hole", "kind", "PACKAGE_PUBLIC_FORM"),
    ],
)
def test_what_it_names_in_vain_is_told(
    package: Path, old: str, new: str, field: str, code: str
) -> None:
    file = package / "public.toml"
    assert old in GOOD
    file.write_text(GOOD.replace(old, new), encoding="utf-8")
    if code == "PACKAGE_PUBLIC_FORM":
        form = package / "events/forms/damage.schema.json"
        text = form.read_text(encoding="utf-8")
        form.write_text(text.replace('"type": "object"', '"type": "object", "minProperties": 1', 1))
    told = [(one.file, one.field, one.code) for one in problems_of(package)]
    assert ("public.toml", field, code) in told


@pytest.mark.parametrize("slug", ["changzhi", "yichang", "zhengzhou"])
def test_the_shipped_cities_take_reports_and_say_so_in_both_languages(slug: str) -> None:
    public = load_package(CITIES / slug).public
    assert public.enabled
    assert public.reopen
    assert public.notice_zh
    assert public.notice_en
