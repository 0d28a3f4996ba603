"""TOML: states, actions, roles, SLA; validated, diffable, versioned"""

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from jingwei_core.plugins.contributing.putting import put
from jingwei_core.plugins.contributing.shipped_files import shipped_files
from jingwei_core.plugins.contributing.upcoming import upcoming
from jingwei_core.plugins.discovery import Installed
from jingwei_core.plugins.switching import (
    Switching,
    configure_plugin,
    enable_plugin,
    switch_audited,
)
from jingwei_core.tenants.apply import apply_package
from jingwei_core.tenants.package import load_package
from jingwei_sdk.context import OpenEvent
from jingwei_sdk.errors import Conflict, Invalid
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.workflows import DeadlineFile, WorkflowFile
from tests.plugins.conftest import changzhi, platform, two_cities, yichang
from tests.plugins.world import PLUGIN, TENANTS, City

__all__ = ["changzhi", "platform", "two_cities", "yichang"]

CODE = "safety_supervised"
ROWS = "SELECT number, is_current, owner_plugin FROM core.workflow WHERE code = $1 ORDER BY number"
LIMITS = (
    "SELECT state, amount, unit FROM core.deadline_rule WHERE profile = $1 ORDER BY state COLLATE"
    ' "C"'
)


async def versions(city: City) -> list[tuple[int, bool, str]]:
    return [tuple(row) for row in await city.fetch(ROWS, CODE)]


def shipping(folder: Path, name: str, **changed: str) -> Installed:
    """The plugin with another text of its files, out of a package of its own."""
    found = sys.modules["jingwei_safety_production"].__file__
    assert found is not None
    source = Path(found).parent
    package = folder / name
    shutil.copytree(source / "workflows", package / "workflows")
    shutil.copy(source / "deadlines.csv", package)
    (package / "__init__.py").touch()
    text = (package / "workflows" / f"{CODE}.toml").read_text(encoding="utf-8")
    for old, new in changed.items():
        text = text.replace(old, new)
    (package / "workflows" / f"{CODE}.toml").write_text(text, encoding="utf-8")
    plugin = Plugin(
        id="safety-production",
        package=name,
        workflows=(WorkflowFile(Path(f"workflows/{CODE}.toml")),),
        deadlines=(DeadlineFile(Path("deadlines.csv")),),
    )
    return Installed("safety-production", "available", None, plugin)


async def put_into(city: City, found: Installed) -> None:
    async with city.system() as ctx:
        await put(ctx, found)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose packages can be imported for the length of a test."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


async def test_switching_on_puts_a_version_that_the_plugin_owns(yichang: City, changzhi: City):
    assert await versions(yichang) == [(1, True, "safety-production")]
    assert await versions(changzhi) == [], "the tenant next door has it off"
    assert [tuple(row) for row in await yichang.fetch(LIMITS, CODE)] == [
        ("*", 60.0, "day"),
        ("listed", 30.0, "day"),
        ("rectified", 5.0, "work_day"),
        ("registered", 1.0, "work_day"),
    ]
    place = await yichang.place("42050200100101")
    async with yichang.system() as ctx:
        opened = await ctx.events.open(
            ctx, OpenEvent("safety.hazard.supervised", place, "重大隐患：演示")
        )
    event = await yichang.fetch(
        "SELECT w.code, e.state, e.state_due_at IS NOT NULL AS is_due FROM core.event e"
        " JOIN core.workflow w ON w.id = e.workflow WHERE e.id = $1",
        opened,
    )
    assert [tuple(row) for row in event] == [(CODE, "registered", True)]


async def test_it_is_refused_where_nobody_could_work_by_it(yichang: City, changzhi: City):
    """At the switch, and when it is set anew: by the roles, departments and levels there are."""
    state = "SELECT to_jsonb(p)::text FROM platform.plugin_state p ORDER BY tenant_id"
    grants = "SELECT code, permissions FROM core.role ORDER BY code"

    async def stored() -> list[object]:
        async with yichang.platform.database.platform() as unit:
            rows = [tuple(row) for row in await unit.fetch(state)]
        kept = [await city.fetch(ROWS, CODE) for city in (yichang, changzhi)]
        return [rows, *(list(map(tuple, each)) for each in kept)]

    for city in (yichang, changzhi):
        await city.fetch(
            "UPDATE core.role SET permissions = array_remove(array_remove(permissions,"
            " 'event.dispatch'), 'event.*') WHERE 'event.dispatch' = ANY(permissions)"
            " OR 'event.*' = ANY(permissions)"
        )
        assert await city.fetch(grants)
    before = await stored()
    attempts = (
        enable_plugin(changzhi.platform, "changzhi", PLUGIN),
        configure_plugin(yichang.platform, "yichang", PLUGIN, Switching()),
    )
    for attempt in attempts:
        with pytest.raises(Conflict) as refusal:
            await attempt
        assert refusal.value.code == "PLUGIN_WORKFLOW_UNFIT"
        assert "actions.list.permission" in str(refusal.value.params["reasons"])
    assert await stored() == before


async def test_an_upgrade_shows_its_difference_and_makes_the_next_version(
    yichang: City, folder: Path
):
    newer = shipping(folder, "lamp_upgrade", **{'name_en = "Listed"': 'name_en = "On the list"'})
    async with yichang.system() as ctx:
        told = await upcoming(ctx, newer)
        assert [(each.what, each.name, each.effect) for each in told] == [
            ("workflow", CODE, "changed")
        ]
        assert told[0].lines == (
            "- state listed name_en: Listed",
            "+ state listed name_en: On the list",
        )
        assert await versions(yichang) == [(1, True, "safety-production")], "telling writes nothing"
        await put(ctx, newer)
        await put(ctx, newer)
        assert await upcoming(ctx, newer) == ()
    assert await versions(yichang) == [
        (1, False, "safety-production"),
        (2, True, "safety-production"),
    ]


async def test_the_tenants_own_version_wins_and_the_plugins_waits_beside_it(
    yichang: City, folder: Path
):
    package = load_package(TENANTS / "yichang")
    own = next(row for row in package.workflows if row.code == "standard")
    limits = tuple(
        replace(row, profile=CODE, state="registered", source="package-default")
        for row in package.deadlines[:1]
    )
    taken = replace(
        package,
        workflows=(*package.workflows, msgspec.structs.replace(own, code=CODE)),
        deadlines=(*package.deadlines, *limits),
    )
    await apply_package(yichang.platform, taken)
    assert await versions(yichang) == [(1, False, "safety-production"), (2, True, "")]

    newer = shipping(folder, "lamp_beside", **{'name_en = "Listed"': 'name_en = "On the list"'})
    async with yichang.system() as ctx:
        told = {each.what: each.effect for each in await upcoming(ctx, newer)}
        assert told == {"workflow": "beside", "deadline": "beside"}
        await put(ctx, newer)
    assert await versions(yichang) == [
        (1, False, "safety-production"),
        (2, True, ""),
        (3, False, "safety-production"),
    ]
    amounts = {row["state"]: row["amount"] for row in await yichang.fetch(LIMITS, CODE)}
    assert amounts["registered"] == float(limits[0].amount)

    # Applying the package once more takes nothing of the plugin's away.
    await apply_package(yichang.platform, taken)
    assert len(await yichang.fetch(LIMITS, CODE)) == 4
    assert len(await versions(yichang)) == 3


async def test_switched_off_and_on_again_it_is_as_it_was(yichang: City):
    before = await versions(yichang)
    for enabled in (False, True):
        await switch_audited(
            yichang.platform, "yichang", "safety-production", enabled=enabled, settings={}
        )
    assert await versions(yichang) == before


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        ('to = "closed"', 'to = "nowhere"', "nowhere"),
        ('kind = "start"', 'kind = "working"', "WORKFLOW_START"),
        ('requires = ["reason"]', 'requires = ["magic"]', "magic"),
        ('code = "safety_supervised"', "code =", "PLUGIN_FILE"),
    ],
)
async def test_a_file_that_is_no_workflow_is_refused_and_nothing_is_put(
    yichang: City, folder: Path, old: str, new: str, cause: str
):
    name = f"lamp_wrong_{abs(hash((old, new)))}"
    wrong = shipping(folder, name, **{old: new})
    before = await yichang.state()
    with pytest.raises(Invalid, match=cause) as refusal:
        await put_into(yichang, wrong)
    assert refusal.value.code == "PLUGIN_FILE"
    assert await yichang.state() == before
    assert await versions(yichang) == [(1, True, "safety-production")]


async def test_files_stay_inside_the_package_and_names_belong_to_one_plugin(
    yichang: City, folder: Path
):
    (folder / "lamp_outside").mkdir()
    (folder / "lamp_outside" / "__init__.py").touch()
    outside = Plugin(
        id="lamp-outside",
        package="lamp_outside",
        workflows=(WorkflowFile(Path("../elsewhere.toml")),),
    )
    with pytest.raises(Invalid) as refusal:
        shipped_files(outside)
    assert (refusal.value.code, refusal.value.params["cause"]) == (
        "PLUGIN_FILE",
        "it lies outside the package",
    )

    other = shipping(folder, "lamp_other")
    foreign = replace(other, id="other-plugin")
    with pytest.raises(Conflict) as taken:
        await put_into(yichang, foreign)
    assert taken.value.code == "PLUGIN_ROW_TAKEN"
    assert await versions(yichang) == [(1, True, "safety-production")]
