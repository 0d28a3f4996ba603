"""What the core contributes, by the same declarations that a plugin uses."""

from jingwei_core.access import commands as access_commands
from jingwei_core.access import records as access_records
from jingwei_core.audit import records as audit_records
from jingwei_core.events import commands as event_commands
from jingwei_core.events import records as event_records
from jingwei_core.evidence import commands as evidence_commands
from jingwei_core.evidence import records as evidence_records
from jingwei_core.jobs.core_jobs import JOBS
from jingwei_core.places import commands as place_commands
from jingwei_core.places import records as place_records
from jingwei_core.registers import commands as register_commands
from jingwei_core.registers import records as register_records
from jingwei_core.tables import core_tables
from jingwei_core.tenants import records as tenant_records
from jingwei_sdk.plugin import Plugin

CORE_ID = "core"
_RECORDS = (
    place_records,
    access_records,
    evidence_records,
    event_records,
    register_records,
    audit_records,
    tenant_records,
)
_COMMANDS = (
    place_commands,
    access_commands,
    evidence_commands,
    event_commands,
    register_commands,
)


def core_contribution() -> Plugin:
    """The core as a contribution: its tables, records, commands and jobs."""
    return Plugin(
        id=CORE_ID,
        package="jingwei_core",
        tables=tuple(core_tables()),
        records=tuple(record for room in _RECORDS for record in room.RECORDS),
        commands=tuple(command for room in _COMMANDS for command in room.COMMANDS),
        jobs=tuple(JOBS),
    )
