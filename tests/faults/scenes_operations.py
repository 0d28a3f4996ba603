"""What operators do: packages, workflow versions, clones, erasure, plugins, and jobs."""

import json
import tempfile
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Job

from jingwei_core.events.workflow_reading import read_workflow
from jingwei_core.jobs.running import JobRunner, Limits
from jingwei_core.platform import Platform
from jingwei_core.plugins.switching import disable_plugin, enable_plugin
from jingwei_core.privacy.subject import erase_subject
from jingwei_core.tenants.apply import apply_package
from jingwei_core.tenants.cloning import clone_tenant
from jingwei_core.tenants.package import load_package
from jingwei_core.workflows.activation import activate
from tests.core.events.city import City, build_city
from tests.core.events.rulebook import ruled, workflow
from tests.core.events.test_activation import renewed
from tests.core.events.test_guards import working
from tests.core.routing.duties import GRANTS
from tests.faults.site import Act
from tests.tenants.small_city import write_city
from tests.tenants.small_package import edit

PLUGIN = "safety-production"
Doing = Callable[[Platform], Awaitable[Any]]
_JOBS = ("core.evidence-garbage", "core.event-ladder", "core.meetings-plan")
_PICKED = """
INSERT INTO jobs.pgqueuer (priority, queue_manager_id, status, entrypoint, payload, headers)
VALUES (0, $1, 'picked', $2, $3, $4) RETURNING *
"""


async def operation_acts(platform: Platform, workers: Any) -> list[Act]:
    """One act for each operation, in an order in which they do not stand in each other's way."""
    at = platform.clock.now()
    city = await ruled(await build_city(platform), workflow())
    city.platform.event_ports = platform.event_ports
    for _ in range(3):
        await working(city)
    slug, tenant = city.tenant.slug, city.tenant.id
    definition = read_workflow(renewed())

    def act(name: str, run: Doing, **more: Any) -> Act:
        return Act(f"operation: {name}", tenant, at, run, **more)

    again: dict[str, Any] = {"repeated": "refused"}
    told: dict[str, Any] = {"repeated": "once more"}
    return [
        *await _packages(platform),
        act("clone", lambda platform: clone_tenant(platform, slug, "cloned", "复制"), **again),
        act("erase", lambda platform: erase_subject(platform, slug, "plumber"), **again),
        act("enable", lambda platform: enable_plugin(platform, slug, PLUGIN), **told),
        *await _jobs(platform),
        act("disable", lambda platform: disable_plugin(platform, slug, PLUGIN), **told),
        # The last: each attempt adds to the audit log of one twin and not of the other.
        act(
            "activate",
            lambda platform: activate(platform, slug, definition, {"work": "repair"}),
            may_be_partly=True,
            repeated="once more",
        ),
    ]


async def _packages(platform: Platform) -> list[Act]:
    with tempfile.TemporaryDirectory() as name:
        folder = write_city(Path(name) / "small", "first", with_plugin=True)
        package = load_package(folder)
        edit(folder, "roles.toml", 'name_zh = "auditor"', 'name_zh = "审计"')
        changed = load_package(folder)
    at = platform.clock.now()
    return [
        Act(
            f"operation: {name}",
            each.tenant.id,
            at,
            lambda platform, each=each: apply_package(platform, each),  # type: ignore[misc]
        )
        for name, each in (("apply", package), ("apply again", changed))
    ]


async def _jobs(platform: Platform) -> list[Act]:
    """Each job once, as a worker that has picked it runs it."""
    city = await ruled(await build_city(platform, plugins=(PLUGIN,)), workflow())
    for role, permissions in GRANTS.items():
        sql = "UPDATE core.role SET permissions = permissions || $1::text[] WHERE code = $2"
        await city.fetch(sql, permissions, role)
    await working(city)
    return [await job_act(city, name, {}) for name in _JOBS]


async def job_act(city: City, name: str, payload: dict[str, Any]) -> Act:
    """A job that a worker has picked and runs; it leaves the queue once, with what it did."""
    async with city.platform.database.owner() as unit:
        row = await unit.fetchrow(
            _PICKED,
            uuid.uuid4(),
            name,
            json.dumps(payload).encode(),
            json.dumps({"tenant": str(city.tenant.id)}),
        )
    assert row is not None
    job = Job.model_validate(dict(row))

    async def run(platform: Platform) -> None:
        await JobRunner(platform, Limits(lost_workers=100)).execute(job, None)  # type: ignore[arg-type]

    at = city.platform.clock.now()
    return Act(f"operation: {name}", city.tenant.id, at, run, lost=(RetryRequested,))
