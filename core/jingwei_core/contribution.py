"""What the core contributes, by the same declarations that a plugin uses."""

from functools import cache
from pathlib import Path

from jingwei_core.access import commands as access_commands
from jingwei_core.access import questions as access_questions
from jingwei_core.events import commands as event_commands
from jingwei_core.events import questions as event_questions
from jingwei_core.evidence import commands as evidence_commands
from jingwei_core.evidence import commits as evidence_commits
from jingwei_core.jobs.core_jobs import JOBS
from jingwei_core.ledgers import commands as ledger_commands
from jingwei_core.ledgers import questions as ledger_questions
from jingwei_core.meetings import closing as meeting_closing
from jingwei_core.meetings import commands as meeting_commands
from jingwei_core.meetings import item_commands as meeting_item_commands
from jingwei_core.notifications import commands as notification_commands
from jingwei_core.notifications import questions as notification_questions
from jingwei_core.notifications.mail import CHANNEL as EMAIL
from jingwei_core.outbox.channels import CHANNELS
from jingwei_core.patrols import commands as patrol_commands
from jingwei_core.patrols import data_rights as visit_rights
from jingwei_core.patrols import questions as patrol_questions
from jingwei_core.patrols import reminding as patrol_reminders
from jingwei_core.people import commands as people_commands
from jingwei_core.people import data_rights as people_rights
from jingwei_core.people import questions as people_questions
from jingwei_core.places import commands as place_commands
from jingwei_core.places import questions as place_questions
from jingwei_core.plugins import questions as plugin_questions
from jingwei_core.presence import core_items
from jingwei_core.presence import questions as presence_questions
from jingwei_core.privacy import account_rights
from jingwei_core.public_reports import commands as public_report_commands
from jingwei_core.public_reports import data_rights as public_report_rights
from jingwei_core.reading.subscriptions import SUBSCRIPTIONS
from jingwei_core.registers import commands as register_commands
from jingwei_core.routing import commands as routing_commands
from jingwei_core.routing import questions as routing_questions
from jingwei_core.tables import core_records, core_tables
from jingwei_core.tasks import commands as task_commands
from jingwei_core.tasks import questions as task_questions
from jingwei_core.tenants.clone_rules import CLONE_RULES
from jingwei_core.workforce import commands as workforce_commands
from jingwei_sdk.manifest import Manifest, read_manifest
from jingwei_sdk.plugin import Plugin

CORE_ID = "core"
_COMMANDS = (
    place_commands,
    access_commands,
    evidence_commands,
    evidence_commits,
    event_commands,
    register_commands,
    notification_commands,
    routing_commands,
    task_commands,
    workforce_commands,
    meeting_commands,
    meeting_item_commands,
    meeting_closing,
    ledger_commands,
    patrol_commands,
    public_report_commands,
    people_commands,
)
_QUESTIONS = (
    *(access_questions, event_questions, place_questions, routing_questions),
    *(plugin_questions, presence_questions, notification_questions, task_questions),
    ledger_questions,
    patrol_questions,
    people_questions,
)


@cache
def core_contribution() -> Plugin:
    """The core as a contribution: what it keeps, reads, writes, does by itself and shows; the same
    one for all of a process, so that what others work out of it is worked out once."""
    return Plugin(
        id=CORE_ID,
        package="jingwei_core",
        tables=tuple(core_tables()),
        records=tuple(core_records()),
        commands=tuple(command for room in _COMMANDS for command in room.COMMANDS),
        jobs=tuple(JOBS),
        data_rights=(
            *account_rights.RIGHTS,
            *visit_rights.RIGHTS,
            *public_report_rights.RIGHTS,
            *people_rights.RIGHTS,
        ),
        clone_rules=CLONE_RULES,
        questions=tuple(question for room in _QUESTIONS for question in room.QUESTIONS),
        navigation=core_items.NAVIGATION,
        map_layers=core_items.MAP_LAYERS,
        indicators=core_items.INDICATORS,
        reminders=patrol_reminders.REMINDERS,
        channels=(*CHANNELS, EMAIL),
        subscriptions=SUBSCRIPTIONS,
    )


@cache
def core_manifest() -> Manifest:
    """The core's own manifest: its permissions with the names that people read."""
    return read_manifest(Path(__file__).with_name("plugin.toml"))
