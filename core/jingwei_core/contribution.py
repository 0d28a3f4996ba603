"""What the core contributes, by the same declarations that a plugin uses."""

from jingwei_core.access import commands as access_commands
from jingwei_core.events import commands as event_commands
from jingwei_core.evidence import commands as evidence_commands
from jingwei_core.jobs.core_jobs import JOBS
from jingwei_core.places import commands as place_commands
from jingwei_core.registers import commands as register_commands
from jingwei_core.tables import core_records, core_tables
from jingwei_sdk.plugin import Plugin

CORE_ID = "core"
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
        records=tuple(core_records()),
        commands=tuple(command for room in _COMMANDS for command in room.COMMANDS),
        jobs=tuple(JOBS),
    )
