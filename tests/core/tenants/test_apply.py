"""Applying a package: all of it or nothing, again without effect, and told beforehand."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest

from jingwei_core.audit.chain import verify_chain
from jingwei_core.events.workflow_reading import WorkflowInvalid
from jingwei_core.platform import Platform
from jingwei_core.tenants.apply import Outcome, apply_package
from jingwei_core.tenants.package import load_package
from jingwei_core.tenants.status import list_tenants, set_status, tenant_counts
from jingwei_sdk.errors import Denied, Invalid, NotFound
from tests.tenants.small_package import edit

TENANT = UUID("0195f000-0000-7000-8000-000000000001")
SHIPPED = Path(__file__).parents[3] / "tenants" / "zhengzhou"
TABLES = ("place", "place_code", "place_shape", "role", "event_kind", "workflow", "audit_entry")


async def count(platform: Platform, table: str) -> int:
    async with platform.database.unit(TENANT) as unit:
        return int(await unit.fetchval(f"SELECT count(*) FROM core.{table}"))


async def counts(platform: Platform) -> dict[str, int]:
    return {table: await count(platform, table) for table in TABLES}


def summary(outcome: Outcome) -> dict[str, tuple[int, int, int]]:
    return {
        table.section.name: (len(table.added), len(table.changed), len(table.gone))
        for table in outcome.tables
        if not table.is_empty
    }


async def test_a_new_tenant_is_as_its_package_says(platform: Platform, folder: Path) -> None:
    outcome = await apply_package(platform, load_package(folder))

    assert outcome.is_new
    assert await counts(platform) == {
        "place": 6,
        "place_code": 6,
        "place_shape": 2,
        "role": 1,
        "event_kind": 4,
        "workflow": 1,
        "audit_entry": 1,
    }
    held = await tenant_counts(platform, "small")
    assert (held["capture_units"], held["event_kinds"]) == (2, 2)
    async with platform.database.unit(TENANT) as unit:
        paths = await unit.fetch(
            "SELECT p.code, p.path, p.depth, a.code AS parent FROM core.place p"
            " LEFT JOIN core.place a ON a.id = p.parent ORDER BY p.path"
        )
        leaf = await unit.fetchrow(
            "SELECT k.rank, d.code AS department, k.form_schema IS NOT NULL AS has_form"
            " FROM core.event_kind k JOIN core.department d ON d.id = k.department"
            " WHERE k.code = 'city.road.hole'"
        )
    assert [(row["path"], row["depth"], row["parent"]) for row in paths] == [
        ("/1/", 0, None),
        ("/1/2/", 1, "4205"),
        ("/1/2/3/", 2, "420502"),
        ("/1/2/3/4/", 3, "420502001"),
        ("/1/2/3/4/5/", 4, "420502001001"),
        ("/1/2/3/4/6/", 4, "420502001001"),
    ]
    assert tuple(leaf) == (3, "works", True)


async def test_applying_again_changes_nothing(platform: Platform, folder: Path) -> None:
    await apply_package(platform, load_package(folder))
    before = await counts(platform)

    outcome = await apply_package(platform, load_package(folder))

    assert outcome.is_empty
    assert await counts(platform) == before


async def test_applying_a_shipped_city_again_changes_nothing(platform: Platform) -> None:
    """Zhengzhou has a file of each kind of rules."""
    package = load_package(SHIPPED)
    for rules in (package.notifications, package.meetings, package.ledgers, package.workforce):
        assert rules is not None
        assert list(rules.document().values()) != [[]]
    await apply_package(platform, package)
    tables = (*TABLES, "notification_rules", "meeting_rules", "ledger_rules", "workforce_rules")

    async def rows() -> list[object]:
        async with platform.database.unit(package.tenant.id) as unit:
            sql = "SELECT array_agg((t.id, t.ctid)::text ORDER BY t.id) FROM core.{} t"
            return [await unit.fetchval(sql.format(table)) for table in tables]

    before = await rows()
    assert None not in before

    assert summary(await apply_package(platform, package, dry_run=True)) == {}
    outcome = await apply_package(platform, package)

    assert summary(outcome) == {}
    assert outcome.is_empty
    assert await rows() == before


async def test_a_dry_run_tells_the_difference_and_writes_nothing(
    platform: Platform, folder: Path
) -> None:
    new = await apply_package(platform, load_package(folder), dry_run=True)
    assert new.is_new
    assert summary(new)["place"] == (6, 0, 0)
    assert await list_tenants(platform.database) == []

    await apply_package(platform, load_package(folder))
    before = await counts(platform)
    edit(folder, "events/kinds.csv", "Pothole", "Hole")
    edit(folder, "places/grids.csv", ",250,", ",260,")
    told = await apply_package(platform, load_package(folder), dry_run=True)

    assert summary(told) == {"place": (0, 1, 0), "event_kind": (0, 1, 0)}
    assert await counts(platform) == before
    async with platform.database.unit(TENANT) as unit:
        kind = "SELECT name_en FROM core.event_kind WHERE code = 'city.road.hole'"
        assert await unit.fetchval(kind) == "Pothole"


async def test_a_workflow_that_nobody_could_work_with_is_not_applied(
    platform: Platform, folder: Path
) -> None:
    package = load_package(folder)
    (role,) = package.roles
    idle = replace(package, roles=(replace(role, permissions=("place.*",)),))
    with pytest.raises(WorkflowInvalid) as refusal:
        await apply_package(platform, idle)
    assert [(flaw.code, flaw.field) for flaw in refusal.value.flaws] == [
        ("WORKFLOW_NOBODY", "short.actions.handle.permission"),
        ("WORKFLOW_NOBODY", "short.actions.close.permission"),
    ]
    assert await list_tenants(platform.database) == []
    await apply_package(platform, package)
    before = await counts(platform)
    with pytest.raises(WorkflowInvalid):
        await apply_package(platform, idle)
    assert await counts(platform) == before
    async with platform.database.unit(TENANT) as unit:
        assert await unit.fetchval("SELECT permissions FROM core.role") == ["event.*", "place.*"]


async def test_a_new_version_of_the_package_is_told_and_is_in_the_log(
    platform: Platform, folder: Path
) -> None:
    """Also when nothing but the tenant's own row is different."""
    await apply_package(platform, load_package(folder))
    before = await counts(platform)
    edit(folder, "tenant.toml", 'version = "1.0.0"', 'version = "1.0.1"')

    told = await apply_package(platform, load_package(folder), dry_run=True)

    assert told.tenant.changed == {"package_version": ("1.0.0", "1.0.1")}
    assert await counts(platform) == before
    assert [line.package_version for line in await list_tenants(platform.database)] == ["1.0.0"]

    assert not (await apply_package(platform, load_package(folder))).is_empty

    assert [line.package_version for line in await list_tenants(platform.database)] == ["1.0.1"]
    async with platform.database.unit(TENANT) as unit:
        sql = "SELECT changes::text FROM core.audit_entry ORDER BY sequence DESC LIMIT 1"
        assert '"after": {"package_version": "1.0.1"}' in await unit.fetchval(sql)
    assert (await apply_package(platform, load_package(folder))).is_empty


async def test_what_left_the_package_is_taken_out_of_use_and_kept(
    platform: Platform, folder: Path
) -> None:
    await apply_package(platform, load_package(folder))
    edit(
        folder,
        "events/kinds.csv",
        "city.road.lamp,city.road,路灯,Lamp,lamps,short,,quick,4,n,law\n",
        "",
    )

    outcome = await apply_package(platform, load_package(folder))

    assert summary(outcome) == {"event_kind": (0, 0, 1)}
    async with platform.database.unit(TENANT) as unit:
        row = await unit.fetchrow(
            "SELECT is_active, name FROM core.event_kind WHERE code = 'city.road.lamp'"
        )
    assert tuple(row) == (False, "路灯")
    again = await apply_package(platform, load_package(folder))
    assert again.is_empty


async def test_a_changed_workflow_is_a_new_version(platform: Platform, folder: Path) -> None:
    await apply_package(platform, load_package(folder))
    edit(
        folder, "events/workflows/short.toml", 'requires = ["photo:after", "note"]', "requires = []"
    )

    outcome = await apply_package(platform, load_package(folder))

    assert [(change.code, change.number) for change in outcome.workflows] == [("short", 2)]
    async with platform.database.unit(TENANT) as unit:
        rows = await unit.fetch("SELECT number, is_current FROM core.workflow ORDER BY number")
    assert [tuple(row) for row in rows] == [(1, False), (2, True)]


async def test_a_moved_place_is_refused_and_nothing_is_applied_in_part(
    platform: Platform, folder: Path
) -> None:
    await apply_package(platform, load_package(folder))
    before = await counts(platform)
    async with platform.database.unit(TENANT) as unit:
        await unit.execute(
            "UPDATE core.place SET parent ="
            " (SELECT id FROM core.place WHERE code = '420502001') WHERE code = '42050200100101'"
        )
    edit(folder, "events/kinds.csv", "Pothole", "Hole")

    with pytest.raises(Invalid) as refused:
        await apply_package(platform, load_package(folder))

    assert refused.value.code == "PACKAGE_PLACE_MOVED"
    assert refused.value.params["place"] == "42050200100101"
    assert await counts(platform) == before
    async with platform.database.unit(TENANT) as unit:
        kind = "SELECT name_en FROM core.event_kind WHERE code = 'city.road.hole'"
        assert await unit.fetchval(kind) == "Pothole"


async def test_an_unknown_plugin_is_refused_with_file_and_field(
    platform: Platform, folder: Path
) -> None:
    (folder / "plugins.toml").write_text(
        '[[plugins]]\nid = "no-such-plugin"\nenabled = true\n[plugins.settings]\n',
        encoding="utf-8",
    )

    with pytest.raises(Invalid) as refused:
        await apply_package(platform, load_package(folder))

    error = refused.value
    assert (error.code, error.file, error.field) == ("PACKAGE_PLUGIN_UNKNOWN", "plugins.toml", "id")
    assert await list_tenants(platform.database) == []


async def test_a_slug_of_another_tenant_is_refused(platform: Platform, folder: Path) -> None:
    await apply_package(platform, load_package(folder))
    edit(folder, "tenant.toml", str(TENANT), "0195f000-0000-7000-8000-000000000002")

    with pytest.raises(Invalid) as refused:
        await apply_package(platform, load_package(folder))

    assert refused.value.code == "PACKAGE_SLUG_TAKEN"
    assert [line.id for line in await list_tenants(platform.database)] == [TENANT]


async def test_people_s_own_places_survive_an_apply(platform: Platform, folder: Path) -> None:
    await apply_package(platform, load_package(folder))
    async with platform.database.unit(TENANT) as unit:
        await unit.execute(
            "INSERT INTO core.place (parent, level, ordinal, path, depth, name, source, valid_from)"
            " SELECT id, 'grid', 99, path || '2r/', 4, '自建网格', 'entered', $1"
            " FROM core.place WHERE code = '420502001001'",
            date(2026, 1, 1),
        )

    outcome = await apply_package(platform, load_package(folder))

    assert outcome.is_empty


async def test_a_suspended_tenant_answers_nobody_and_resumes(
    platform: Platform, folder: Path
) -> None:
    await apply_package(platform, load_package(folder))

    assert await set_status(platform, "small", "suspended") is True
    with pytest.raises(Denied) as refused:
        await platform.tenant("small")
    assert refused.value.code == "TENANT_SUSPENDED"
    assert await set_status(platform, "small", "suspended") is False
    assert await set_status(platform, "small", "active") is True
    assert (await platform.tenant("small")).id == TENANT
    async with platform.database.unit(TENANT) as unit:
        commands = await unit.fetch("SELECT command FROM core.audit_entry ORDER BY sequence")
        verdict = await verify_chain(unit)
    assert [row["command"] for row in commands] == [
        "tenant.apply",
        "tenant.suspended",
        "tenant.active",
    ]
    assert (verdict.rows, verdict.broken_at) == (3, None)


async def test_an_unknown_tenant_is_not_found(platform: Platform) -> None:
    with pytest.raises(NotFound) as refused:
        await platform.tenant("nowhere")
    assert refused.value.code == "TENANT_NOT_FOUND"
