"""What the package contributes: the entry point ``safety-production``."""

from jingwei_safety_production import checklists, enterprises, hazards, inspections
from jingwei_safety_production.event_types import HAZARD_SETTLED
from jingwei_safety_production.reactions import HOOKS
from jingwei_safety_production.records import EXTENSIONS, RECORDS
from jingwei_safety_production.tables import TABLES
from jingwei_sdk.plugin import EventKindDeclaration, Job, Plugin

plugin = Plugin(
    id=hazards.PLUGIN,
    package="jingwei_safety_production",
    tables=TABLES,
    records=RECORDS,
    commands=(
        enterprises.register,
        enterprises.change,
        checklists.save,
        checklists.load_standard,
        inspections.record,
        hazards.report,
        hazards.rectify,
    ),
    extensions=EXTENSIONS,
    jobs=(
        Job("safety-production.catch-up", hazards.catch_up, schedule="30 7 * * *"),
        Job("safety-production.mark-overdue", hazards.mark_overdue, schedule="0 8 * * *"),
    ),
    event_kinds=(
        EventKindDeclaration(
            hazards.EVENT_KIND, "安全检查发现的隐患", "Hazard found by inspection"
        ),
    ),
    event_types=(HAZARD_SETTLED,),
    hooks=HOOKS,
    hears=frozenset({hazards.EVENT_KIND}),
)
