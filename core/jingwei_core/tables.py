"""Every tenant table of the core, in the order in which they may be created, and its records."""

from jingwei_sdk.records import Record
from jingwei_sdk.tables import TenantTable


def core_tables() -> list[type[TenantTable]]:
    """The table classes; imported here and not at import time, so that rooms stay independent."""
    from jingwei_core.access import tables as access
    from jingwei_core.audit import tables as audit
    from jingwei_core.commands import tables as commands
    from jingwei_core.events import tables as events
    from jingwei_core.evidence import tables as evidence
    from jingwei_core.ledgers import tables as ledgers
    from jingwei_core.meetings import tables as meetings
    from jingwei_core.notifications import tables as notifications
    from jingwei_core.outbox import tables as outbox
    from jingwei_core.patrols import tables as patrols
    from jingwei_core.people import tables as people
    from jingwei_core.places import tables as places
    from jingwei_core.plugins import tables as plugins
    from jingwei_core.presence import tables as presence
    from jingwei_core.public_reports import tables as public_reports
    from jingwei_core.registers import tables as registers
    from jingwei_core.reminders import tables as reminders
    from jingwei_core.rollups import tables as rollups
    from jingwei_core.routing import tables as routing
    from jingwei_core.tasks import tables as tasks
    from jingwei_core.tenants import tables as tenants
    from jingwei_core.workforce import tables as workforce

    rooms = (
        *(places, access, evidence, events, registers, commands, audit, outbox, tenants, rollups),
        *(plugins, reminders, workforce, tasks, notifications, routing),
        *(meetings, ledgers, patrols, public_reports, people, presence),
    )
    found: dict[str, type[TenantTable]] = {}
    for room in rooms:
        for value in vars(room).values():
            is_table = isinstance(value, type) and issubclass(value, TenantTable)
            if is_table and value.__module__ == room.__name__:
                found[value.__name__] = value
    return list(found.values())


def core_records() -> list[Record]:
    """The records over them, imported here for the same reason."""
    from jingwei_core.access import records as access
    from jingwei_core.audit import records as audit
    from jingwei_core.events import records as events
    from jingwei_core.evidence import records as evidence
    from jingwei_core.ledgers import records as ledgers
    from jingwei_core.meetings import records as meetings
    from jingwei_core.notifications import records as notifications
    from jingwei_core.patrols import records as patrols
    from jingwei_core.people import records as people
    from jingwei_core.places import records as places
    from jingwei_core.public_reports import records as public_reports
    from jingwei_core.registers import records as registers
    from jingwei_core.reminders import records as reminders
    from jingwei_core.routing import records as routing
    from jingwei_core.tasks import records as tasks
    from jingwei_core.tenants import records as tenants
    from jingwei_core.workforce import records as workforce

    rooms = (places, access, evidence, events, registers, audit, tenants, reminders, workforce)
    others = (notifications, routing, tasks, meetings, ledgers, patrols, public_reports, people)
    return [record for room in (*rooms, *others) for record in room.RECORDS]
