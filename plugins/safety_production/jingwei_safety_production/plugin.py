"""What the package contributes: the entry point ``safety-production``."""

from pathlib import Path

from jingwei_safety_production import (
    checklists,
    demo,
    enterprises,
    following,
    hazards,
    inspections,
    tips,
)
from jingwei_safety_production.data_rights import CLONE_RULES, DATA_RIGHTS
from jingwei_safety_production.event_types import HAZARD_SETTLED
from jingwei_safety_production.reactions import HOOKS
from jingwei_safety_production.records import EXTENSIONS, RECORDS
from jingwei_safety_production.settings import SETTINGS
from jingwei_safety_production.tables import TABLES
from jingwei_sdk.demo import Demo
from jingwei_sdk.plugin import EventKindDeclaration, Job, Plugin
from jingwei_sdk.workflows import DeadlineFile, WorkflowFile

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
    settings=SETTINGS,
    jobs=(
        Job("safety-production.catch-up", hazards.catch_up, schedule="30 7 * * *"),
        Job("safety-production.mark-overdue", hazards.mark_overdue, schedule="0 8 * * *"),
    ),
    event_kinds=(
        EventKindDeclaration(
            hazards.EVENT_KIND, "安全检查发现的隐患", "Hazard found by inspection"
        ),
        EventKindDeclaration(
            "safety.hazard.supervised",
            "重大隐患挂牌督办",
            "Major hazard under supervision",
            workflow="safety_supervised",
            deadline_profile="safety_supervised",
        ),
        EventKindDeclaration(tips.EVENT_KIND, "群众反映的安全隐患", "Hazard told by the public"),
    ),
    workflows=(WorkflowFile(Path("workflows/safety_supervised.toml")),),
    deadlines=(DeadlineFile(Path("deadlines.csv")),),
    reminders=following.REMINDERS,
    indicators=following.INDICATORS,
    navigation=following.NAVIGATION,
    map_layers=following.MAP_LAYERS,
    public_pages=following.PUBLIC_PAGES,
    public_forms=tips.PUBLIC_FORMS,
    demo=Demo(demo.fill),
    data_rights=DATA_RIGHTS,
    clone_rules=CLONE_RULES,
    event_types=(HAZARD_SETTLED,),
    hooks=HOOKS,
    hears=frozenset({hazards.EVENT_KIND}),
    subscriptions=following.SUBSCRIPTIONS,
)
