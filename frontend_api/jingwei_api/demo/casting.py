"""Who plays which part of the walk (角色分工), chosen from the demo accounts of a tenant."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jingwei_core.demo.passwords import DemoLogin, read_logins
from jingwei_sdk.errors import NotFound


@dataclass(frozen=True, slots=True)
class Parts:
    """The accounts of one walk: each step has its own, and all cover the worker's grid."""

    worker: DemoLogin
    chief: DemoLogin
    centre: DemoLogin
    checker: DemoLogin
    supervisor: DemoLogin
    handlers: Mapping[str, DemoLogin]
    """By code of their department."""


def read_parts(path: Path, tenant: str) -> Parts:
    """The parts of a tenant's walk from the accounts file.

    Raises ``NotFound`` (``DEMO_ACCOUNT_MISSING``), ``Unavailable`` for an unreadable file.
    """
    logins = list(read_logins(path, tenant).values())

    def nearest(role: str, grid: str) -> DemoLogin:
        """Codes of places begin with their parent's: the longest one that fits is the nearest."""
        able = [row for row in logins if row.role == role and grid.startswith(row.place)]
        if not able:
            raise NotFound("DEMO_ACCOUNT_MISSING", tenant=tenant, role=role, file=str(path))
        return max(able, key=lambda row: len(row.place))

    workers = [row for row in logins if row.role == "grid_worker"]
    if not workers:
        raise NotFound("DEMO_ACCOUNT_MISSING", tenant=tenant, role="grid_worker", file=str(path))
    worker = workers[0]
    handlers = {
        row.department: row
        for row in logins
        if row.role == "department_handler" and worker.place.startswith(row.place)
    }
    return Parts(
        worker,
        nearest("community_chief", worker.place),
        nearest("centre_operator", worker.place),
        nearest("checker", worker.place),
        nearest("supervisor", worker.place),
        handlers,
    )
