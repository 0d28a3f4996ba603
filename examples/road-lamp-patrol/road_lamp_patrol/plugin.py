"""What the package contributes: the entry point ``road-lamp-patrol``."""

from jingwei_sdk.plugin import Plugin

from road_lamp_patrol.lamps import register
from road_lamp_patrol.overdue import FIND_OVERDUE
from road_lamp_patrol.patrols import DARK, patrol
from road_lamp_patrol.reactions import HEARS, HOOKS
from road_lamp_patrol.records import RECORDS
from road_lamp_patrol.settings import SETTINGS
from road_lamp_patrol.tables import TABLES

plugin = Plugin(
    id="road-lamp-patrol",
    package="road_lamp_patrol",
    tables=TABLES,
    records=RECORDS,
    commands=(register, patrol),
    event_kinds=(DARK,),
    hooks=HOOKS,
    hears=HEARS,
    jobs=(FIND_OVERDUE,),
    settings=SETTINGS,
)
