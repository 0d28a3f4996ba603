"""What the package contributes: the entry point ``road-lamp-patrol``."""

from jingwei_sdk.plugin import Plugin

from road_lamp_patrol.records import RECORDS
from road_lamp_patrol.tables import TABLES

plugin = Plugin(
    id="road-lamp-patrol",
    package="road_lamp_patrol",
    tables=TABLES,
    records=RECORDS,
)
